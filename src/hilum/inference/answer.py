"""How an answer is made of a film that was scored, with its words for people."""

from __future__ import annotations

from typing import Any

from hilum.artifacts.bundle import Bundle
from hilum.imaging.quality import FLAGS
from hilum.inference.judged import at_temperature, has_temperature
from hilum.inference.opened import Opened
from hilum.inference.predictor import Scored
from hilum.inference.said import Answer, FindingSaid, Gate, Remark
from hilum.sources.facts import FRONTAL, view_is_known, view_of
from hilum.stats.conformal import LEVELS, set_classes
from hilum.study.several_findings import MULTILABEL

NOT_A_CHEST_FILM, NOT_FRONTAL, STRANGER = "not-a-chest-film", "not-frontal", "outside-the-training-films"
_GATED = {
    "not-a-chest-film": (NOT_A_CHEST_FILM, "This does not look like a chest film."),
    "ct-slice": (NOT_A_CHEST_FILM, "This looks like a CT slice, not like a chest film."),
    "photograph": (NOT_A_CHEST_FILM, "This looks like a photograph of a film, not like the film itself."),
    "lateral": (NOT_FRONTAL, "This looks like a lateral film; the model knows frontal ones."),
}
_QUALITY = {
    "nearly-blank": "Nearly all of the film has one grey.",
    "inverted": "The film looks like a negative: bone dark, air light.",
    "burned-in-text": "There is text on the film.",
    "wide-border": "A wide border of one grey surrounds the film.",
    "clipped-exposure": "Much of the film is at its lightest or darkest grey.",
}


def answer(bundle: Bundle, opened: Opened, scored: Scored) -> Answer:
    """The answer of a film that was opened and scored."""
    height, width = opened.size_px
    error = opened.error or scored.error
    answered = scored.probabilities is not None and scored.logits is not None
    reasons = _reasons(opened, scored) if answered else ()
    several = bundle.task == MULTILABEL
    return Answer(
        film=opened.name,
        sha256=opened.sha256,
        probabilities=_by_class(bundle, scored.probabilities) if answered else {},
        calibrated=_calibrated(bundle, scored) if answered else {},
        most_likely=bundle.classes[int(scored.probabilities.argmax())] if scored.probabilities is not None and not several else "",
        positive=bundle.positive,
        threshold=None if several else float(bundle.operating_point["threshold"]),
        called_positive=scored.positive,
        sets={str(level): set_classes(text, bundle.classes) for level in LEVELS if (text := scored.judged.get(f"set_{level}")) is not None},
        gate=Gate(not reasons if answered else None, reasons, _number(scored.judged.get("stranger_score", "")), _limit(bundle)),
        quality=tuple(Remark(f.code, _QUALITY[f.code]) for f in FLAGS if f.code in _QUALITY and f.code in (opened.flags or {})),
        abstained=bool(reasons),
        width_px=width,
        height_px=height,
        format=opened.format,
        error=error,
        error_words="" if not error else opened.words or error,
        findings=_findings(bundle, scored),
    )  # fmt: skip


def _findings(bundle: Bundle, scored: Scored) -> dict[str, FindingSaid]:
    """What is said of each finding; empty of classes, or without scores."""
    if bundle.task != MULTILABEL or scored.probabilities is None:
        return {}
    said = zip(
        bundle.classes, map(float, scored.probabilities), bundle.thresholds, scored.present, strict=True
    )
    return {name: FindingSaid(p, threshold, present) for name, p, threshold, present in said}


def _reasons(opened: Opened, scored: Scored) -> tuple[Remark, ...]:
    found = [Remark(*_GATED[code]) for code in opened.flags or {} if code in _GATED]
    view = view_of(opened.facts.get("view", ""))
    if view and view_is_known(view) and view not in FRONTAL:
        found.append(
            Remark(
                NOT_FRONTAL, f"The film's header says that its view is {view}; the model knows frontal films."
            )
        )
    if scored.judged.get("stranger") == "1":
        found.append(Remark(STRANGER, "The film is unlike those that the model was trained on."))
    return tuple(found)


def _by_class(bundle: Bundle, values: Any) -> dict[str, float]:
    return dict(zip(bundle.classes, map(float, values), strict=True))


def _calibrated(bundle: Bundle, scored: Scored) -> dict[str, float]:
    if not has_temperature(bundle) or scored.logits is None:
        return {}
    return _by_class(bundle, at_temperature(bundle, scored.logits[None])[0])


def _number(text: str) -> float | None:
    return float(text) if text else None


def _limit(bundle: Bundle) -> float | None:
    limit = bundle.gate.get("threshold") if bundle.gate else None
    return None if limit is None else float(limit)

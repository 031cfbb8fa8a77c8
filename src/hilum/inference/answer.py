"""What a bundle says of one film, with its words for people: the same for every way in (program, browser, picture archive).

Convention: probabilities are at temperature 1, as the operating point and the sets were chosen on them; `calibrated` stands beside them.
A film that the gate does not pass is answered all the same, and the answer says that it should not be relied on (`abstained`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hilum.artifacts.bundle import Bundle
from hilum.imaging.quality import FLAGS
from hilum.inference.opened import Opened
from hilum.inference.predictor import Scored
from hilum.sources.facts import FRONTAL, view_is_known, view_of
from hilum.stats.calibration import apply_temperature
from hilum.stats.conformal import LEVELS, set_classes

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


@dataclass(frozen=True)
class Remark:
    """Something that is odd about a film: a stable code, and a sentence for people."""

    code: str
    words: str


@dataclass(frozen=True)
class Gate:
    """Whether the film is one that the model can be asked about.

    Attributes:
        passed: None where there was no film.
        reasons: Why not: ``not-a-chest-film``, ``not-frontal``, ``outside-the-training-films``.
        score: How strange the film is to the bundle; None where the bundle has no gate.
        limit: The score above which it is a stranger; None likewise, or where validation was too small to choose one.
    """

    passed: bool | None
    reasons: tuple[Remark, ...] = ()
    score: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Answer:
    """What a bundle says of a film.

    Attributes:
        film: What the caller calls it.
        probabilities: Class -> probability, in the bundle's order; empty for a film that has none.
        calibrated: Likewise at the bundle's temperature; empty where it has none.
        most_likely: The class of the highest probability; empty for none.
        positive: The class that the operating point is about.
        threshold: The operating point: the probability of `positive` from which the film is called positive.
        called_positive: Whether it is; None for a film without scores.
        sets: Per cent of films (``90``, ``95``) -> the classes of a conformal set; empty where the bundle has none.
        gate: Whether it is a film for this model.
        quality: What is odd about the film.
        abstained: The gate did not pass it: the answer should not be relied on.
        width_px, height_px: Of the decoded film.
        format: ``png``, ``jpeg``, ``bmp``, ``tiff`` or ``dicom``.
        error: Empty, or the reason why there are no scores.
        error_words: The reason as a sentence.
    """

    film: str
    probabilities: Mapping[str, float]
    calibrated: Mapping[str, float]
    most_likely: str
    positive: str
    threshold: float
    called_positive: bool | None
    sets: Mapping[str, tuple[str, ...]]
    gate: Gate
    quality: tuple[Remark, ...]
    abstained: bool
    width_px: int
    height_px: int
    format: str
    error: str = ""
    error_words: str = ""

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def answer(bundle: Bundle, opened: Opened, scored: Scored) -> Answer:
    """The answer of a film that was opened and scored."""
    height, width = opened.size_px
    error = opened.error or scored.error
    answered = scored.probabilities is not None and scored.logits is not None
    reasons = _reasons(opened, scored) if answered else ()
    return Answer(
        film=opened.name,
        probabilities=_by_class(bundle, scored.probabilities) if answered else {},
        calibrated=_calibrated(bundle, scored) if answered else {},
        most_likely=bundle.classes[int(scored.probabilities.argmax())] if scored.probabilities is not None else "",
        positive=bundle.positive,
        threshold=float(bundle.operating_point["threshold"]),
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
    )  # fmt: skip


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
    if "temperature" not in bundle.calibration or scored.logits is None:
        return {}
    return _by_class(
        bundle, apply_temperature(scored.logits[None], float(bundle.calibration["temperature"]))[0]
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def _limit(bundle: Bundle) -> float | None:
    limit = bundle.gate.get("threshold") if bundle.gate else None
    return None if limit is None else float(limit)

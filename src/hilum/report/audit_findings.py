"""What an audit found, as cautions with codes and counts; and which of them somebody accepted, and why.

An acceptance is written ``CODE``, ``CODE=reason``, or, for what is found film by film, ``CODE:FILM`` and ``CODE:FILM=reason``. What is
accepted is shown and recorded as accepted. It does not lift what `hilum run` refuses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from hilum.core.errors import InputError, require_known
from hilum.imaging.quality import FLAGS
from hilum.report import numbers
from hilum.report.caution import SEVERITIES, Caution, Severity, by_severity, caution
from hilum.report.cautions import not_by_hilum
from hilum.report.class_words import others

_BY_FILM: Final = (*(f.code for f in FLAGS), "label-suspects")
CODES: Final = (
    "split-leaks", "copies", "labels-disagree", "patients-unknown", "one-id-on-many", "class-follows-source", "shortcuts", "not-by-hilum",
    *_BY_FILM,
)  # fmt: skip
"""Every finding that an audit may have."""

Findings = Mapping[str, Any]
"""What `hilum.stages.audit.audit` gave."""


@dataclass(frozen=True)
class Accepted:
    """A finding that somebody accepts.

    Attributes:
        code: Of the finding.
        film: Image id, where only this film of the finding is accepted; else empty.
        reason: Why, or who says so; may be empty.
    """

    code: str
    film: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Finding:
    """A finding of an audit.

    Attributes:
        code: Its caution's.
        severity: Its caution's.
        count: How many: films, groups, patients or probes, as the text says.
        text: One to three sentences.
        accepted: Whether somebody accepts it.
        reason: Why; empty where that was not said.
    """

    code: str
    severity: Severity
    count: int
    text: str
    accepted: bool = False
    reason: str = ""


def accepted(texts: Iterable[str], where: str, films: Collection[str] | None = None) -> tuple[Accepted, ...]:
    """Acceptances as they are written.

    Args:
        texts: As ``copies`` or ``lateral:cohen/images/1=seen by the radiologist``.
        where: What they were written behind, for the error.
        films: The image ids there are; None where that is not checked.

    Raises:
        InputError: No such finding (names the nearest), one that is not found film by film, or no such film.

    >>> accepted(["copies=all of one patient", "lateral:a/1"], "--allow")[1]
    Accepted(code='lateral', film='a/1', reason='')
    """
    found = []
    for text in texts:
        what, _, reason = text.partition("=")
        code, _, film = (word.strip() for word in what.partition(":"))
        require_known(code, CODES, f"{where}: unknown finding")
        if film and code not in _BY_FILM:
            raise InputError(
                f"{where}: {code!r} is not found film by film, got {text!r}; accept it as a whole, without {':' + film!r}"
            )
        if film and films is not None and film not in films:
            raise InputError(f"{where}: there is no film {film!r} in the manifest; give its image_id")
        found.append(Accepted(code, film, reason.strip()))
    return tuple(found)


def with_accepted(a: Findings, allowed: Sequence[Accepted] = ()) -> dict[str, Any]:
    """What was found, with ``findings``, the gravest first and what is accepted last; films that are accepted one by one stand apart."""
    films = {(x.code, x.film): x.reason for x in allowed if x.film}
    flagged, labels = a["quality"]["flagged"], a["labels"]
    named = {**flagged, "label-suspects": [s["film"] for s in labels["suspects"]] if labels else ()}
    apart = [
        {"code": code, "film": i, "reason": films[code, i]}
        for code, ids in named.items()
        for i in ids
        if (code, i) in films
    ]
    quality = {c: {i: s for i, s in of.items() if (c, i) not in films} for c, of in flagged.items()}
    if labels:
        labels = {
            **labels,
            "suspects": [s for s in labels["suspects"] if ("label-suspects", s["film"]) not in films],
        }
    left = {**a, "quality": {**a["quality"], "flagged": quality}, "labels": labels, "accepted_films": apart}
    return {**left, "findings": _findings(left, {x.code: x.reason for x in allowed if not x.film})}


def _findings(a: Findings, whole: Mapping[str, str]) -> list[dict[str, Any]]:
    found = [
        Finding(code, caution(code, text).severity, count, text, code in whole, whole.get(code, ""))
        for code, (count, text) in _said(a).items()
        if count
    ]
    order = sorted(found, key=lambda f: (f.accepted, SEVERITIES.index(f.severity)))
    return [asdict(f) for f in order]


def audit_cautions(a: Findings) -> list[Caution]:
    """The findings that nobody accepted, as cautions, the gravest first."""
    return by_severity(caution(f["code"], f["text"]) for f in a["findings"] if not f["accepted"])


def leaking(a: Findings) -> tuple[int, str]:
    """What of a split leaks."""
    leaks = a["leaks"]
    if leaks is None:
        return 0, ""
    n = leaks["n_patients"] + leaks["n_copies"]
    return (
        n,
        f"In two parts: {numbers.counted(leaks['n_patients'], 'patient')}, {numbers.counted(leaks['n_copies'], 'group')} of copies.",
    )


def _said(a: Findings) -> dict[str, tuple[int, str]]:
    conflicts, without, ids = (
        a["label_conflicts"]["n_groups"],
        a["n_without_patient"],
        a["patients"]["one_id_on_many"],
    )
    by_other = not_by_hilum(a["provenance"], "The manifest", "labels and patient ids")
    return {
        "split-leaks": leaking(a),
        "copies": _copied(a),
        "labels-disagree": (
            conflicts,
            f"{numbers.counted(conflicts, 'group')} of copies {'holds' if conflicts == 1 else 'hold'} films of different classes."
        ),
        "patients-unknown": (
            without, f"{without} of {a['n_films']} films have no patient id: films of one patient may be in two parts of any split, unless "
            "they are copies."
        ),
        "one-id-on-many": (len(ids), "; ".join(ids)),
        "class-follows-source": _source_tells(a),
        "shortcuts": _shortcut(a),
        "label-suspects": _suspects(a),
        **{f.code: _flagged(a, f.code) for f in FLAGS},
        "not-by-hilum": (int(bool(by_other)), by_other),
    }  # fmt: skip


def _copied(a: Findings) -> tuple[int, str]:
    copies = a["copies"]
    return copies["n_groups"], (
        f"{copies['n_films']} of {a['n_films']} films have a copy here: {numbers.counted(copies['n_groups'], 'group')}, the largest of "
        f"{len(copies['largest_group'])} films."
    )


def _source_tells(a: Findings) -> tuple[int, str]:
    rule = a["source_rule"]
    more = rule["accuracy"] - rule["accuracy_of_the_largest_class"]
    return (a["n_films"] if more > 0.05 else 0), (
        f"Knowing only a film's source names its class for {rule['accuracy']:.1%} of films (always the largest class: "
        f"{rule['accuracy_of_the_largest_class']:.1%})."
    )


def _shortcut(a: Findings) -> tuple[int, str]:
    told = [f"{p['name']} {p['auc']:.2f}" for p in a["probes"] if p["alarm"]]
    return len(told), (
        f"Plain models that see no disease tell {a['positive']} from {others(a['positive'], a['classes'])} (AUC): {', '.join(told)}."
    )


def _suspects(a: Findings) -> tuple[int, str]:
    labels = a["labels"]
    n = len(labels["suspects"]) if labels else 0
    return (
        n,
        f"{numbers.counted(n, 'film')} look like films of another class to a plain model that was not trained on them."
        if n
        else "",
    )


def _flagged(a: Findings, code: str) -> tuple[int, str]:
    films = a["quality"]["flagged"].get(code, {})
    n = len(films)
    if not n:
        return 0, ""
    wrong = a["quality"]["expected_false"].get(code, 0.0)
    chance = (
        ""
        if wrong < 0.5
        else f" By the flag's measured false alarms, some {wrong:.0f} of so many films are named for nothing."
    )
    return (
        n,
        f"{numbers.counted(n, 'film')} of {numbers.count(a['n_films'])}, first {next(iter(films))}.{chance}",
    )

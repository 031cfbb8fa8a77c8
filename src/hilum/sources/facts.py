"""What is said of a film besides its class, in one spelling for all layouts: view, age, sex; and who is believed.

A person's table goes first, then the film's own DICOM header, and last what a layout takes from the name of a film or states of a whole
set (`Candidate.assumed`): nothing is concluded from a name where the header or the user says otherwise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from hilum.core.errors import InputError, nearest
from hilum.core.tables import known
from hilum.sources.listing import Candidate
from hilum.sources.reading import FilmRead

ADULT_FROM_YEARS = 18
UNKNOWN = "unknown"
ALL_VIEWS = "all"
FRONTAL = ("PA", "AP", "AP Supine", "AP Erect", "Frontal")
_SPELLINGS = {
    "PA": "pa|p a|postero anterior|posteroanterior|posterior anterior|pa erect|erect pa|pa upright",
    "AP": "ap|a p|antero posterior|anteroposterior|anterior posterior|ap portable|portable ap|portable",
    "AP Supine": "ap supine|supine ap|supine",
    "AP Erect": "ap erect|erect ap|ap upright|upright ap|ap sitting|ap semi erect|semi erect|semi erect ap",
    "Frontal": "frontal|front|pa ap|ap pa",
    "Lateral": "l|ll|rl|lat|lateral|left lateral|right lateral|lateral left|lateral right|left lat|right lat|llat|rlat|l lat|r lat",
    "Oblique": "rlo|llo|rao|lao|rpo|lpo|oblique|left oblique|right oblique|left anterior oblique|right anterior oblique|"
    "left posterior oblique|right posterior oblique",
    "Decubitus": "rld|lld|decubitus|left lateral decubitus|right lateral decubitus|left decubitus|right decubitus|ap lld|ap rld",
    "AP Lordotic": "lordotic|ap lordotic|apical lordotic",
    "Axial": "axial|ax",
    "Coronal": "coronal|cor",
    "Sagittal": "sagittal|sag",
}
_VIEWS = {word: view for view, words in _SPELLINGS.items() for word in words.split("|")}
_PER_YEAR = {"": 1.0, "y": 1.0, "m": 12.0, "w": 52.1786, "d": 365.25}


def view_of(text: str) -> str:
    """A view in the manifest's spelling; one that is not in the list stays as it stands, in single spaces.

    >>> view_of("pa"), view_of("AP_SUPINE"), view_of("LL"), view_of("postero-anterior"), view_of("?"), view_of("Swimmer's")
    ('PA', 'AP Supine', 'Lateral', 'PA', '', "Swimmer's")
    """
    words = " ".join(re.split(r"[^a-z0-9']+", known(text).lower())).strip()
    words = re.sub(r"\b(view|projection|chest|x ray|xray)\b", " ", words)
    return _VIEWS.get(" ".join(words.split()), " ".join(known(text).split()))


def view_is_known(text: str) -> bool:
    """Whether a text is a view that has a spelling here."""
    return view_of(text) in _SPELLINGS


def views_asked(texts: Iterable[str]) -> tuple[str, ...] | None:
    """The views of ``--views``, or None where nothing was asked: frontal ones and films whose view nobody tells.

    Raises:
        InputError: No such view.

    >>> views_asked(["pa,LATERAL", "unknown"]), views_asked([])
    (('Lateral', 'PA', 'unknown'), None)
    """
    words = [w.strip() for text in texts for w in text.split(",") if w.strip()]
    found = set()
    for word in words:
        view = word.lower() if word.lower() in (UNKNOWN, ALL_VIEWS) else view_of(word)
        names = (*_SPELLINGS, UNKNOWN, ALL_VIEWS)
        if view not in names:
            raise InputError(f"--views {word!r}: no such view; {nearest(word, names)}")
        found.add(view)
    return tuple(sorted(found)) if found else None


def view_is_kept(view: str, views: Sequence[str] | None) -> bool:
    """Whether films of a view (empty for unknown) are kept.

    >>> [view_is_kept(v, None) for v in ("PA", "", "Lateral")], view_is_kept("", ["PA"]), view_is_kept("Axial", ["all"])
    ([True, True, False], False, True)
    """
    if views is None:
        return not view or view in FRONTAL
    return ALL_VIEWS in views or (view or UNKNOWN) in views


def years_of(age: str) -> str:
    """An age in years as text, from years, ``5 months`` or a DICOM age string (PS3.5 6.2, VR AS); empty where it is none.

    >>> years_of("065Y"), years_of("65"), years_of("018M"), years_of("3 years"), years_of("60-69"), years_of("?")
    ('65', '65', '1.5', '3', '', '')
    """
    years = _years(age)
    return "" if years is None else f"{years:.4g}"


def _years(age: str) -> float | None:
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*([a-z]*)\.?", age.strip().lower())
    if match is None:
        return None
    unit = {"yo": "y", "yr": "y", "yrs": "y", "year": "y", "years": "y", "mo": "m", "month": "m", "months": "m", "week": "w",
            "weeks": "w", "day": "d", "days": "d"}.get(match[2], match[2])  # fmt: skip
    return float(match[1]) / _PER_YEAR[unit] if unit in _PER_YEAR else None


def age_group_of(age: str) -> str:
    """``adult`` (18 years or more), ``child`` or empty, from an age as `years_of` reads it.

    >>> age_group_of("65"), age_group_of("017Y"), age_group_of("011M"), age_group_of("?")
    ('adult', 'child', 'child', '')
    """
    years = _years(age)
    return "" if years is None else "adult" if years >= ADULT_FROM_YEARS else "child"


def sex_of(text: str) -> str:
    """``F``, ``M`` or empty.

    >>> sex_of("female"), sex_of("M"), sex_of("O")
    ('F', 'M', '')
    """
    return {"F": "F", "FEMALE": "F", "M": "M", "MALE": "M"}.get(text.strip().upper(), "")


def completed(candidate: Candidate, answer: FilmRead) -> Candidate:
    """A film with what its own header adds, and with the header's word where the layout only assumed."""
    said = defaultdict(str, answer.facts)
    header = {
        "patient": known(said["patient_id"]),
        "view": view_of(said["view"]),
        "age_group": age_group_of(said["age"]),
        "sex": sex_of(said["sex"]),
    }
    told: dict[str, Any] = {
        name: value
        for name, value in header.items()
        if value and (name in candidate.assumed or not getattr(candidate, name))
    }
    years = years_of(said["age"])
    attributes = {"age": years, **candidate.attributes} if years else candidate.attributes
    return replace(candidate, **told, attributes=attributes)

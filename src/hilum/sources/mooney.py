"""Chest X-Ray Images (Pneumonia), as P. Mooney put it on Kaggle: ``{train,test,val}/{NORMAL,PNEUMONIA}/``, or a folder per class.

Class and patient are in the file name: ``person100_bacteria_475`` is bacterial, of ``person100``, ``person1_virus_6`` viral, of
``person1``; a normal's patient is ``IM-0007``, also in ``NORMAL2-IM-0007-0001``. Whether ``person100`` under bacteria and under virus are
one child is not known: by default they count as one (``number``), the cautious choice; ``number-and-class`` keeps them apart. All are 1-5
years old.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hilum.sources.layout import IngestOptions, Layout, MooneyPatients
from hilum.sources.listing import DISAGREE, OUTSIDE, Listing
from hilum.sources.tree import Tree, stem_of

ASSUMED = frozenset({"age_group", "patient"})

_PARTS = ("train", "test", "val")
_ENDINGS = {".jpeg", ".jpg", ".png"}
_KINDS = {"bacteria": "bacterial", "virus": "viral"}
_PNEUMONIA = re.compile(r"(person\d+)_(bacteria|virus)_\d+(?:_\d+)*")
_NORMAL = re.compile(r"(?:NORMAL\d*-)?(IM-\d+)-\d+(?:-\d+)*")
_CLASS_FOLDERS = {
    "normal": {"normal"},
    "pneumonia": {"bacterial", "viral"},
    "bacterial": {"bacterial"},
    "bacteria": {"bacterial"},
    "viral": {"viral"},
    "virus": {"viral"},
}
AGE_GROUP_BASIS = "by source, not by film: all are children of 1-5 years"


def matches(tree: Tree) -> bool:
    """Whether films lie in this set's folders, are pictures, and most have its file names.

    A name such as ``IM-0001-0001`` is little evidence, for DICOM viewers export under such names: without a ``personN_bacteria_N`` it
    counts in the set's own ``NORMAL`` with the set's own ending only.
    """
    placed = _placed(tree)
    if not placed or any(Path(f).suffix.lower() not in _ENDINGS for f in placed):
        return False
    of_set = [_PNEUMONIA.fullmatch(stem_of(f)) or ("/NORMAL/" in f and f.endswith(".jpeg")) for f in placed]
    if not any(of_set):
        return False
    in_parts = any("/" in f and f.split("/", 1)[0].lower() in _PARTS for f in placed)
    named = sum(_read_name(f) is not None for f in placed)
    return 2 * named >= len(placed) if in_parts else named == len(tree.films)


def _placed(tree: Tree) -> list[str]:
    return [f for f in tree.films if _place(f) is not None]


def read(source: str, tree: Tree, asked: IngestOptions) -> Listing:
    """List the films."""
    options = {"mooney_patients": asked.mooney_patients, "age_group_basis": AGE_GROUP_BASIS}
    listing = Listing(source, ENTRY.name, options=options)
    for film in tree.films:
        listing.enter(tree, film, _told(film, asked.mooney_patients))
    return listing


def _told(film: str, patients: MooneyPatients) -> dict[str, Any] | tuple[str, str]:
    place, name = _place(film), _read_name(film)
    if place is None:
        return OUTSIDE, "not in {train,test,val}/{NORMAL,PNEUMONIA}/"
    if name is None:
        return "file name not understood", "expected a name like person1_bacteria_2 or IM-0001-0001"
    (part, folder), (patient, label) = place, name
    if label not in _CLASS_FOLDERS[folder]:
        return DISAGREE, f"the folder says {folder!r}, the name {label!r}"
    within_class = patients == "number-and-class" and label != "normal"
    return {
        "label": label,
        "patient": f"{patient}-{label}" if within_class else patient,
        "source_part": part,
        "age_group": "child",
        "assumed": ASSUMED,
    }


def _place(film: str) -> tuple[str, str] | None:
    """Part and class folder of a film, or None where the layout has no such place."""
    folders = [p.lower() for p in film.split("/")[:-1]]
    part = folders.pop(0) if folders and folders[0] in _PARTS else ""
    return (part, folders[0]) if len(folders) == 1 and folders[0] in _CLASS_FOLDERS else None


def _read_name(film: str) -> tuple[str, str] | None:
    """Patient and class that a file name gives.

    >>> _read_name("train/PNEUMONIA/person23_virus_56.jpeg"), _read_name("NORMAL2-IM-0007-0001.jpeg")
    (('person23', 'viral'), ('IM-0007', 'normal'))
    """
    stem = stem_of(film)
    if match := _PNEUMONIA.fullmatch(stem):
        return match[1], _KINDS[match[2]]
    if match := _NORMAL.fullmatch(stem):
        return match[1], "normal"
    return None


ENTRY = Layout(
    "mooney", "Chest X-Ray Images (Pneumonia)", matches, read, lambda tree: bool(_placed(tree)), public=True
)

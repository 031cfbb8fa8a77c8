"""The COVID-19 Radiography Database (Kaggle), in both its layouts: ``COVID/COVID-1.png``, and ``COVID/images/`` beside ``masks/``.

It has no patient ids, and its age groups are stated by source, not by film: `AGE_GROUP_BASIS`, which the header records. Others have
folders of these names too, of which that would be wrong. So it is told by all of: folders spelled as the set spells them, most names made
of the folder's own (``COVID/COVID-1``, ``NORMAL/NORMAL (1)``), PNG or JPEG, and films of one square size.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from hilum.sources.layout import IngestOptions, Layout
from hilum.sources.listing import DISAGREE, OUTSIDE, Listing
from hilum.sources.masks import pair_masks
from hilum.sources.tree import Tree, stem_of

ASSUMED = frozenset({"age_group"})
CLASSES = {"covid": "covid", "normal": "normal", "viral pneumonia": "viral", "lung_opacity": "lung_opacity"}
_FOLDERS = {"COVID", "Normal", "NORMAL", "Viral Pneumonia", "Lung_Opacity"}
_ENDINGS = {".png", ".jpg", ".jpeg"}
_PEEKED = 12  # films whose size is looked at
_NAME = re.compile(r"(covid|normal|viral pneumonia|lung_opacity)[ -]*\(?(\d+)\)?", re.IGNORECASE)

# Normal-63 ... Normal-1403 are the 1341 training normals of the Chest X-Ray Images (Pneumonia) set, in order.
CHILD_NORMALS = range(63, 1404)
AGE_GROUP_BASIS = (
    "by source, not by film: covid adult; viral child (from Chest X-Ray Images (Pneumonia), 1-5 years); "
    "Normal-63 to Normal-1403 child (that set's training normals), other Normal adult (from the RSNA "
    "challenge, few under 18); lung_opacity unknown"
)
AGE_GROUP_UNKNOWN = (
    "by source, not by film: covid adult; viral child; normal unknown, because this release ends before "
    "Normal-1404 and may be numbered otherwise"
)


def matches(tree: Tree) -> bool:
    """Whether folders, names, endings and sizes all are as the set has them."""
    folders = set(tree.film_folders)
    if not folders or not folders <= _FOLDERS or {d.lower() for d in folders} == {"normal"}:
        return False
    films, _, _ = pair_masks(tree.films)
    named = sum(re.fullmatch(r"(-\d+| \(\d+\))", _beyond_folder(f)) is not None for f in films)
    pictures = all(Path(f).suffix.lower() in _ENDINGS for f in films)
    return pictures and 2 * named >= len(films) and _one_square_size(tree, films)


def _beyond_folder(film: str) -> str:
    """What a film's name has beyond that of its class folder, or an empty text where it does not begin so."""
    folder, stem = film.split("/", 1)[0], stem_of(film)
    return stem[len(folder) :] if stem.startswith(folder) else ""


def _one_square_size(tree: Tree, films: Sequence[str]) -> bool:
    """Whether nearly all of some films, spread over the set, are square and of one size; one that cannot be opened tells nothing."""
    sizes: Counter[tuple[int, int]] = Counter()
    for film in films[:: max(1, len(films) // _PEEKED)]:
        try:
            with Image.open(tree.path(film)) as picture:
                sizes[picture.size] += 1
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
    if not sizes:
        return False
    (width, height), n = sizes.most_common(1)[0]
    return width == height and n > 0.75 * sizes.total()


def read(source: str, tree: Tree, _: IngestOptions) -> Listing:
    """List the films."""
    listing = Listing(source, ENTRY.name)
    masks = listing.masks_of(tree)
    named = {f: _NAME.fullmatch(stem_of(f)) for f in masks}
    numbers = [int(m[2]) for m in named.values() if m is not None and m[1].lower() == "normal"]
    known_numbering = not numbers or max(numbers) >= CHILD_NORMALS.stop
    for film, name in named.items():
        listing.enter(tree, film, _told(film, name, known_numbering, masks[film]))
    listing.options["age_group_basis"] = AGE_GROUP_BASIS if known_numbering else AGE_GROUP_UNKNOWN
    listing.options["arrangement"] = "class/images" if any("/images/" in f for f in masks) else "class"
    listing.options["lung_masks"] = sum(map(bool, masks.values()))
    return listing


def _told(
    film: str, name: re.Match[str] | None, known_numbering: bool, mask: str
) -> dict[str, Any] | tuple[str, str]:
    folder = film.split("/", 1)[0].lower() if "/" in film else ""
    if folder not in CLASSES:
        return OUTSIDE, "not in a class folder of this set"
    if name is not None and name[1].lower() != folder:
        return DISAGREE, f"the folder says {folder!r}, the name {name[1].lower()!r}"
    label, number = CLASSES[folder], int(name[2]) if name is not None else None
    age_group = _age_group(label, number, known_numbering)
    return {"label": label, "age_group": age_group, "assumed": ASSUMED, "lung_mask": mask}


def _age_group(label: str, number: int | None, known_numbering: bool) -> str:
    if label in {"covid", "viral"}:
        return "adult" if label == "covid" else "child"
    if label != "normal" or number is None or not known_numbering:
        return ""
    return "child" if number in CHILD_NORMALS else "adult"


ENTRY = Layout(
    "radiography", "the COVID-19 Radiography Database", matches, read, lambda tree: bool(tree.film_folders),
    public=True, patient_ids=False,
)  # fmt: skip

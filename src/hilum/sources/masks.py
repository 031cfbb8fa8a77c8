"""Lung masks that lie among films: told by where they lie or how they are called, and never taken for films; or in a folder that is named.

A mask is called as its film, or so and ``_mask``. It lies in a folder ``masks`` beside the folder ``images`` of its film, in a folder
``masks`` beside the film itself, or, with ``_mask`` in its name, beside the film. Case does not count; other words for these folders are
`PICTURES` and `_MASKS`. Without a film of its name, a folder ``masks`` may be anything, a class too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from hilum.core.errors import InputError
from hilum.imaging.decode import is_film_name

PICTURES = frozenset({"images", "image", "imgs", "img", "cxr_png"})
"""Folders that hold pictures and are no class."""

_MASKS = frozenset({"masks", "mask"}) | {
    f"lung{between}{word}" for between in ("", "_", "-", " ") for word in ("mask", "masks")
}
NO_FILM = "no film has its name"


def pair_masks(films: Collection[str]) -> tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]:
    """Tell lung masks from films.

    Args:
        films: Paths, parts joined by "/".

    Returns:
        The films, film -> its mask, and the masks that have no film.

    >>> pair_masks(["a/images/1.png", "a/masks/1.png", "a/masks/2.png", "b/3.png"])
    (('a/images/1.png', 'b/3.png'), {'a/images/1.png': 'a/masks/1.png'}, ('a/masks/2.png',))
    >>> pair_masks(["a/1.png", "a/1_mask.png", "a/2.png", "a/Lung Masks/2-mask.png"])
    (('a/1.png', 'a/2.png'), {'a/1.png': 'a/1_mask.png', 'a/2.png': 'a/Lung Masks/2-mask.png'}, ())
    """
    stems = {_stem(f) for f in films}
    homes = _homes(films, stems)
    masks: dict[str, str] = {}
    mask_files = set()
    for f in films:
        for before, folder in _before(f, _MASKS):
            if (home := homes.get(f"{before}{folder}/")) is not None:
                stem = home + _stem(f[len(before) + len(folder) + 1 :])
                masks.setdefault(_without_mask(stem), f)
                masks[stem] = f
                mask_files.add(f)
        bare = _without_mask(_stem(f))
        if bare != _stem(f) and bare in stems and f not in mask_files:
            masks.setdefault(bare, f)
            mask_files.add(f)
    kept = tuple(f for f in films if f not in mask_files)
    paired = {f: masks[_stem(f)] for f in kept if _stem(f) in masks}
    used = set(paired.values())
    return kept, paired, tuple(sorted(m for m in mask_files if m not in used))


def _homes(films: Collection[str], stems: Collection[str]) -> dict[str, str]:
    """Folder of masks -> the folder of their films; both end with "/" or are empty."""
    pictures = {before: f"{before}{folder}/" for f in films for before, folder in _before(f, PICTURES)}
    homes = {}
    for f in films:
        for before, folder in _before(f, _MASKS):
            stem = before + _stem(f[len(before) + len(folder) + 1 :])
            if before in pictures:
                homes[f"{before}{folder}/"] = pictures[before]
            elif stem in stems or _without_mask(stem) in stems:
                homes[f"{before}{folder}/"] = before
    return homes


def _before(film: str, folders: Collection[str]) -> Iterator[tuple[str, str]]:
    """For each folder above a film that has one of these names (lower case): the path before it, and the folder as it is spelled."""
    parts = film.split("/")[:-1]
    for k, part in enumerate(parts):
        if part.lower() in folders:
            yield "".join(f"{p}/" for p in parts[:k]), part


def _without_mask(stem: str) -> str:
    return re.sub(r"[ _-](lung[ _-]?)?mask$", "", stem, flags=re.IGNORECASE)


def _stem(relative: str) -> str:
    return str(Path(relative).with_suffix("")) if Path(relative).suffix else relative


def masks_in(folder: Path, films: Collection[Path]) -> tuple[dict[Path, Path], tuple[Path, ...]]:
    """The masks of a folder that holds nothing else, each called as its film, with the film's own ending or without.

    Args:
        folder: Looked through to any depth.
        films: Paths of the films.

    Returns:
        Film -> its mask, and the masks that have no film.

    Raises:
        InputError: No such folder; a name that two masks or, where there is a mask of it, two films have; no mask with a film.
    """
    if not folder.is_dir():
        raise InputError(f"--lung-masks {folder}: expected a folder of masks")
    named: dict[str, list[Path]] = {}
    for film in films:
        for name in dict.fromkeys((film.name, film.stem)):
            named.setdefault(name, []).append(film)
    masks: dict[Path, Path] = {}
    lone = []
    for mask in sorted(p for p in folder.rglob("*") if is_film_name(p)):
        found = named.get(_without_mask(mask.stem), [])
        if len(found) > 1 or (found and found[0] in masks):
            what = "two films are" if len(found) > 1 else "two masks are of one film, which is"
            raise InputError(
                f"--lung-masks {folder}: {what} called {mask.stem!r}; keep one, or name them apart"
            )
        if found:
            masks[found[0]] = mask
        else:
            lone.append(mask)
    if not masks:
        raise InputError(f"--lung-masks {folder}: no mask in it is called as a film of the source")
    return masks, tuple(lone)

"""A folder per class, any names; ``train/<class>/`` too; or films without classes, for a labels file.

The class is the first folder below the source, the part of the source (``train``, ``val`` ...) a folder above or below it. ``images/`` is
no class, and masks (`masks`) become lung masks. This layout knows no patients.
"""

from __future__ import annotations

from hilum.artifacts.split import PART_SPELLINGS
from hilum.core.errors import InputError
from hilum.core.tables import known
from hilum.sources.layout import IngestOptions, Layout
from hilum.sources.listing import Listing, class_name
from hilum.sources.masks import PICTURES
from hilum.sources.tree import Tree


def read(source: str, tree: Tree, asked: IngestOptions) -> Listing:
    """List the films of a folder per class. Where a person said that this is the layout, one folder around all is the only class.

    Raises:
        InputError: One folder around folders, which may be a class or a wrapper; or some folders are parts and some are not.
    """
    listing, settled = Listing(source, ENTRY.name), source in asked.layouts
    films = listing.masks_of(tree)
    folders = {f.split("/", 1)[0] for f in films if "/" in f}
    inner = {f.split("/")[1] if f.count("/") > 1 else "" for f in films}
    in_parts = bool(folders) and all(_is_part(d) for d in folders)
    holds_parts = not in_parts and bool(inner) and all(_is_part(d) for d in inner)
    classless = {d.lower() for d in folders} <= PICTURES
    if not settled and not in_parts and any(_is_part(d) for d in folders):
        _refuse_mixture(source, tree, folders)
    if len(folders) == 1 and not (settled or in_parts or holds_parts or classless or inner & {"", *PICTURES}):
        around = next(iter(folders))
        raise InputError(
            f"source {source!r}: all films lie in folders below {around!r}, such as {min(inner)!r}. If those "
            f"are the classes, give {tree.path(around)} as the SOURCE; if {around!r} is the only class, add "
            f"--layout {source}={ENTRY.name}"
        )
    for film, mask in films.items():
        parts = film.split("/")
        part = parts.pop(0) if in_parts and len(parts) > 1 else parts[1] if holds_parts else ""
        if len(parts) > 2 and parts[0].lower() in PICTURES:
            del parts[0]
        label = known(class_name(parts[0])) if len(parts) > 1 and parts[0].lower() not in PICTURES else ""
        listing.enter(tree, film, {"label": label, "source_part": part, "lung_mask": mask})
    return listing


def _is_part(folder: str) -> bool:
    return folder.lower() in PART_SPELLINGS


def _refuse_mixture(source: str, tree: Tree, folders: set[str]) -> None:
    parts = sorted(d for d in folders if _is_part(d))
    others = sorted(d for d in folders if not _is_part(d))
    raise InputError(
        f"source {source!r}: the folders {', '.join(parts)} are called as the parts of a set, {', '.join(others[:5])} not, so it is not "
        f"clear what the classes are. Move the others out of {tree.root}, or, if each folder is a class, add --layout {source}={ENTRY.name}"
    )


ENTRY = Layout("folder", "a folder per class", lambda _: True, read)

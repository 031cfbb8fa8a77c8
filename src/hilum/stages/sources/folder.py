"""A folder per class, any names; ``train/<class>/`` too; or films without classes, for a labels file.

Convention: the class is the first folder below the source (the second where the first is a part such as
``train``). ``images/`` beside ``masks/`` is no class: the masks become lung masks. This layout knows no
patients.
"""

from __future__ import annotations

from hilum.core.errors import InputError
from hilum.stages.sources.listing import Candidate, Listing, class_name
from hilum.stages.sources.tree import Tree, pair_masks

LAYOUT = "folder"
PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})


def read(source: str, tree: Tree, *, settled: bool = False) -> Listing:
    """List the films of a folder per class.

    Args:
        source: The source's name.
        tree: Its folder.
        settled: A person said that this is the layout, so one folder around all is the only class.

    Raises:
        InputError: One folder around folders: it may be a class or a wrapper, and nothing here tells which.
    """
    listing = Listing(source, LAYOUT)
    films, masks, lone_masks = pair_masks(tree.films)
    for mask in lone_masks:
        listing.leave_out(tree.shown(mask), "mask without a film", "images/ holds no film of this name")
    folders = {f.split("/", 1)[0] for f in films if "/" in f}
    in_parts = bool(folders) and all(d.lower() in PARTS for d in folders)
    classless = folders <= {"images"}
    inner = {f.split("/")[1] if f.count("/") > 1 else "" for f in films}
    if len(folders) == 1 and not (settled or in_parts or classless or inner & {"", "images"}):
        around = next(iter(folders))
        raise InputError(
            f"source {source!r}: all films lie in folders below {around!r}, such as {min(inner)!r}. If those "
            f"are the classes, give {tree.path(around)} as the SOURCE; if {around!r} is the only class, add "
            f"--layout {source}={LAYOUT}"
        )
    for film in films:
        parts = film.split("/")
        part = parts.pop(0) if in_parts and len(parts) > 1 else ""
        label = class_name(parts[0]) if len(parts) > 1 and not classless else ""
        listing.candidates.append(
            Candidate(
                path=tree.path(film),
                relative=film,
                source=source,
                label=label,
                source_part=part,
                lung_mask=str(tree.path(masks[film])) if film in masks else "",
            )
        )
    return listing

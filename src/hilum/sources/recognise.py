"""Which layout a SOURCE has, and what it is called.

Convention: SOURCE is a folder or a csv, or NAME=PATH. Without NAME a source is called as its folder; a csv as
the folder it lies in. Layouts are tried from the most particular to the plainest; `--layout NAME=LAYOUT`
settles it by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.core.errors import InputError, nearest
from hilum.sources import cohen, folder, mooney, radiography, table
from hilum.sources.inside import refuse_several_sets
from hilum.sources.listing import LAYOUTS, Listing, MooneyPatients
from hilum.sources.tree import NOT_A_FILM, Tree, ending_of, walk


@dataclass(frozen=True, slots=True)
class Source:
    """A SOURCE of the command line.

    Attributes:
        name: Its name, without "/" and ":".
        path: A folder or a csv.
    """

    name: str
    path: Path


def parse_source(text: str) -> Source:
    """Read ``PATH`` or ``NAME=PATH``.

    Raises:
        InputError: No such file or folder, or a name that cannot be one.

    >>> parse_source("films=/").name
    'films'
    """
    name, _, path_text = text.rpartition("=")
    path = Path(text)
    if name and not path.exists():
        path = Path(path_text)
    else:
        name = ""
    if not path_text or not path.exists():
        raise InputError(f"SOURCE {text!r}: no such folder or csv")
    if path.is_file() and path.suffix.lower() not in table.ENDINGS:
        raise InputError(f"SOURCE {text!r}: expected a folder of films or a csv that names them, got a file")
    if not name:
        full = path.resolve()
        name = full.parent.name if path.is_file() else full.name
    if not name or "/" in name or ":" in name or name != name.strip():
        raise InputError(f"SOURCE {text!r}: {name!r} cannot be a source's name; give one as NAME=PATH")
    return Source(name, path)


def list_films(
    source: Source,
    layout: str | None = None,
    mooney_patients: MooneyPatients = "number",
    views: Sequence[str] | None = None,
    leave_out: Collection[Path] = (),
) -> Listing:
    """List the films of a source; nothing is decoded.

    Args:
        source: What to list.
        layout: One of `LAYOUTS`, or None to recognise it.
        mooney_patients: Whether a Mooney patient is a number, or a number within its class.
        views: Of ``--views``; None for each layout's own rule.
        leave_out: Resolved paths in the source's folder that are not part of it.

    Raises:
        InputError: An unknown layout, one that does not fit, or no film at all.
    """
    if layout is not None and layout not in LAYOUTS:
        raise InputError(f"unknown layout {layout!r} for source {source.name!r}; {nearest(layout, LAYOUTS)}")
    if source.path.is_file():
        if layout not in {None, table.LAYOUT}:
            raise InputError(f"source {source.name!r} is a csv; its layout cannot be {layout!r}")
        listing = table.read(source.name, source.path)
        listing.folder = source.path.parent
    else:
        tree = walk(source.path, leave_out)
        listing = _read(source, tree, layout, mooney_patients, views)
        listing.folder = source.path
        tables = {p.resolve() for p in listing.tables.values()}
        for other in tree.others:
            if (tree.folder / other).resolve() not in tables:
                listing.leave_out(other, NOT_A_FILM, ending_of(other))
        for oddity in tree.oddities:
            unreadable = oddity.reason != NOT_A_FILM
            listing.leave_out(oddity.path, oddity.reason, oddity.detail, broken=unreadable)
    if not listing.candidates and not listing.exclusions:
        kind = (
            "has no row that names a film"
            if source.path.is_file()
            else "is empty; expected films or folders of films"
        )
        raise InputError(f"source {source.name!r}: {source.path} {kind}")
    if not listing.candidates:
        raise InputError(f"source {source.name!r}: no film in {source.path} can be used: {_reasons(listing)}")
    return listing


def _read(
    source: Source, tree: Tree, layout: str | None, patients: MooneyPatients, views: Sequence[str] | None
) -> Listing:
    for deeper in tree.descents():
        found = _layout_of(deeper) if layout is None else layout if _fits(deeper, layout) else None
        if found == cohen.LAYOUT:
            return cohen.read(source.name, deeper, views)
        if found == radiography.LAYOUT:
            return radiography.read(source.name, deeper)
        if found == mooney.LAYOUT:
            return mooney.read(source.name, deeper, patients)
        if found == table.LAYOUT and (name := table.table_in(deeper)) is not None:
            return table.read(source.name, deeper.path(name), deeper)
    if layout is None:
        refuse_several_sets(tree, _layout_of)
    if layout in {None, folder.LAYOUT}:
        return folder.read(source.name, tree, settled=layout is not None)
    raise InputError(f"source {source.name!r}: {source.path} does not have the layout {layout!r}")


def _layout_of(tree: Tree) -> str | None:
    """The layout that the root of a tree has, or None for a plain folder."""
    if cohen.matches(tree):
        return cohen.LAYOUT
    if radiography.matches(tree):
        return radiography.LAYOUT
    if mooney.matches(tree):
        return mooney.LAYOUT
    return table.LAYOUT if table.table_in(tree) is not None else None


def _fits(tree: Tree, layout: str) -> bool:
    """Whether a tree can be read as the layout that a person named."""
    if layout == cohen.LAYOUT:
        return cohen.matches(tree)
    if layout == radiography.LAYOUT:
        return bool(tree.film_folders)
    if layout == mooney.LAYOUT:
        return mooney.fits(tree)
    return layout == table.LAYOUT and table.table_in(tree) is not None


def _reasons(listing: Listing) -> str:
    n = Counter(e.reason for e in listing.exclusions)
    first = listing.exclusions[0]
    return (
        ", ".join(f"{n[reason]} {reason}" for reason in sorted(n))
        + f"; the first: {first.path!r}: {first.detail}"
    )

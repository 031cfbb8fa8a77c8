"""Which layout a SOURCE has, and what it is called.

SOURCE is a folder or a csv, or NAME=PATH. Without NAME a source is called as its folder, a csv as the folder it lies in. Layouts are tried
from the most particular to the plainest; `--layout NAME=LAYOUT` settles it by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hilum.core.errors import InputError, nearest
from hilum.sources.inside import refuse_several_sets
from hilum.sources.layout import IngestOptions, Layout
from hilum.sources.layouts import LAYOUTS
from hilum.sources.listing import Listing
from hilum.sources.tree import NOT_A_FILM, Tree, ending_of, walk


@dataclass(frozen=True, slots=True)
class Source:
    """A SOURCE of the command line: a folder or a csv, and its name, without "/" and ":"."""

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
    if path.is_file() and _of_file(path) is None:
        raise InputError(f"SOURCE {text!r}: expected a folder of films or a csv that names them, got a file")
    if not name:
        full = path.resolve()
        name = full.parent.name if path.is_file() else full.name
    if not name or "/" in name or ":" in name or name != name.strip():
        raise InputError(f"SOURCE {text!r}: {name!r} cannot be a source's name; give one as NAME=PATH")
    return Source(name, path)


def list_films(source: Source, asked: IngestOptions, leave_out: Collection[Path]) -> Listing:
    """List the films of a source; nothing is decoded. `leave_out` are resolved paths in its folder that are not part of it.

    Raises:
        InputError: An unknown layout, one that does not fit, or no film at all.
    """
    names, layout = [x.name for x in LAYOUTS], asked.layouts.get(source.name)
    if layout is not None and layout not in names:
        raise InputError(f"unknown layout {layout!r} for source {source.name!r}; {nearest(layout, names)}")
    if source.path.is_file():
        of_file = _of_file(source.path)
        if of_file is None or layout not in {None, of_file.name} or of_file.read_file is None:
            raise InputError(f"source {source.name!r} is a csv; its layout cannot be {layout!r}")
        listing = of_file.read_file(source.name, source.path)
        listing.folder = source.path.parent
    else:
        tree = walk(source.path, leave_out)
        listing = _read(source, tree, layout, asked)
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


def _read(source: Source, tree: Tree, layout: str | None, asked: IngestOptions) -> Listing:
    *particular, plainest = LAYOUTS

    def layout_of(root: Tree) -> Layout | None:
        return next((x for x in particular if x.matches(root)), None)

    def fitting(root: Tree) -> Layout | None:
        return next((x for x in particular if x.name == layout and (x.fits or x.matches)(root)), None)

    for deeper in tree.descents():
        found = layout_of(deeper) if layout is None else fitting(deeper)
        if found is not None:
            return found.read(source.name, deeper, asked)
    if layout is None:
        refuse_several_sets(tree, layout_of)
    if layout in {None, plainest.name}:
        return plainest.read(source.name, tree, asked)
    raise InputError(f"source {source.name!r}: {source.path} does not have the layout {layout!r}")


def _of_file(path: Path) -> Layout | None:
    """The layout of a file that is a source by itself."""
    return next((x for x in LAYOUTS if path.suffix.lower() in x.endings), None)


def _reasons(listing: Listing) -> str:
    n = Counter(e.reason for e in listing.exclusions)
    first = listing.exclusions[0]
    return (
        ", ".join(f"{n[reason]} {reason}" for reason in sorted(n))
        + f"; the first: {first.path!r}: {first.detail}"
    )

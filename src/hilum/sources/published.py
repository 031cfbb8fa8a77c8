"""Public sets as published: tables of known columns, a row (or several) a film, findings of which a film's class follows.

What the sets share is here: tables are found by name and refused by column, rows find their films by the last parts of their paths (films
come nested or flat, and often as a subset), several rows and readers of a film are put together, and a class is found (`findings`). A set
is an entry (`PublishedSet`) and a function that says of each row what it knows (`Said`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from hilum.core.errors import InputError, require_known
from hilum.core.tables import CsvTable, read_columns, read_table
from hilum.core.text import read_text
from hilum.sources.findings import OTHER
from hilum.sources.layout import IngestOptions, Layout
from hilum.sources.listing import LISTED_TWICE, NO_ROW, NO_SUCH_FILE, OUTSIDE, Listing
from hilum.sources.said import Said, Understood
from hilum.sources.tree import Tree

_FILM_ENDINGS = frozenset({"png", "jpg", "jpeg", "dcm", "dicom", "bmp", "tif", "tiff"})


@dataclass(frozen=True)
class PublishedTable:
    """A table of a set.

    Attributes:
        names: Patterns of its path in the set, lower case.
        columns: Those that it has to have, as `hilum.core.tables.folded`; several spellings with ``|`` between. None for a list without a
            header.
        told_by_name: Whether its name alone tells the set; else half of its columns must be there too.
        is_it: For a list, whether its text is that of the set.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...] = ()
    told_by_name: bool = True
    is_it: Callable[[Path], bool] | None = None

    def find(self, tree: Tree) -> list[str]:
        """The tables of this kind, relative to the root of a tree; one of two that differ in ``.gz`` alone."""
        found = [f for f in tree.tables if _fits(f, self.names)]
        return [f for f in found if f.removesuffix(".gz") not in found or not f.endswith(".gz")]

    def tells(self, path: Path) -> bool:
        """Whether a table of such a name is the set's."""
        if self.is_it is not None:
            return self.is_it(path)
        return self.told_by_name or 2 * len(self.missing(path)) <= len(self.columns)

    def missing(self, path: Path) -> list[str]:
        """Columns that a table lacks."""
        columns = set(read_columns(path, fold=True))
        return [c for c in self.columns if not columns.intersection(c.split("|"))]


def _fits(file: str, patterns: Iterable[str]) -> bool:
    name = file.lower().removesuffix(".gz")
    return any(fnmatchcase(name, p) and name.count("/") == p.count("/") for p in patterns)


@dataclass(frozen=True)
class Opened:
    """A set that was found: its tree, its films without masks, and its tables by key."""

    what: str
    tree: Tree
    films: tuple[str, ...]
    paths: Mapping[str, Path]

    def table(self, key: str) -> CsvTable:
        """A table, with folded columns; empty where the set came without it."""
        return read_table(self.paths[key], fold=True) if key in self.paths else CsvTable((), [])

    def lines(self, key: str) -> list[str]:
        """The lines of a list, stripped; none where the set came without it."""
        return [x.strip() for x in read_text(self.paths[key]).splitlines()] if key in self.paths else []

    def where(self, key: str, line: int) -> str:
        """A row as messages call it."""
        return f"line {line} of {self.paths[key].name}"


@dataclass(frozen=True)
class PublishedSet:
    """A public set.

    Attributes:
        name: As in ``--layout NAME=LAYOUT``.
        what: What it is.
        classes: Finding -> class, where ``--findings`` says nothing.
        say: What its tables say, row by row.
        tables: Its tables by key.
        needs: Keys of which one is needed, for each thing that is needed.
        matches: Whether a tree's root has it, for a set without tables.
        uncertain: Whether it has uncertain findings.
        readers: Whether it has several readers a film.
        is_open: Whether its findings are no closed list; what a film's row does not name is negative then, and only findings that other
            sets know too have columns.
        patient_ids: Whether it has patients.
        patients: What a patient's id is, where that is not plain.
        no_films: Folders of pictures that are no films, lower case.
    """

    name: str
    what: str
    classes: Mapping[str, str]
    say: Callable[[Opened], Iterator[Said]]
    tables: Mapping[str, PublishedTable] = field(default_factory=dict)
    needs: tuple[tuple[str, ...], ...] = ()
    matches: Callable[[Tree], bool] | None = None
    uncertain: bool = False
    readers: bool = False
    is_open: bool = False
    patient_ids: bool = True
    patients: Callable[[Opened], str] = lambda _: ""
    no_films: frozenset[str] = frozenset()

    def layout(self) -> Layout:
        """The entry of `hilum.sources.layouts`."""
        return Layout(
            self.name, self.what, self.matches or self._has_tables, self._read, self._has_some_table,
            public=True, patient_ids=self.patient_ids,
        )  # fmt: skip

    def _has_tables(self, tree: Tree) -> bool:
        def there(key: str) -> bool:
            return any(self.tables[key].tells(tree.path(f)) for f in self.tables[key].find(tree))

        return all(any(there(key) for key in keys) for keys in self.needs)

    def _has_some_table(self, tree: Tree) -> bool:
        if self.matches is not None:
            return self.matches(tree)
        return any(self.tables[key].find(tree) for keys in self.needs for key in keys)

    def _read(self, source: str, tree: Tree, asked: IngestOptions) -> Listing:
        listing = Listing(source, self.name)
        masks = listing.masks_of(tree)
        for film in [f for f in masks if self.no_films.intersection(f.lower().split("/")[:-1])]:
            del masks[film]
            listing.leave_out(tree.shown(film), OUTSIDE, f"in a folder of {self.what} that holds no films")
        opened = Opened(self.what, tree, tuple(masks), self._paths(source, tree))
        listing.tables = {p.relative_to(tree.root).as_posix(): p for p in opened.paths.values()}
        understood = Understood(
            asked.classes_of(source, self.classes), asked.uncertain, asked.readers, self.is_open
        )
        rows, twice, names = _by_film(listing, opened, self.say(opened))
        for finding in understood.classes if source in asked.findings else ():
            if finding != OTHER:
                require_known(finding, names, f"--findings {source}: unknown finding")
        for film, mask in masks.items():
            if film in rows:
                told, why = understood.told(rows[film])
                listing.enter(tree, film, told | {"lung_mask": mask} if isinstance(told, dict) else told)
                if why:
                    listing.no_class[tree.path(film)] = why
            elif film in twice:
                listing.leave_out(tree.shown(film), LISTED_TWICE, twice[film])
            else:
                tables = ", ".join(listing.tables) or "the set"
                listing.leave_out(tree.shown(film), NO_ROW, f"{tables} has no row for it")
        self._account(listing, opened, understood)
        return listing

    def _account(self, listing: Listing, opened: Opened, understood: Understood) -> None:
        """What made a difference, for the manifest's header and the notes."""
        listing.options |= {"findings": dict(understood.classes)}
        if self.uncertain:
            listing.options["uncertain"] = understood.uncertain
        if self.readers:
            listing.options["readers"] = understood.readers
        if basis := self.patients(opened):
            listing.options["patient_basis"] = basis
        if attributes := {a for c in listing.candidates for a in c.attributes}:
            listing.options["attributes"] = sorted(attributes)

    def _paths(self, source: str, tree: Tree) -> dict[str, Path]:
        """The tables by key, each with its columns.

        Raises:
            InputError: One that is needed is not there, two of one kind, or one that lacks a column.
        """
        paths: dict[str, Path] = {}
        named = {key: table.find(tree) for key, table in self.tables.items()}
        told = {key: [f for f in fs if self.tables[key].tells(tree.path(f))] for key, fs in named.items()}
        for keys in (
            self.needs
        ):  # what the name alone tells is taken where nothing better is, to be refused by column
            if not any(told[k] for k in keys):
                told |= {k: named[k] for k in keys if self.tables[k].is_it is None}
        for found, key in ((told[k], k) for k in self.tables):
            if len(found) > 1:
                raise InputError(
                    f"source {source!r}: {tree.root} holds {', '.join(found)}, of which {self.what} has one; take the others out of it"
                )
            if found:
                paths[key] = tree.path(found[0])
        for keys in self.needs:
            if not paths.keys() & set(keys):
                names = " or ".join(n for k in keys for n in self.tables[k].names)
                raise InputError(
                    f"source {source!r}: {tree.root}: expected {names}, as {self.what} has it; it is not there"
                )
        for key, path in paths.items():
            if missing := self.tables[key].missing(path):
                came = (
                    read_columns(path, fold=True) or read_table(path).columns
                )  # which says why it is no table
                wanted = ", ".join(c.replace("|", " or ") for c in missing)
                raise InputError(
                    f"{path} line 1: read as a table of {self.what}, expected the columns {wanted}; got "
                    f"{', '.join(came)}"
                )
        return paths


class _FilmsByName:
    """Films by the last parts of their paths, without ending."""

    def __init__(self, films: Sequence[str]) -> None:
        self._films = films
        self._by_parts: dict[int, dict[str, list[str]]] = {}

    def find(self, names: Iterable[str]) -> list[str]:
        """The films of the first name that has any."""
        for name in map(_bare, names):
            n = name.count("/") + 1
            if n not in self._by_parts:
                index = self._by_parts[n] = defaultdict(list)
                for film in self._films:
                    index["/".join(_bare(film).split("/")[-n:])].append(film)
            if found := self._by_parts[n].get(name):
                return found
        return []


def _bare(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return stem if ending.lower() in _FILM_ENDINGS else name


def _by_film(
    listing: Listing, opened: Opened, said: Iterable[Said]
) -> tuple[dict[str, list[Said]], dict[str, str], set[str]]:
    """Film -> its rows; film -> why it is another's copy; the names of all findings. Rows without a film are left out."""
    films = _FilmsByName(opened.films)
    missing: dict[str, str] = {}
    rows: dict[str, list[Said]] = defaultdict(list)
    twice: dict[str, str] = {}
    names: set[str] = set()
    for row in said:
        names.update(row.findings)
        found = films.find(row.files)
        if not found:
            missing.setdefault(row.files[0], f"{row.where} names a film that is not there")
            continue
        rows[found[0]].append(row)
        twice |= {f: f"{row.where} names {opened.tree.shown(found[0])!r} too" for f in found[1:]}
    for name, sentence in missing.items():
        listing.leave_out(opened.tree.shown(name), NO_SUCH_FILE, sentence)
    return rows, twice, names

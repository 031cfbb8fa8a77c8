"""manifest.csv: one row a film, with its patient, label and source.

Convention: ``patient_id`` may be empty only where the source was declared to have no ids (``no_patient_ids`` in the header). ``path`` is
relative to the manifest's folder when the film lies below it, else absolute. A column that hilum does not know (scanner, hospital, age ...)
is an attribute of its films: it stands after the known ones, as text, and empty means unknown. The digest covers what the films are,
attributes too, not where they lie, nor the order of rows. Films that were left out are in ``<manifest>.excluded.csv``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from hilum.artifacts.film_rows import COLUMNS as COLUMNS
from hilum.artifacts.film_rows import INTEGERS, Films, FilmsById
from hilum.artifacts.film_rows import SHORT_SIDE as SHORT_SIDE
from hilum.artifacts.film_rows import FilmRow as FilmRow
from hilum.artifacts.header import Header, Provenance, read_csv_header, write_with_header
from hilum.core.columns import Column, column_of
from hilum.core.cycles import no_cycles
from hilum.core.digests import digest, digest_of_lists
from hilum.core.errors import InputError, nearest, require_known
from hilum.core.files import write_text
from hilum.core.table_paths import TableFolder
from hilum.core.tables import ColumnTable, known, read_by_column, read_table, table_parts, table_text
from hilum.study.film_filter import VOCABULARY, FilterLike, comparisons_in, number_of

_PATHS = {"path", "lung_mask"}
_NOT_IN_DIGEST = _PATHS | {"container", "stored_as"}  # where a film lies; what follows from its bytes
_NOT_FILTERED = _PATHS | {"sha256", "pixels_sha256"}  # no filter asks for these
_AS_IT_STANDS = {"image_id", "path", "sha256", "pixels_sha256", "source"}
"""Columns in which "none" is a name like others."""
_REQUIRED = ("image_id", "patient_id", "path", "sha256", "pixels_sha256", "label", "source")


class Exclusion(NamedTuple):
    """A film, or a row (by what the source's table calls it), that was left out: why in a short stable word, and in a sentence."""

    path: str
    source: str
    reason: str
    detail: str


class Manifest:
    """The films of a study, sorted by image_id and checked: ids are unique, and no patient id is missing without a declaration.

    Attributes:
        films: In columns; a row is made when it is asked for, so what needs a column of all films asks for that (`texts`, `texts_of`).
    """

    def __init__(self, films: Iterable[FilmRow], header: Header, provenance: Provenance = "hilum") -> None:
        wrong = set[str]()
        by_column = films if isinstance(films, Films) else Films.of(_noting_attributes(films, wrong))
        self.films = by_column.in_order()
        self.header = header
        self.provenance = provenance
        ids = self.films.ids
        twice = list(dict.fromkeys(a for a, b in pairwise(ids) if a == b))
        if twice:
            raise InputError(f"image_id must be unique; it is not for {twice[:5]!r} ({len(twice)} ids)")
        own = sorted({c for c in (*wrong, *self.attributes) if c in COLUMNS or not c.strip()})
        if own:
            raise InputError(
                f"an attribute of a film is called {own[0]!r}, which is empty or one of the manifest's own columns "
                f"({', '.join(COLUMNS)}); give the column another name"
            )
        declared = set(header.options.get("no_patient_ids", []))
        who = zip(self.texts("patient_id"), self.texts("source"), strict=True)
        without = Counter(source for patient, source in who if not patient and source not in declared)
        if without:
            source, n = without.most_common(1)[0]
            raise InputError(
                f"{n} films of source {source!r} have no patient_id; give the ids, or declare that there are none "
                f"with `hilum ingest --no-patient-ids {source}`"
            )

    def __len__(self) -> int:
        return len(self.films)

    @cached_property
    def digest(self) -> str:
        """Digest of what the films are: independent of row order and of where the files lie."""
        known = zip(*(self.films.values(c) for c in COLUMNS if c not in _NOT_IN_DIGEST), strict=True)
        lists: list[Iterable[Any]] = [sorted(self.header.options.get("no_patient_ids", [])), known]
        return digest_of_lists(*lists, *([self.films.own()] if self.attributes else []))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns beyond the known ones of which some film has a value, sorted."""
        return self.films.attributes

    @cached_property
    def by_id(self) -> Mapping[str, FilmRow]:
        """image_id -> row."""
        return FilmsById(self.films)

    def texts(self, column: str) -> Sequence[str]:
        """`FilmRow.value` of every film, in order."""
        return self.films.texts(column)

    def texts_of(self, column: str, image_ids: Iterable[str]) -> list[str]:
        """The same of films by their ids."""
        texts, row_of = self.films.texts(column), self.films.row_of
        return [texts[row_of[i]] for i in image_ids]

    def films_of(self, image_ids: Iterable[str]) -> Films:
        """Films by their ids, in the order named."""
        return self.films.take([self.films.row_of[i] for i in image_ids])

    def taken(self, rows: Sequence[int]) -> Manifest:
        """Some of the films, by their places."""
        return Manifest(self.films.take(rows), self.header, self.provenance)

    def only(self, image_ids: Iterable[str]) -> Manifest:
        """The films with these ids."""
        wanted = set(image_ids)
        return self.taken([k for k, i in enumerate(self.films.ids) if i in wanted])

    def count_by(self, column: str) -> dict[str, int]:
        """Number of films by the values of a column."""
        return dict(sorted(Counter(self.texts(column)).items()))

    def check_filter(self, table: FilterLike, where: str, lenient: bool = False) -> None:
        """Check a filter of a study file against all films that there are, before any is read.

        Args:
            table: The filter.
            where: Its place in the study file, for messages.
            lenient: Whether ``adult``, ``child``, ``F`` and ``M`` and comparisons may be asked for though no film's is known.

        Raises:
            InputError: An unknown column; a value that no film has, where the column has values; a comparison in a column with a text that
                is no number. Names the nearest right one.
        """
        columns = (*(c for c in COLUMNS if c not in _NOT_FILTERED), SHORT_SIDE, *self.attributes)
        for column, values in table.items():
            require_known(column, columns, f"{where}: unknown column")
            counts = self.count_by(column)
            words = {v for v in counts if v}
            for value in values:
                if comparisons_in(column, value) is not None:
                    self._check_numbers(column, value, where, lenient)
                    continue
                text = value.removeprefix("=")
                own = VOCABULARY.get(column, ()) if lenient else ()
                if text and text not in counts and text not in own:
                    hint = nearest(text, words or {"(none: the manifest has no values there)"})
                    raise InputError(f"{where}: no film of the manifest has {column} {text!r}; {hint}")

    def _check_numbers(self, column: str, value: str, where: str, lenient: bool) -> None:
        given = [(i, text) for i, text in zip(self.films.ids, self.texts(column), strict=True) if text]
        wrong = [(i, text) for i, text in given if number_of(text) is None]
        if wrong:
            raise InputError(
                f"{where}: {column} is compared with {value!r}, but {len(wrong)} films have a text there that is no number, such as "
                f"{wrong[0][1]!r} (film {wrong[0][0]!r}); correct them in the source's table and ingest again"
            )
        if not lenient and not given:
            raise InputError(f"{where}: {column} is compared with {value!r}, but no film has a value there")

    def write(self, path: Path) -> None:
        """Write manifest.csv and its header."""
        below = str(path.resolve().parent).rstrip(os.sep) + os.sep
        columns = (*COLUMNS, *self.attributes)

        def written(text: str) -> str:
            full = os.path.abspath(text) if text else ""  # noqa: PTH100 - text, for tables of many rows
            return full.removeprefix(below)

        texts = (map(written, self.texts(c)) if c in _PATHS else self.texts(c) for c in columns)
        write_with_header(path, table_parts(columns, zip(*texts, strict=True)), self.header)

    @classmethod
    @no_cycles()
    def read(cls, path: Path) -> Manifest:
        """Read manifest.csv; its paths become absolute.

        Raises:
            InputError: No such file, a missing or unknown column, a bad number, a repeated id, an undeclared missing patient.
        """
        require_manifest(path)
        header, provenance = read_csv_header(path, "manifest")
        table = read_by_column(path)
        for column in _REQUIRED:
            if column not in table.columns:
                raise InputError(
                    f"{path}: expected a manifest, with a column {column!r}, got the columns {', '.join(table.columns)!r}; "
                    f"{_make_one(path)}"
                )
        return cls(_films_of(path, table), header, provenance)


def _noting_attributes(films: Iterable[FilmRow], names: set[str]) -> Iterator[FilmRow]:
    """The films as they come; the names of their attributes, also of empty ones, are added to `names`."""
    for film in films:
        names.update(film.attributes)
        yield film


def _films_of(path: Path, table: ColumnTable) -> Films:
    """The films of a manifest's table."""
    base = TableFolder.of(path.resolve(), table.columns["path"])
    columns: dict[str, Column[Any]] = {
        c: texts if c in _AS_IT_STANDS else texts.mapped(known) for c, texts in table.columns.items()
    }
    for c in columns.keys() & INTEGERS:
        for line, text in zip(table.lines, columns[c], strict=True):
            if not text.isdigit():
                raise InputError(f"{path} line {line}: {c} must be a whole number, got {text!r}")
        columns[c] = columns[c].mapped(int)
    for c in columns.keys() & _PATHS:
        columns[c] = columns[c].mapped(lambda text: base.locate(text) if text else "")
    patients = zip(columns["patient_id"], columns["source"], strict=True)
    columns["patient_id"] = column_of(known_patient(p, source) if p else "" for p, source in patients)
    others = {c: texts for c, texts in columns.items() if c not in COLUMNS}
    return Films(columns.pop("image_id"), columns, others)


def require_manifest(path: Path) -> None:
    """Refuse what cannot be a manifest, before it is read.

    Raises:
        InputError: Nothing, or a folder, is there.
    """
    if path.is_dir():
        raise InputError(f"{path}: expected a manifest, got a folder; {_make_one(path)}")
    if not path.exists():
        raise InputError(f"{path}: no such manifest; {_make_one('SOURCE...', path.name)}")


def _make_one(source: Path | str, name: str = "manifest.csv") -> str:
    return f"make one with `hilum ingest {source} --out {name if name.endswith('.csv') else 'manifest.csv'}`"


def known_patient(patient_id: str, source: str) -> str:
    """An id, with or without the source's name before it; an empty text where it stands for "not known"."""
    return patient_id if known(patient_id.removeprefix(f"{source}:")) else ""


def films_digest(films: Iterable[FilmRow]) -> str:
    """Digest of which films these are, by the bytes of their files; of a source it is an input of the manifest."""
    return digest(sorted([f.image_id, f.sha256] for f in films))


def excluded_path(manifest_path: Path) -> Path:
    """Where the table of what was left out lies."""
    return manifest_path.with_suffix(".excluded.csv")


def write_exclusions(path: Path, rows: Iterable[Exclusion]) -> None:
    """Write the table of what was left out, sorted."""
    write_text(path, table_text(Exclusion._fields, sorted(rows)))


def read_exclusions(path: Path) -> list[Exclusion]:
    """Read the table of what was left out; empty when there is none."""
    if not path.is_file():
        return []
    rows = read_table(path, exact=True).rows
    return [Exclusion(*(r.values.get(c, "") for c in Exclusion._fields)) for r in rows]

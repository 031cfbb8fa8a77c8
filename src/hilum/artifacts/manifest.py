"""manifest.csv: one row a film, with its patient, label and source.

Convention: ``patient_id`` may be empty only where the source was declared to have no ids (``no_patient_ids`` in the header). ``path`` is
relative to the manifest's folder when the film lies below it, else absolute. A column that hilum does not know (scanner, hospital, age ...)
is an attribute of its films: it stands after the known ones, as text, and empty means unknown. The digest covers what the films are,
attributes too, not where they lie, nor the order of rows. Films that were left out are in ``<manifest>.excluded.csv``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from hilum.artifacts.header import Header, Provenance, read_csv_header, write_with_header
from hilum.core.digests import digest
from hilum.core.errors import InputError, nearest, require_known
from hilum.core.files import write_text
from hilum.core.table_paths import TableFolder, absolute
from hilum.core.tables import known, read_table, table_text
from hilum.study.film_filter import VOCABULARY, FilterLike, comparisons_in, number_of

_PATHS = {"path", "lung_mask"}
_NOT_IN_DIGEST = _PATHS | {"container", "stored_as"}  # where a film lies; what follows from its bytes
_NOT_FILTERED = _PATHS | {"sha256", "pixels_sha256"}  # no filter asks for these
_INTEGERS = {"width_px", "height_px"}
SHORT_SIDE = "short_side_px"
"""What a filter may ask for besides columns: the shorter side of a film as stored."""
_AS_IT_STANDS = {"image_id", "path", "sha256", "pixels_sha256", "source"}
"""Columns in which "none" is a name like others."""


@dataclass(frozen=True, slots=True)
class FilmRow:
    """A film of a manifest; an empty string stands for unknown.

    Attributes:
        image_id: Source/relative path without ending; unique.
        patient_id: ``source:id``; empty where the source has none.
        path: Where the bytes are; absolute once loaded.
        sha256: Digest of the file's bytes.
        pixels_sha256: Digest of the decoded film (`hilum.core.digests.pixels_sha256`).
        label: Class, lower case.
        source_part: The part of the source that it comes from, as ``train`` in the Mooney set.
        view: ``PA``, ``AP``, ``AP Supine`` ...
        age_group: ``adult`` or ``child``.
        sex: ``F`` or ``M``.
        width_px: Of the film as stored, as `height_px`.
        lung_mask: Path of a lung mask that came with the source.
        container: Format of the file: ``png``, ``jpeg``, ``bmp``, ``tiff`` or ``dicom``; empty in old manifests.
        stored_as: How the file holds its greys: ``L``, ``RGB``, ``I;16`` ..., or the photometric interpretation.
        attributes: Other columns of the source's table -> text, such as ``{"scanner": "A"}``.
    """

    image_id: str
    patient_id: str
    path: str
    sha256: str
    pixels_sha256: str
    label: str
    source: str
    source_part: str = ""
    view: str = ""
    age_group: str = ""
    sex: str = ""
    width_px: int = 0
    height_px: int = 0
    lung_mask: str = ""
    container: str = ""
    stored_as: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)

    def value(self, column: str) -> str:
        """The text of a column, known or attribute, or of `SHORT_SIDE`; empty where the film has none."""
        if column == SHORT_SIDE:
            return str(min(self.width_px, self.height_px) or "")
        return str(getattr(self, column)) if column in COLUMNS else self.attributes.get(column, "")


COLUMNS = tuple(f.name for f in fields(FilmRow) if f.name != "attributes")
_REQUIRED = ("image_id", "patient_id", "path", "sha256", "pixels_sha256", "label", "source")


class Exclusion(NamedTuple):
    """A film, or a row (by what the source's table calls it), that was left out: why in a short stable word, and in a sentence."""

    path: str
    source: str
    reason: str
    detail: str


class Manifest:
    """The films of a study, sorted by image_id and checked: ids are unique, and no patient id is missing without a declaration."""

    def __init__(self, films: Iterable[FilmRow], header: Header, provenance: Provenance = "hilum") -> None:
        self.films: tuple[FilmRow, ...] = tuple(sorted(films, key=lambda f: f.image_id))
        self.header = header
        self.provenance = provenance
        twice = [i for i, n in Counter(f.image_id for f in self.films).items() if n > 1]
        if twice:
            raise InputError(f"image_id must be unique; it is not for {twice[:5]!r} ({len(twice)} ids)")
        own = sorted({c for f in self.films for c in f.attributes if c in COLUMNS or not c.strip()})
        if own:
            raise InputError(
                f"an attribute of a film is called {own[0]!r}, which is empty or one of the manifest's own columns "
                f"({', '.join(COLUMNS)}); give the column another name"
            )
        declared = set(header.options.get("no_patient_ids", []))
        without = Counter(f.source for f in self.films if not f.patient_id and f.source not in declared)
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
        keep = [c for c in COLUMNS if c not in _NOT_IN_DIGEST]
        declared = sorted(self.header.options.get("no_patient_ids", []))
        known = [declared, [[getattr(f, c) for c in keep] for f in self.films]]
        own = [{c: v for c, v in f.attributes.items() if v} for f in self.films]
        return digest([*known, own] if any(own) else known)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Columns beyond the known ones of which some film has a value, sorted."""
        return tuple(sorted({c for f in self.films for c, v in f.attributes.items() if v}))

    @cached_property
    def by_id(self) -> dict[str, FilmRow]:
        """image_id -> row."""
        return {f.image_id: f for f in self.films}

    def only(self, image_ids: Iterable[str]) -> Manifest:
        """The films with these ids."""
        wanted = set(image_ids)
        return Manifest((f for f in self.films if f.image_id in wanted), self.header, self.provenance)

    def count_by(self, column: str) -> dict[str, int]:
        """Number of films by the values of a column."""
        return dict(sorted(Counter(f.value(column) for f in self.films).items()))

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
        given = [f for f in self.films if f.value(column)]
        wrong = [f for f in given if number_of(f.value(column)) is None]
        if wrong:
            raise InputError(
                f"{where}: {column} is compared with {value!r}, but {len(wrong)} films have a text there that is no number, such as "
                f"{wrong[0].value(column)!r} (film {wrong[0].image_id!r}); correct them in the source's table and ingest again"
            )
        if not lenient and not given:
            raise InputError(f"{where}: {column} is compared with {value!r}, but no film has a value there")

    def write(self, path: Path) -> None:
        """Write manifest.csv and its header."""
        folder = path.resolve().parent
        columns = (*COLUMNS, *self.attributes)

        def text(film: FilmRow, column: str) -> str:
            value = film.value(column)
            if column not in _PATHS or not value:
                return value
            full = absolute(Path(value))
            return full.relative_to(folder).as_posix() if full.is_relative_to(folder) else str(full)

        rows = ([text(f, c) for c in columns] for f in self.films)
        write_with_header(path, table_text(columns, rows), self.header)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read manifest.csv; its paths become absolute.

        Raises:
            InputError: No such file, a missing or unknown column, a bad number, a repeated id, an undeclared missing patient.
        """
        require_manifest(path)
        header, provenance = read_csv_header(path, "manifest")
        films: list[FilmRow] = []
        table = read_table(path, exact=True)
        base = TableFolder.of(path.resolve(), (row.values.get("path", "") for row in table.rows))
        for column in _REQUIRED:
            if column not in table.columns:
                raise InputError(
                    f"{path}: expected a manifest, with a column {column!r}, got the columns {', '.join(table.columns)!r}; "
                    f"{_make_one(path)}"
                )
        own_columns = [c for c in table.columns if c in COLUMNS]
        others = [c for c in table.columns if c not in COLUMNS]
        for row in table.rows:
            values: dict[str, str | int] = {}
            for c in own_columns:
                text = row.values.get(c, "")
                text = text if c in _AS_IT_STANDS else known(text)
                if c in _INTEGERS:
                    if not text.isdigit():
                        raise InputError(f"{path} line {row.line}: {c} must be a whole number, got {text!r}")
                    values[c] = int(text)
                elif c in _PATHS and text:
                    values[c] = base.locate(text)
                else:
                    values[c] = text
            if values["patient_id"]:
                values["patient_id"] = known_patient(str(values["patient_id"]), str(values["source"]))
            attributes = {c: v for c in others if (v := row.get(c))}
            films.append(FilmRow(**values, attributes=attributes))  # type: ignore[arg-type]
        return cls(films, header, provenance)


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

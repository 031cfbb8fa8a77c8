"""A csv that names films: path (or image, filename), label, patient_id, and whatever else it knows.

Paths are relative to the csv, and may be written as Windows does. Columns other than `KNOWN` are kept as attributes of the films. A film
listed twice with the same facts counts once, with the attributes that agree; with different facts it is an error, for nothing is
guessed. A film that does not lie below the csv's folder is called by the last parts of its path.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from hilum.artifacts.header import header_path
from hilum.artifacts.manifest import COLUMNS, known_patient
from hilum.core.errors import InputError
from hilum.core.table_paths import TableFolder, absolute, is_there
from hilum.core.tables import Row, read_columns, read_table
from hilum.sources.facts import age_group_of, sex_of, view_of, years_of
from hilum.sources.layout import IngestOptions, Layout
from hilum.sources.listing import (
    LISTED_TWICE,
    NO_SUCH_FILE,
    OUTSIDE,
    Candidate,
    Listing,
    class_name,
)
from hilum.sources.places import unique_tails
from hilum.sources.tree import Tree

ENDINGS = frozenset({".csv", ".tsv"})
PATH_COLUMNS = ("path", "image", "filename", "file")
PART_COLUMNS = ("source_part", "split", "part", "subset", "partition")
_FACTS = ("label", "patient_id", "source", "view", "age", "age_group", "sex", "lung_mask")
KNOWN = frozenset({*PATH_COLUMNS, *PART_COLUMNS, *_FACTS})


def table_in(tree: Tree) -> str | None:
    """The one csv in the root that names films, or None. A manifest of hilum's is not a source's own table.

    Raises:
        InputError: There are several.
    """
    found = [
        name
        for name in tree.beside()
        if Path(name).suffix.lower() in ENDINGS
        and is_table(tree.path(name))
        and not header_path(tree.path(name)).exists()
    ]
    if len(found) > 1:
        raise InputError(
            f"{tree.root}: expected one csv that names films, got {', '.join(found)}; "
            "give the one to use as the SOURCE"
        )
    return found[0] if found else None


def is_table(path: Path) -> bool:
    """Whether a csv has a column of paths and one of labels."""
    columns = read_columns(path, fold=True)
    return "label" in columns and any(c in columns for c in PATH_COLUMNS)


def read(source: str, csv_path: Path, tree: Tree | None = None) -> Listing:
    """List the films that a csv names.

    Args:
        source: The source's name; a column ``source`` goes before it.
        csv_path: The csv.
        tree: The folder it was found in, if a folder was given: its films without a row are left out by name.

    Raises:
        InputError: A missing column, a bad value, or two rows that contradict each other.
    """
    table = read_table(csv_path, fold=True)
    columns = table.columns
    path_column = next((c for c in PATH_COLUMNS if c in columns), None)
    if path_column is None or "label" not in columns:
        raise InputError(
            f"{csv_path} line 1: expected columns path (or image, filename) and label, "
            f"got {', '.join(columns)}"
        )
    listing = Listing(source, ENTRY.name, tables={csv_path.name: csv_path})
    attributes = _other(columns, KNOWN)
    if attributes:
        listing.options["attributes"] = sorted(attributes)
    base = TableFolder.of(csv_path, [row.get(path_column) for row in table.rows])
    seen: dict[Path, tuple[int, Candidate]] = {}
    for row in table.rows:
        name = row.get(path_column)
        if not name:
            raise InputError(
                f"{csv_path} line {row.line}: expected a path in column {path_column!r}, got none"
            )
        candidate = candidate_of(row, name, source, base)
        if candidate.path in seen:
            line, other = seen[candidate.path]
            if replace(other, attributes={}) != replace(candidate, attributes={}):
                raise InputError(
                    f"{csv_path} lines {line} and {row.line}: {name!r} has two rows that differ; "
                    "keep one of them"
                )
            alike = dict(other.attributes.items() & candidate.attributes.items())
            seen[candidate.path] = line, replace(other, attributes=alike)
            listing.leave_out(name, LISTED_TWICE, f"line {row.line} repeats line {line}")
            continue
        seen[candidate.path] = (row.line, candidate)
        if not is_there(candidate.path):
            detail = f"line {row.line} of {csv_path.name} names a file that is not there{base.tried(name)}"
            listing.leave_out(name, NO_SUCH_FILE, detail, broken=True)
    listing.candidates = _placed([c for _, c in seen.values() if is_there(c.path)], base.folder)
    if tree is not None:
        masks = {c.lung_mask for c in listing.candidates}
        for film in tree.films:
            path = absolute(tree.path(film))
            if path not in seen and str(path) not in masks:
                listing.leave_out(tree.shown(film), OUTSIDE, f"no row in {csv_path.name}")
    return listing


def candidate_of(row: Row, name: str, source: str, base: TableFolder) -> Candidate:
    """The film of a row.

    Raises:
        InputError: An age_group that is neither adult nor child.
    """
    age_group = row.get("age_group").lower() or age_group_of(row.get("age"))
    if age_group not in {"", "adult", "child"}:
        raise InputError(
            f"{base.csv_path} line {row.line}: age_group must be adult or child, got {age_group!r}"
        )
    mask = row.get("lung_mask")
    path = Path(base.locate(name))
    return Candidate(
        path=path,
        relative=path.name,
        source=row.get("source") or source,
        label=class_name(row.get("label")),
        patient=known_patient(row.get("patient_id"), row.get("source") or source),
        source_part=row.get(*PART_COLUMNS),
        view=view_of(row.get("view")),
        age_group=age_group,
        sex=sex_of(row.get("sex")),
        lung_mask=base.locate(mask) if mask else "",
        attributes=attributes_of(row, tuple(row.values), KNOWN),
    )


def attributes_of(row: Row, columns: Sequence[str], known_columns: Collection[str]) -> dict[str, str]:
    """What a row knows beyond the known columns; an age in years."""
    found = {c: v for c in _other(columns, known_columns) if (v := row.get(c))}
    if age := row.get("age"):
        found["age"] = years_of(age) or age
    return found


def _other(columns: Sequence[str], known_columns: Collection[str]) -> list[str]:
    """Columns that are attributes: neither known, nor a manifest's own (hilum works those out again), nor pandas' unnamed index."""
    return [c for c in columns if not (c in known_columns or c in COLUMNS or c.startswith("unnamed:"))]


def _placed(candidates: Sequence[Candidate], folder: Path) -> list[Candidate]:
    """Films called by their place below the csv's folder; those outside by the last parts of their paths that tell films apart."""
    inside = {
        c.path: c.path.relative_to(folder).as_posix() for c in candidates if c.path.is_relative_to(folder)
    }
    outside = [c.path for c in candidates if c.path not in inside]
    names = inside | dict(zip(outside, unique_tails(outside, inside.values()), strict=True))
    return [replace(c, relative=names[c.path]) for c in candidates]


def _read_folder(source: str, tree: Tree, _: IngestOptions) -> Listing:
    return read(source, tree.path(table_in(tree) or ""), tree)


ENTRY = Layout(
    "csv", "a csv with columns path, label, patient_id ...", lambda tree: table_in(tree) is not None, _read_folder,
    endings=ENDINGS, read_file=read,
)  # fmt: skip

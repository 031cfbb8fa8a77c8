"""A csv that names films: path (or image, filename), label, patient_id, and whatever else it knows.

Convention: paths are relative to the csv. Known columns are in `KNOWN`; others are ignored, and the header
says which. A film listed twice with the same facts counts once; with different facts it is an error, for
nothing is guessed.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from hilum.artifacts.header import header_path
from hilum.core.errors import InputError
from hilum.core.tables import Row, read_columns, read_table
from hilum.stages.sources.listing import (
    NO_SUCH_FILE,
    OUTSIDE,
    Candidate,
    Listing,
    age_group_of,
    class_name,
    sex_of,
)
from hilum.stages.sources.places import absolute
from hilum.stages.sources.tree import Tree

LAYOUT = "csv"
PATH_COLUMNS = ("path", "image", "filename", "file")
KNOWN = (
    *PATH_COLUMNS,
    "label",
    "patient_id",
    "source",
    "source_part",
    "view",
    "age",
    "age_group",
    "sex",
    "lung_mask",
)
# what hilum itself writes into a manifest and will work out again
_OWN = frozenset({"image_id", "sha256", "pixels_sha256", "width_px", "height_px"})


def table_in(tree: Tree) -> str | None:
    """The one csv in the root that names films, or None. A manifest of hilum's is not a source's own table.

    Raises:
        InputError: There are several.
    """
    found = [
        name
        for name in tree.beside()
        if name.lower().endswith(".csv")
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
    listing = Listing(source, LAYOUT, tables={csv_path.name: csv_path})
    ignored = sorted(c for c in columns if c and c not in KNOWN and c not in _OWN)
    if ignored:
        listing.options["ignored_columns"] = ignored
    seen: dict[Path, tuple[int, Candidate]] = {}
    for row in table.rows:
        name = row.get(path_column)
        if not name:
            raise InputError(
                f"{csv_path} line {row.line}: expected a path in column {path_column!r}, got none"
            )
        candidate = candidate_of(row, name, source, csv_path)
        if candidate.path in seen:
            line, other = seen[candidate.path]
            if other != candidate:
                raise InputError(
                    f"{csv_path} lines {line} and {row.line}: {name!r} has two rows that differ; "
                    "keep one of them"
                )
            listing.leave_out(name, "listed twice", f"line {row.line} repeats line {line}")
            continue
        seen[candidate.path] = (row.line, candidate)
        if not candidate.path.is_file():
            detail = f"line {row.line} of {csv_path.name} names a file that is not there"
            listing.leave_out(name, NO_SUCH_FILE, detail, broken=True)
            continue
        listing.candidates.append(candidate)
    if tree is not None:
        masks = {c.lung_mask for c in listing.candidates}
        for film in tree.films:
            path = absolute(tree.path(film))
            if path not in seen and str(path) not in masks:
                listing.leave_out(tree.shown(film), OUTSIDE, f"no row in {csv_path.name}")
    return listing


def candidate_of(row: Row, name: str, source: str, csv_path: Path) -> Candidate:
    """The film of a row.

    Raises:
        InputError: An age_group that is neither adult nor child.
    """
    age_group = row.get("age_group").lower() or age_group_of(row.get("age"))
    if age_group not in {"", "adult", "child"}:
        raise InputError(f"{csv_path} line {row.line}: age_group must be adult or child, got {age_group!r}")
    mask = row.get("lung_mask")
    path = absolute(csv_path.parent / name)
    return Candidate(
        path=path,
        relative=_relative(path, absolute(csv_path.parent)),
        source=row.get("source") or source,
        label=class_name(row.get("label")),
        patient=row.get("patient_id"),
        source_part=row.get("source_part"),
        view=row.get("view"),
        age_group=age_group,
        sex=sex_of(row.get("sex")),
        lung_mask=str(absolute(csv_path.parent / mask)) if mask else "",
    )


def _relative(path: Path, folder: Path) -> str:
    """A film's place below the csv's folder, or its whole path without the first "/"."""
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return str(PurePosixPath(*path.parts[1:]))

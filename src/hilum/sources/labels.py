"""``--labels FILE``: a csv that gives the films of any source their label, patient and more.

A row names a film by its path: absolute, relative to the file, relative to the source's folder, or by the bare file name where only one
film has it; a column ``source`` narrows the search. What the file says goes before what the layout says; an empty cell says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hilum.artifacts.manifest import Exclusion
from hilum.core.errors import InputError
from hilum.core.table_paths import TableFolder, absolute, other_forms, windows_tails
from hilum.core.tables import Row, read_table
from hilum.sources.listing import NO_SUCH_FILE, Candidate, Listing
from hilum.sources.table import PATH_COLUMNS, candidate_of

_GIVEN = ("label", "patient", "source_part", "view", "age_group", "sex")
_Place = tuple[int, int]  # which listing, which candidate of it


def apply(path: Path, listings: Sequence[Listing]) -> dict[str, int]:
    """Give the films of `listings` what the file says of them (in place); a row that names no film is left out of the first.

    Returns:
        ``rows`` that named a film, and films whose label the layout gave otherwise (``changed``).

    Raises:
        InputError: No such file, no path column, nothing to give, a row that fits several films, two rows
            for one film, or no row that fits any.
    """
    table = read_table(path, fold=True)
    columns, rows = table.columns, table.rows
    path_column = next((c for c in PATH_COLUMNS if c in columns), None)
    if path_column is None or not {"label", "patient_id"} & set(columns):
        raise InputError(
            f"{path} line 1: expected a column path, and label or patient_id, got {', '.join(columns)}"
        )
    index = _index(listings)
    base = TableFolder.of(path, [row.get(path_column) for row in rows])
    given: dict[_Place, int] = {}
    unmatched: list[Exclusion] = []
    changed = 0
    for row in rows:
        name = row.get(path_column)
        place = _find(name, row, base, index, listings)
        if place is None:
            detail = f"line {row.line} of {path.name} names no film"
            unmatched.append(Exclusion(name, row.get("source") or "labels", NO_SUCH_FILE, detail))
            continue
        if place in given:
            raise InputError(
                f"{path} lines {given[place]} and {row.line}: both name {name!r}; keep one of them"
            )
        given[place] = row.line
        candidates = listings[place[0]].candidates
        old = candidates[place[1]]
        said = candidate_of(row, name, old.source, base)
        given_facts = {k: v for k in _GIVEN if (v := getattr(said, k))}
        new = replace(
            old,
            **given_facts,
            attributes={**old.attributes, **said.attributes},
            assumed=old.assumed - set(given_facts),
        )
        changed += bool(old.label) and new.label.casefold() != old.label.casefold()
        candidates[place[1]] = new
    if rows and not given:
        raise InputError(
            f"{path}: none of its {len(rows)} rows names a film of the sources, the first is "
            f"{rows[0].get(path_column)!r}; give paths relative to the source's folder"
        )
    listings[0].exclusions.extend(unmatched)
    listings[0].broken.extend(unmatched)
    return {"rows": len(given), "changed": changed}


def _index(listings: Sequence[Listing]) -> Mapping[str, list[_Place]]:
    index: dict[str, list[_Place]] = defaultdict(list)
    for i, listing in enumerate(listings):
        folder = absolute(listing.folder)
        for k, c in enumerate(listing.candidates):
            full = absolute(c.path)
            names = {str(full), c.relative, full.name}
            if full.is_relative_to(folder):
                names.add(full.relative_to(folder).as_posix())
            for name in names:
                index[name].append((i, k))
    return index


def _find(
    name: str, row: Row, base: TableFolder, index: Mapping[str, list[_Place]], listings: Sequence[Listing]
) -> _Place | None:
    def candidate(place: _Place) -> Candidate:
        return listings[place[0]].candidates[place[1]]

    wanted = row.get("source")
    for key in (base.locate(name), name, *windows_tails(name), *other_forms(name)):
        places = [p for p in index.get(key, []) if not wanted or candidate(p).source == wanted]
        if len(places) > 1:
            films = " and ".join(repr(f"{candidate(p).source}/{candidate(p).relative}") for p in places[:2])
            raise InputError(
                f"{base.csv_path} line {row.line}: {name!r} fits {len(places)} films, such as {films}; "
                "give a longer path or a column source"
            )
        if places:
            return places[0]
    return None

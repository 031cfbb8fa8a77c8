"""``--labels FILE``: a csv that gives the films of any source their label, patient and more.

A row names a film by its path: absolute, relative to the file, relative to the source's folder, or by the bare file name where only one
film has it; a column ``source`` narrows the search; or by the ``image_id`` that a manifest has for it. What the file says goes before what
the layout says; an empty cell says nothing. A text in the column ``leave_out`` leaves the film out. What readers write for people
(`FOR_PEOPLE`, as the csv of `hilum gallery` has it) makes no difference.
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
from hilum.sources.listing import LEFT_OUT, NO_SUCH_FILE, Candidate, Listing
from hilum.sources.places import image_ids
from hilum.sources.table import PATH_COLUMNS, candidate_of

FOR_PEOPLE = frozenset({"comment", "reading", "given_label"})
LEAVE_OUT = "leave_out"
_GIVEN = ("label", "patient", "source_part", "view", "age_group", "sex")
_Place = tuple[int, int]  # which listing, which candidate of it


def apply(path: Path, listings: Sequence[Listing]) -> dict[str, int]:
    """Give the films of `listings` what the file says of them (in place); a row that names no film is left out of the first.

    Returns:
        ``rows`` that named a film, films whose label the layout gave otherwise (``changed``), and where there are any those ``left_out``.

    Raises:
        InputError: No such file, no column that names films, nothing to give, a row that fits several films, two rows
            for one film, or no row that fits any.
    """
    table = read_table(path, fold=True)
    columns, rows = table.columns, table.rows
    path_column = next((c for c in (*PATH_COLUMNS, "image_id") if c in columns), None)
    if path_column is None or not {"label", "patient_id", LEAVE_OUT} & set(columns):
        raise InputError(
            f"{path} line 1: expected a column path or image_id, and label, patient_id or {LEAVE_OUT}, got {', '.join(columns)}"
        )
    index, ids = _index(listings), _index_of_ids(listings)
    base = TableFolder.of(path, [row.get(path_column) for row in rows])
    given: dict[_Place, Row] = {}
    unmatched: list[Exclusion] = []
    for row in rows:
        name = row.get(path_column)
        by_id = [(row.get("image_id"), ids)] if "image_id" in columns else []
        by_path = [(key, index) for key in _forms(name, base)] if path_column != "image_id" else []
        place = _find(name, row, [*by_path, *by_id], base, listings)
        if place is None:
            detail = f"line {row.line} of {path.name} names no film"
            unmatched.append(Exclusion(name, row.get("source") or "labels", NO_SUCH_FILE, detail))
        elif place in given:
            raise InputError(
                f"{path} lines {given[place].line} and {row.line}: both name {name!r}; keep one of them"
            )
        else:
            given[place] = row
    if rows and not given:
        raise InputError(
            f"{path}: none of its {len(rows)} rows names a film of the sources, the first is "
            f"{rows[0].get(path_column)!r}; give paths relative to the source's folder"
        )
    changed = sum(_give(listings[i].candidates, k, row, base) for (i, k), row in given.items())
    listings[0].exclusions.extend(unmatched)
    listings[0].broken.extend(unmatched)
    out = _leave_out(path, given, listings)
    return {"rows": len(given), "changed": changed, **({"left_out": out} if out else {})}


def _give(candidates: list[Candidate], at: int, row: Row, base: TableFolder) -> bool:
    """Give a film what a row says of it; whether its label was another before."""
    old = candidates[at]
    said = candidate_of(row, "", old.source, base)
    facts = {k: v for k in _GIVEN if (v := getattr(said, k))}
    own = {c: v for c, v in said.attributes.items() if c not in FOR_PEOPLE and c != LEAVE_OUT}
    new = replace(old, **facts, attributes={**old.attributes, **own}, assumed=old.assumed - set(facts))
    candidates[at] = new
    return bool(old.label) and new.label.casefold() != old.label.casefold()


def _leave_out(path: Path, given: Mapping[_Place, Row], listings: Sequence[Listing]) -> int:
    """Leave out the films of which a row says so; how many there are."""
    out = {place: why for place, row in given.items() if (why := row.get(LEAVE_OUT))}
    for (i, k), why in out.items():
        candidate = listings[i].candidates[k]
        detail = f"line {given[i, k].line} of {path.name}: {why}"
        listings[i].leave_out(listings[i].shown(candidate), LEFT_OUT, detail, source=candidate.source)
    for i, listing in enumerate(listings):
        listing.candidates = [c for k, c in enumerate(listing.candidates) if (i, k) not in out]
    return len(out)


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


def _index_of_ids(listings: Sequence[Listing]) -> Mapping[str, list[_Place]]:
    """Films by the ids that their manifest has for them, and by those with the file's ending."""
    index: dict[str, list[_Place]] = defaultdict(list)
    places = [(i, k) for i, listing in enumerate(listings) for k in range(len(listing.candidates))]
    candidates = [listings[i].candidates[k] for i, k in places]
    for place, c, image_id in zip(
        places, candidates, image_ids([(c.source, c.relative) for c in candidates]), strict=True
    ):
        for name in {image_id, f"{c.source}/{c.relative}"}:
            index[name].append(place)
    return index


def _forms(name: str, base: TableFolder) -> list[str]:
    return [base.locate(name), name, *windows_tails(name), *other_forms(name)]


def _find(
    name: str,
    row: Row,
    keys: Sequence[tuple[str, Mapping[str, list[_Place]]]],
    base: TableFolder,
    listings: Sequence[Listing],
) -> _Place | None:
    """The film of the first key that its index has."""

    def candidate(place: _Place) -> Candidate:
        return listings[place[0]].candidates[place[1]]

    wanted = row.get("source")
    for key, index in keys:
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

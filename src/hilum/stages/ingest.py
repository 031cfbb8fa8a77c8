"""Ingest: folders and tables of films become manifest.csv, with a table of everything that was left out and
why.

Convention: every film is opened, so a manifest holds only films that decode. A patient id comes from the
source, a labels file or a DICOM header; a source without ids is refused unless it was declared to have none.
Nothing is written unless all went well, so a manifest from before stays as it was. The output depends on the
films and options, not on the number of workers. Copies, near-copies and wrong labels are `hilum audit`'s
business.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from hilum.artifacts.header import Header, header_path
from hilum.artifacts.manifest import Exclusion, FilmRow, Manifest, excluded_path, write_exclusions
from hilum.artifacts.outputs import check_outputs, file_output
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import InputError, nearest
from hilum.core.progress import progress
from hilum.stages.sources import checks
from hilum.stages.sources import labels as labels_file
from hilum.stages.sources.listing import (
    Candidate,
    Listing,
    MooneyPatients,
    age_group_of,
    sex_of,
)
from hilum.stages.sources.places import absolute
from hilum.stages.sources.reading import FilmRead, read_films
from hilum.stages.sources.recognise import list_films, parse_source
from hilum.stages.sources.spelling import one_spelling


@dataclass(frozen=True)
class Count:
    """A line of the table of films.

    Attributes:
        source: Name of the source.
        layout: The layout it was read as.
        label: Class.
        films: Number of films.
        patients: Number of patients, or None where the source was declared to have no ids.
    """

    source: str
    layout: str
    label: str
    films: int
    patients: int | None


@dataclass(frozen=True)
class Ingested:
    """What an ingest wrote.

    Attributes:
        manifest_path: Where.
        manifest: The manifest.
        counts: Films by source and label.
        excluded: (source, reason) -> number.
        exclusions: Every film and row left out.
        notes: Sentences a person should read, such as ids that were joined.
    """

    manifest_path: Path
    manifest: Manifest
    counts: tuple[Count, ...]
    excluded: Mapping[tuple[str, str], int]
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...]


def ingest(
    sources: Sequence[str],
    out: Path,
    *,
    no_patient_ids: Iterable[str] = (),
    labels: Path | None = None,
    layouts: Mapping[str, str] | None = None,
    mooney_patients: MooneyPatients = "number",
    strict: bool = False,
    workers: int | None = None,
) -> Ingested:
    """Make a manifest.

    Args:
        sources: Folders or csv files, each PATH or NAME=PATH.
        out: The manifest to write; its header and table of exclusions go beside it.
        no_patient_ids: Names of the sources that have no patient ids.
        labels: A csv with path, label, patient_id for films of any source.
        layouts: Source name -> layout, where it should not be recognised.
        mooney_patients: ``"number"``: person5 under bacteria and under virus is one child;
            ``"number-and-class"``: two.
        strict: Refuse to write when any film cannot be read.
        workers: Processes; None for one a processor.

    Raises:
        InputError: Wrong sources or options; films without patients; unreadable films when `strict`.
    """
    given = [parse_source(s) for s in sources]
    layouts = dict(layouts or {})
    declared = sorted(set(no_patient_ids))
    checks.check_options(given, layouts)
    manifest_output = file_output(out, "manifest", ".csv", beside=(header_path, excluded_path))
    check_outputs([manifest_output], [*(s.path for s in given), *([labels] if labels else [])])
    own = {p.resolve() for p in (out, header_path(out), excluded_path(out), *([labels] if labels else []))}
    listings = [list_films(s, layouts.get(s.name), mooney_patients, own) for s in given]
    names = checks.source_names(listings)
    for name in declared:
        if name not in names:
            raise InputError(f"--no-patient-ids {name!r} names no source; {nearest(name, names)}")
    checks.check_films_once(listings)
    inputs, options, notes = _label(labels, listings)
    notes += one_spelling(listings)
    checks.check_labels(listings)
    checks.check_patients(
        [c for x in listings for c in x.candidates if not checks.may_hold_patient(c)], listings, declared
    )

    candidates = [c for x in listings for c in x.candidates]
    broken = [e for x in listings for e in x.broken]
    exclusions = [e for x in listings for e in x.exclusions]
    layout_of = {c.source: x.layout for x in listings for c in x.candidates}
    shown = {id(c): checks.shown(c, x) for x in listings for c in x.candidates}
    ids = _image_ids(candidates)
    films: list[FilmRow] = []
    complete: list[Candidate] = []
    blank: dict[str, list[str]] = defaultdict(list)
    with progress("ingest", len(candidates)) as step:
        for candidate, answer in zip(
            candidates, read_films([str(c.path) for c in candidates], workers), strict=True
        ):
            step()
            if answer.reason:
                row = Exclusion(shown[id(candidate)], candidate.source, answer.reason, answer.detail)
                broken.append(row)
                exclusions.append(row)
                continue
            full = _with_dicom_facts(candidate, answer)
            complete.append(full)
            films.append(_row(ids[id(candidate)], full, answer))
            if answer.nearly_blank:
                blank[answer.nearly_blank].append(films[-1].image_id)
    if strict and broken:
        raise InputError(_strict_message(broken, out))
    if not films:
        reasons = ", ".join(f"{n} {r}" for r, n in sorted(Counter(e.reason for e in exclusions).items()))
        raise InputError(f"no film can be used: {reasons}; no manifest was written")
    checks.check_patients(complete, listings, declared)
    checks.check_declared_needed(complete, declared)

    excluded = dict(sorted(Counter((e.source, e.reason) for e in exclusions).items()))
    header = _header(listings, films, excluded, declared, inputs, options)
    manifest = Manifest(films, header)
    write_exclusions(excluded_path(out), exclusions)
    manifest.write(out)
    counts = _counts(manifest, layout_of, set(declared))
    return Ingested(
        out, manifest, counts, excluded, tuple(exclusions), (*_notes(listings), *notes, *_blank_notes(blank))
    )


def _label(
    path: Path | None, listings: Sequence[Listing]
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Apply the labels file; what it adds to the header, and notes."""
    if path is None:
        return {}, {}, []
    read = labels_file.apply(path, listings)
    listings[0].exclusions.extend(read.unmatched)
    listings[0].broken.extend(read.unmatched)
    notes = [f"the labels file changed the label of {read.changed} films"] if read.changed else []
    return {"labels": sha256_file(path)}, {"labels": {"rows": read.rows, "changed": read.changed}}, notes


def _image_ids(candidates: Sequence[Candidate]) -> dict[int, str]:
    """id(candidate) -> image_id. Films that differ in their ending only keep it, all of them."""
    short = {id(c): f"{c.source}/{PurePosixPath(c.relative).with_suffix('')}" for c in candidates}
    shared = {s for s, n in Counter(short.values()).items() if n > 1}
    return {id(c): f"{c.source}/{c.relative}" if short[id(c)] in shared else short[id(c)] for c in candidates}


def _with_dicom_facts(candidate: Candidate, answer: FilmRead) -> Candidate:
    """Fill what the source did not say with what the film's own header says."""
    return replace(
        candidate,
        patient=candidate.patient or answer.patient_id,
        view=candidate.view or answer.view,
        age_group=candidate.age_group or age_group_of(answer.age),
        sex=candidate.sex or sex_of(answer.sex),
    )


def _row(image_id: str, c: Candidate, answer: FilmRead) -> FilmRow:
    prefix = f"{c.source}:"
    patient = c.patient if not c.patient or c.patient.startswith(prefix) else prefix + c.patient
    return FilmRow(
        image_id=image_id,
        patient_id=patient,
        path=str(absolute(c.path)),
        sha256=answer.sha256,
        pixels_sha256=answer.pixels_sha256,
        label=c.label,
        source=c.source,
        source_part=c.source_part,
        view=c.view,
        age_group=c.age_group,
        sex=c.sex,
        width_px=answer.width_px,
        height_px=answer.height_px,
        lung_mask=str(absolute(Path(c.lung_mask))) if c.lung_mask else "",
        container=answer.container,
        stored_as=answer.stored_as,
    )


def _blank_notes(blank: Mapping[str, Sequence[str]]) -> list[str]:
    """A note on films that are nearly blank; they are taken.

    Args:
        blank: Why -> image ids.
    """
    return [
        f"{'1 film is' if len(ids) == 1 else f'{len(ids)} films are'} nearly blank ({why}), such as {ids[0]!r}: worth a look"
        for why, ids in sorted(blank.items())
    ]


def _strict_message(broken: Sequence[Exclusion], out: Path) -> str:
    first = "\n".join(f"  {e.source}: {e.path}: {e.reason}: {e.detail}" for e in sorted(broken, key=str)[:20])
    more = f"\n  ... and {len(broken) - 20} more" if len(broken) > 20 else ""
    state = "stays as it was" if out.exists() else "was not written"
    return f"{len(broken)} films cannot be read, and --strict was given; {out} {state}:\n{first}{more}"


def _header(
    listings: Sequence[Listing],
    films: Sequence[FilmRow],
    excluded: Mapping[tuple[str, str], int],
    declared: Sequence[str],
    inputs: Mapping[str, str],
    options: Mapping[str, Any],
) -> Header:
    of_source: dict[str, list[FilmRow]] = defaultdict(list)
    for f in films:
        of_source[f.source].append(f)
    all_inputs = dict(inputs)
    for name, rows in sorted(of_source.items()):
        all_inputs[f"films of {name}"] = digest(sorted([r.image_id, r.sha256] for r in rows))
    for listing in listings:
        for name, path in sorted(listing.tables.items()):
            all_inputs[f"{listing.source}/{name}"] = sha256_file(path)
    sources: dict[str, Any] = {}
    for x in sorted(listings, key=lambda x: x.source):
        names = {x.source, *(c.source for c in x.candidates)}  # a table may bring names of its own
        reasons = Counter({reason: 0 for _, reason in excluded})
        for (source, reason), n in excluded.items():
            reasons[reason] += n if source in names else 0
        sources[x.source] = {
            "layout": x.layout,
            **x.options,
            "films": sum(len(of_source[name]) for name in names),
            "excluded": {reason: n for reason, n in sorted(reasons.items()) if n},
        }
    return Header(
        "manifest",
        inputs=all_inputs,
        options={"no_patient_ids": list(declared), "sources": sources, **options},
    )


def _counts(manifest: Manifest, layout_of: Mapping[str, str], declared: set[str]) -> tuple[Count, ...]:
    groups: dict[tuple[str, str], list[FilmRow]] = defaultdict(list)
    for f in manifest.films:
        groups[f.source, f.label].append(f)
    return tuple(
        Count(
            source,
            layout_of[source],
            label,
            len(rows),
            None if source in declared else len({r.patient_id for r in rows}),
        )
        for (source, label), rows in sorted(groups.items())
    )


def _notes(listings: Sequence[Listing]) -> list[str]:
    notes: list[str] = []
    for x in listings:
        if joined := x.options.get("patients_joined"):
            groups = "; ".join(" = ".join(g) for g in joined)
            notes.append(f"{x.source}: patient ids that share a film count as one person: {groups}")
        if ignored := x.options.get("ignored_columns"):
            notes.append(f"{x.source}: columns that mean nothing to hilum: {', '.join(ignored)}")
        if basis := x.options.get("age_group_basis"):
            notes.append(f"{x.source}: age group is {basis}")
    return notes

"""Ingest: folders and tables of films become manifest.csv, with a table of everything that was left out and why.

Every film is opened, so a manifest holds only films that decode. A patient id comes from the source, a labels file or a DICOM header; a
source without ids is refused unless it was declared to have none. Nothing is written unless all went well. The output depends on the
films and options, not on the number of workers. Copies and wrong labels are `hilum audit`'s business.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hilum.artifacts.header import header_path
from hilum.artifacts.manifest import Exclusion, FilmRow, Manifest, excluded_path, write_exclusions
from hilum.artifacts.outputs import check_outputs, file_output
from hilum.core.digests import sha256_file
from hilum.core.engine import Engine
from hilum.core.errors import InputError, require_known
from hilum.core.progress import progress
from hilum.core.table_paths import absolute
from hilum.core.text import counted, first_of
from hilum.report.table import Cell, plain_table
from hilum.sources import checks
from hilum.sources import labels as labels_file
from hilum.sources.account import Count, counts_of, header_of, notes_of
from hilum.sources.facts import completed
from hilum.sources.layout import IngestOptions
from hilum.sources.listing import Candidate, Listing
from hilum.sources.patients import without_dummies
from hilum.sources.places import image_ids
from hilum.sources.reading import FilmRead, read_films
from hilum.sources.recognise import list_films, parse_source
from hilum.sources.spelling import one_id_a_patient, one_spelling

_Opened = tuple[str, Candidate, FilmRead]  # image_id, the film with all that is known, what opening it gave
_TOLD = ("label", "source", "source_part", "view", "age_group", "sex", "attributes")
_READ = ("sha256", "pixels_sha256", "width_px", "height_px", "container", "stored_as")
"""Columns of a manifest as the sources and the headers tell them, and as reading the bytes gives them."""


@dataclass(frozen=True)
class Ingested:
    """What an ingest wrote.

    Attributes:
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

    @property
    def n_patients(self) -> int:
        """Patients that are known."""
        return len({f.patient_id for f in self.manifest.films if f.patient_id})

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {
            "manifest": str(self.manifest_path),
            "excluded_table": str(excluded_path(self.manifest_path)),
            "digest": self.manifest.digest,
            "films": len(self.manifest),
            "patients": self.n_patients,
            "counts": [asdict(c) for c in self.counts],
            "excluded": [{"source": s, "reason": reason, "n": n} for (s, reason), n in self.excluded.items()],
            "notes": list(self.notes),
        }

    @property
    def words(self) -> str:
        """For a person: what came in, what was left out, what to read."""
        none = Cell("declared none")
        rows = [
            (c.source, c.layout, c.label, c.films, none if c.patients is None else c.patients)
            for c in self.counts
        ]
        rows.append(("all", "", "", len(self.manifest), self.n_patients or none))
        told = [plain_table("films", ("source", "layout", "label", "films", "patients"), rows).to_text()]
        if self.excluded:
            out = [(*which, n) for which, n in self.excluded.items()]
            out.append(("all", "", sum(self.excluded.values())))
            told.append(f"left out:\n{plain_table('left-out', ('source', 'reason', 'n'), out).to_text()}")
        where = (
            f"{self.manifest_path}: {len(self.manifest)} films; left out: {excluded_path(self.manifest_path)}"
        )
        return "\n\n".join([*told, "\n".join([*(f"note: {n}" for n in self.notes), where])])


def ingest(
    sources: Sequence[str], out: Path, asked: IngestOptions | None = None, engine: Engine | None = None
) -> Ingested:
    """Make a manifest.

    Args:
        sources: Folders or csv files, each PATH or NAME=PATH.
        out: The manifest to write; its header and table of exclusions go beside it.
        asked: What to make of the sources.
        engine: Where films are read; None for this machine.

    Raises:
        InputError: Wrong sources or options; films without patients; unreadable films when `asked.strict`.
    """
    asked = asked or IngestOptions()
    declared = sorted(set(asked.no_patient_ids))
    listings = _listed(sources, out, asked)
    inputs, options, notes = _label(asked.label_files, listings)
    notes += one_spelling(listings)
    checks.check_labels(listings)
    checks.leave_out_links(listings)
    checks.leave_out_views(listings, asked.kept_views)
    checks.check_patients(
        [c for x in listings for c in x.candidates if not checks.may_hold_patient(c)], listings, declared
    )

    layout_of = {c.source: x.layout for x in listings for c in x.candidates}
    kept = _opened(listings, asked.kept_views, engine)
    broken = [e for x in listings for e in x.broken]
    exclusions = [e for x in listings for e in x.exclusions]
    complete, id_notes = one_id_a_patient([c for _, c, _ in kept])
    complete, taken, odd_ids = without_dummies(complete, declared)
    films = [_row(image_id, c, answer) for (image_id, _, answer), c in zip(kept, complete, strict=True)]
    if asked.strict and broken:
        raise InputError(_strict_message(broken, out))
    if not films:
        reasons = ", ".join(f"{n} {r}" for r, n in sorted(Counter(e.reason for e in exclusions).items()))
        raise InputError(f"no film can be used: {reasons}; no manifest was written")
    checks.check_patients(complete, listings, declared)
    checks.check_declared_needed(complete, declared)

    excluded = dict(sorted(Counter((e.source, e.reason) for e in exclusions).items()))
    if odd_ids:
        options["one_id_on_many_films"] = {f"{o.source}:{o.patient}": o.films for o in odd_ids}
    if asked.kept_views is not None:
        options["views"] = list(asked.kept_views)
    manifest = Manifest(films, header_of(listings, films, excluded, declared, inputs, options))
    write_exclusions(excluded_path(out), exclusions)
    manifest.write(out)
    counts = counts_of(manifest, layout_of, set(declared))
    told = (*notes_of(listings, odd_ids, taken), *notes, *id_notes, *_blank_notes(kept))
    return Ingested(out, manifest, counts, excluded, tuple(exclusions), told)


def _listed(sources: Sequence[str], out: Path, asked: IngestOptions) -> list[Listing]:
    """The films of each source, and nothing wrong with names and options."""
    given, labels = [parse_source(s) for s in sources], asked.label_files
    _ = asked.kept_views  # a view that is none is refused before anything is read
    checks.check_options(given, asked.layouts)
    output = file_output(out, "manifest", ".csv", beside=(header_path, excluded_path))
    check_outputs([output], [*(s.path for s in given), *labels])
    own = {p.resolve() for p in (out, header_path(out), excluded_path(out), *labels)}
    listings = [list_films(s, asked, own) for s in given]
    names = checks.source_names(listings)
    checks.check_findings(listings, asked)
    named = {
        "--no-patient-ids": asked.no_patient_ids,
        "--lung-masks": asked.lung_masks,
        "--findings": asked.findings,
    }
    for option, said in named.items():
        for name in sorted(said):
            require_known(name, names, option, " names no source")
    for listing in listings:
        if listing.source in asked.lung_masks:
            listing.take_masks(asked.lung_masks[listing.source])
    checks.check_films_once(listings)
    return listings


def _opened(listings: Sequence[Listing], views: Sequence[str] | None, engine: Engine | None) -> list[_Opened]:
    """Open every film; those that cannot be used are left out."""
    candidates = [(c, x) for x in listings for c in x.candidates]
    if engine and (
        unseen := engine.unseen(list({c.path.parent: absolute(c.path) for c, _ in candidates}.values()))
    ):
        raise InputError("\n".join(unseen))
    ids = image_ids([(c.source, c.relative) for c, _ in candidates])
    kept: list[_Opened] = []
    with progress("ingest", len(candidates)) as step:
        answers = read_films([str(absolute(c.path)) for c, _ in candidates], engine)
        for image_id, (candidate, listing), answer in zip(ids, candidates, answers, strict=True):
            step()
            full, bad = completed(candidate, answer), bool(answer.reason)
            why = (answer.reason, answer.detail) if bad else checks.why_not_view(full.view, views)
            if why:
                listing.leave_out(listing.shown(candidate), *why, broken=bad, source=candidate.source)
            else:
                kept.append((image_id, full, answer))
    return kept


def _label(
    paths: Sequence[Path], listings: Sequence[Listing]
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Apply the labels files; what they add to the header, and notes."""
    inputs, options, notes = {}, {}, []
    for k, path in enumerate(paths):
        name, which = (
            ("labels", "the labels file") if len(paths) == 1 else (f"labels {k + 1}", f"labels file {k + 1}")
        )
        inputs[name] = sha256_file(path)
        options[name] = read = labels_file.apply(path, listings)
        if read["changed"]:
            notes.append(f"{which} changed the label of {counted(read['changed'], 'film')}")
        if n := read.get("left_out", 0):
            notes.append(f"{which} left out {counted(n, 'film')}")
    return inputs, options, notes


def _row(image_id: str, c: Candidate, answer: FilmRead) -> FilmRow:
    prefix = f"{c.source}:"
    patient = c.patient if not c.patient or c.patient.startswith(prefix) else prefix + c.patient
    told = {name: getattr(c, name) for name in _TOLD}
    read = {name: getattr(answer, name) for name in _READ}
    mask = str(absolute(Path(c.lung_mask))) if c.lung_mask else ""
    return FilmRow(image_id, patient, str(absolute(c.path)), lung_mask=mask, **told, **read)


def _blank_notes(kept: Sequence[_Opened]) -> list[str]:
    """A note on films that are nearly blank; they are taken."""
    blank: dict[str, list[str]] = defaultdict(list)
    for image_id, _, answer in kept:
        if answer.nearly_blank:
            blank[answer.nearly_blank].append(image_id)
    return [
        f"{counted(len(ids), 'film is', 'films are')} nearly blank ({why}), such as {ids[0]!r}: worth a look"
        for why, ids in sorted(blank.items())
    ]


def _strict_message(broken: Sequence[Exclusion], out: Path) -> str:
    lines = [f"{e.source}: {e.path}: {e.reason}: {e.detail}" for e in sorted(broken, key=str)]
    state = "stays as it was" if out.exists() else "was not written"
    return f"{counted(len(broken), 'film')} cannot be read, and --strict was given; {out} {state}:\n{first_of(lines)}"

"""`hilum.ingest` and `hilum.audit`: the films of a manifest, and what to know of them before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from hilum.api.view import (
    AnyPath,
    FilmRows,
    Row,
    Table,
    Told,
    View,
    counted,
    fitting,
    path_or_none,
    paths,
    plain_table,
)
from hilum.artifacts.header import read_object
from hilum.artifacts.manifest import COLUMNS, Manifest
from hilum.artifacts.outputs import check_outputs, duplicates_output, folder_output
from hilum.artifacts.split import Split
from hilum.core.engine import engine_named, local
from hilum.core.errors import require_known
from hilum.core.progress import quieted
from hilum.sources.findings import Readers, Uncertain
from hilum.sources.layout import IngestOptions, MooneyPatients
from hilum.study.classes import positive_class

if TYPE_CHECKING:
    from hilum.report.page import Page
    from hilum.stages.ingest import Ingested


class Films(View):
    """The films of ``manifest.csv``.

    >>> films = hilum.load("manifest.csv")
    >>> len(films), films.classes
    (32, ('covid', 'normal'))
    >>> films.films(label="covid")[0]["image_id"]
    'clinic/covid/0'
    """

    made: Ingested | None

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest itself."""
        return self.made.manifest if self.made else Manifest.read(self.path)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that there are."""
        return tuple(self.manifest.count_by("label"))

    def rows(self) -> list[Row]:
        """A row a film: every column of the manifest, its own attributes too."""
        columns = (*COLUMNS, *self.manifest.attributes)
        return [{c: f.value(c) for c in columns} for f in self.manifest.films]

    def films(self, **columns: Any) -> FilmRows:
        """Films that fit: ``source="mooney"``, ``label=["covid", "normal"]``, ``age=">=18"``; `truth` is their label."""
        fits = fitting(columns, self.manifest)
        own = [c for c in columns if c not in ("source", "label")]
        rows = (
            {"image_id": f.image_id, "path": f.path, "source": f.source, "truth": f.label}
            | {c: f.value(c) for c in own}
            for f in self.manifest.films
            if fits(f)
        )
        return FilmRows("Films", rows)

    def told(self) -> Told:
        m = self.manifest
        patients = len({f.patient_id for f in m.films if f.patient_id})
        sentence = f"{counted(len(m), 'film')}, {counted(patients, 'known patient')}"
        return Told(f"Manifest {self.path.name}", sentence, synthetic=bool(m.header.options.get("synthetic")))

    def table(self) -> Table:
        """Films by source and class."""
        films, labels = self.manifest.films, self.classes
        rows = [
            (s, *(sum(f.source == s and f.label == c for f in films) for c in labels), n)
            for s, n in self.manifest.count_by("source").items()
        ]
        return plain_table("films", ("source", *labels, "all"), rows)

    def __len__(self) -> int:
        return len(self.manifest)


def ingest(
    sources: AnyPath | Sequence[AnyPath] | Mapping[str, AnyPath],
    out: AnyPath,
    *,
    no_patient_ids: Sequence[str] = (),
    labels: AnyPath | Sequence[AnyPath] = (),
    layout: Mapping[str, str] | None = None,
    lung_masks: Mapping[str, AnyPath] | None = None,
    mooney_patients: str = "number",
    views: Sequence[str] = (),
    findings: Mapping[str, Mapping[str, str]] | None = None,
    uncertain: str = "ignore",
    readers: str = "majority",
    strict: bool = False,
    quiet: bool = False,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
) -> Films:
    """Make ``manifest.csv`` from folders and tables of films, as `hilum ingest` does.

    >>> films = hilum.ingest({"clinic": "films"}, "all.csv", no_patient_ids=["clinic"], quiet=True, workers=0)
    >>> print(films)
    Manifest all.csv: 32 films, 0 known patients
    source  covid  normal  all
    ------- ------ ------- ---
    clinic     16      16   32

    Args:
        sources: Folders of films, or csv files: a path, several, or a path by the source's name.
        out: The manifest to write.
        no_patient_ids: Sources that have no patient ids.
        labels: A csv with path (or image_id), label, patient_id for films of any source, or several: what a later one says goes first.
        layout: Source -> its layout, where it is not to be recognised.
        lung_masks: Source -> folder of its lung masks.
        mooney_patients: ``number`` or ``number-and-class``.
        views: Views to keep; none for frontal ones and those whose view nobody tells.
        findings: Source -> finding -> class, for public sets whose own mapping is not wanted: ``{"nih": {"mass": "mass"}}``.
        uncertain: ``positive``, ``negative`` or ``ignore``.
        readers: ``majority``, ``any`` or ``each``.
        strict: Refuse when any film cannot be read.
        quiet: No progress.
        engine: Where films are read: ``local`` or ``ray``. Results do not depend on it.
        address: Of a Ray cluster, ``HOST:PORT`` or ``auto``; None for a Ray of this call's own, on this machine.
        workers: Processes; None for all cores. Results do not depend on it.
    """
    from hilum.stages.ingest import ingest as ingest_films  # late: the decoders take a while to import

    for option, value, kind in (
        ("--mooney-patients", mooney_patients, MooneyPatients),
        ("--uncertain", uncertain, Uncertain),
        ("--readers", readers, Readers),
    ):
        require_known(value, get_args(kind), f"unknown {option}")
    asked = IngestOptions(
        no_patient_ids,
        paths(labels),
        layout or {},
        cast(MooneyPatients, mooney_patients),
        views,
        strict,
        {n: Path(p) for n, p in (lung_masks or {}).items()},
        findings or {},
        cast(Uncertain, uncertain),
        cast(Readers, readers),
    )
    named = (
        [f"{name}={Path(p)}" for name, p in sources.items()]
        if isinstance(sources, Mapping)
        else [str(p) for p in paths(sources)]
    )
    with quieted(quiet), closing(engine_named(engine, workers, address)) as where:
        done = ingest_films(named, Path(out), asked, where)
    return Films(done.manifest_path, done)


class Audit(View):
    """What an audit found (``audit.json``): `rows` are its findings, the gravest first."""

    page_name = "audit.html"
    columns = ("severity", "code", "count", "text", "reason")

    @cached_property
    def findings(self) -> dict[str, Any]:
        """All of audit.json."""
        return read_object(self.path)

    @cached_property
    def page(self) -> Page:
        """What audit.html says, without its pictures."""
        from hilum.report.audit_page import audit_page

        return audit_page(self.findings)

    def rows(self) -> list[Row]:
        """A row a finding: code, severity, count, text, accepted, reason."""
        return [dict(f) for f in self.findings["findings"]]

    def told(self) -> Told:
        return Told("Audit", self.page.sentence)


def audit(
    manifest: AnyPath,
    out: AnyPath,
    *,
    duplicates: AnyPath | None = None,
    workers: int | None = None,
    labels: str = "shape",
    allow: Sequence[str] = (),
    quiet: bool = False,
    split: AnyPath | None = None,
    positive: str | None = None,
    seed: int = 0,
) -> Audit:
    """Look for copies, conflicts, leaks, shortcuts, odd films and doubtful labels, as `hilum audit` does.

    >>> audit = hilum.audit("manifest.csv", "audit", quiet=True, labels="none", workers=0)
    >>> audit.findings["positive"], sorted(audit.rows()[0])
    ('covid', ['accepted', 'code', 'count', 'reason', 'severity', 'text'])

    Args:
        manifest: ``manifest.csv``.
        out: Folder for audit.json, audit.html and tables.
        duplicates: Table of copies to read, or to make where it is not there.
        workers: Processes; None for all cores. Results do not depend on it.
        labels: What doubts labels: ``shape``, a backbone's name, or ``none``.
        allow: Findings that are accepted: ``CODE[:FILM][=REASON]``.
        quiet: No progress.
        split: ``split.json`` to check for leaks.
        positive: The positive class; None for the usual one.
        seed: Of all that is drawn.
    """
    manifest, out, copies = Path(manifest), Path(out), path_or_none(duplicates)
    made, read = duplicates_output(copies)
    names = ("audit.json", "audit.html", *(() if copies else ("duplicates.json",)))
    check_outputs([folder_output(out, "audit", *names), *made], [manifest, *paths(split), *read])
    from hilum.report.audit_findings import accepted  # late: scikit-learn and decoders
    from hilum.stages.audit import audit as audit_films
    from hilum.stages.audit import write_audit
    from hilum.stages.audit.labels import check_labels
    from hilum.stages.duplicates import known_duplicates

    with quieted(quiet):
        films = Manifest.read(manifest)
        positive = positive_class(positive, films.count_by("label"), str(manifest))
        check_labels(labels)
        allowed = accepted(allow, "--allow", films.by_id)
        parts = Split.read(Path(split)) if split is not None else None
        engine = local(workers)
        found = known_duplicates(films, engine, copies)
        if copies is None:
            found.write(out / "duplicates.json")
        findings = audit_films(films, found, parts, positive, seed, engine, labels, allowed)
        write_audit(findings, out, f"Audit of {manifest.name}", films)
    return Audit(out / "audit.json")

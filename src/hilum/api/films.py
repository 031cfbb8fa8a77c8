"""`hilum.ingest`, and the films of a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from hilum.api.view import AnyPath, FilmRows, Row, View, fitting
from hilum.artifacts.manifest import COLUMNS, Manifest
from hilum.core.engine import local
from hilum.core.errors import require_known
from hilum.core.progress import quieted
from hilum.sources.layout import IngestOptions, MooneyPatients

if TYPE_CHECKING:
    from hilum.report.table import Table
    from hilum.report.view import Told
    from hilum.stages.ingest import Ingested


@dataclass(frozen=True, repr=False)
class Films(View):
    """The films of ``manifest.csv``.

    >>> films = hilum.load("manifest.csv")
    >>> len(films), films.classes
    (32, ('covid', 'normal'))
    >>> films.films(label="covid")[0]["image_id"]
    'clinic/covid/0'

    Attributes:
        ingested: What `hilum.ingest` did; None for films that were loaded.
    """

    ingested: Ingested | None = field(default=None, compare=False)

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest itself."""
        return self.ingested.manifest if self.ingested else Manifest.read(self.path)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that there are."""
        return tuple(self.manifest.count_by("label"))

    def rows(self) -> list[Row]:
        """A row a film: every column of the manifest, its own attributes too."""
        columns = (*COLUMNS, *self.manifest.attributes)
        return [{c: f.value(c) for c in columns} for f in self.manifest.films]

    def films(self, **columns: Any) -> FilmRows:
        """Films that fit: ``source="mooney"``, ``label=["covid", "normal"]``, ``age=">=18"``; `truth` is their label.

        Raises:
            InputError: An unknown column, or a value that no film has.
        """
        fits = fitting(columns, self.manifest)
        own = [c for c in columns if c not in ("source", "label")]
        rows = [
            {"image_id": f.image_id, "path": f.path, "source": f.source, "truth": f.label}
            | {c: f.value(c) for c in own}
            for f in self.manifest.films
            if fits(f)
        ]
        return FilmRows("Films", rows)

    def told(self) -> Told:
        """How many films, and whose."""
        from hilum.report.numbers import counted
        from hilum.report.view import Told

        m = self.manifest
        patients = len({f.patient_id for f in m.films if f.patient_id})
        sentence = f"{counted(len(m), 'film')}, {counted(patients, 'known patient')}"
        return Told(f"Manifest {self.path.name}", sentence, synthetic=bool(m.header.options.get("synthetic")))

    def table(self) -> Table:
        """Films by source and class."""
        from hilum.report.table import plain_table

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
    strict: bool = False,
    quiet: bool = False,
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
        strict: Refuse when any film cannot be read.
        quiet: No progress.
        workers: Processes; None for all cores. Results do not depend on it.

    Raises:
        InputError: A source that cannot be read, or patients that are neither given nor declared absent.
    """
    from hilum.stages.ingest import ingest as ingest_films  # late: the decoders take a while to import

    require_known(mooney_patients, get_args(MooneyPatients), "unknown --mooney-patients")
    asked = IngestOptions(
        no_patient_ids,
        [Path(p) for p in ([labels] if isinstance(labels, str | PathLike) else labels)],
        dict(layout or {}),
        cast(MooneyPatients, mooney_patients),
        views,
        strict,
        {n: Path(p) for n, p in (lung_masks or {}).items()},
    )
    if isinstance(sources, Mapping):
        named = [f"{name}={Path(p)}" for name, p in sources.items()]
    else:
        named = [str(p) for p in ([sources] if isinstance(sources, str | PathLike) else sources)]
    with quieted(quiet):
        done = ingest_films(named, Path(out), asked, local(workers))
    return Films(done.manifest_path, done)

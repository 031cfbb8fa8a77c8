"""Everything in a workspace that has a name or a version, and how to show it.

A version is found by its first digits. What is dear to read (splits, tables of copies) is looked at only when nothing else fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hilum.artifacts.bundle import bundle_version
from hilum.artifacts.features import FeatureSpec
from hilum.artifacts.header import header_path, written_digest
from hilum.artifacts.lineage import Artefact
from hilum.artifacts.run import RECORD, RunRecord
from hilum.artifacts.run_files import MANIFEST, STATISTICS, MlflowNote
from hilum.artifacts.suite_record import SUITE
from hilum.artifacts.trial_files import CELLS
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import InputError
from hilum.lineage import studies
from hilum.lineage.inputs import SOUGHT
from hilum.lineage.noun import run_version
from hilum.lineage.surroundings import Surroundings
from hilum.studies import shipped as shipped_studies
from hilum.study.keys import study_digest


class Entry(NamedTuple):
    """Something that can be shown.

    Attributes:
        kind: As in `Artefact`.
        name: What it is called.
        version: Its digest; that of a run is the end of its folder's name.
        show: Its path, or what gives the artefact.
    """

    kind: str
    name: str
    version: str
    show: Path | Callable[[], Artefact]


def shipped() -> Iterator[Entry]:
    """Pipelines and studies that come with hilum."""
    for name in PRESETS:
        p = preset(name)
        yield Entry("pipeline", name, p.digest, partial(studies.pipeline, p.to_dict(), "ships with hilum"))
    for name, path in shipped_studies().items():
        found = studies.toml(path)
        yield Entry(found.kind, name, found.version, partial(studies.toml, path))


def of_workspace(around: Surroundings) -> Iterator[Entry]:
    """What the runs of a workspace hold, as far as it is quick to read."""
    for path in around.below_root(f"runs/*/{SUITE}"):
        yield Entry("paper", path.parent.name, run_version(path.parent), path.parent)
    for run in around.runs():
        yield Entry("run", run.name, run_version(run), run)
        # one torn run must not hide the others; to show it says what is wrong with it
        with suppress(InputError, KeyError):
            yield from list(_of_run(run))
    for path in around.below_root("features/*/spec.json"):
        yield Entry("features", path.parent.name, FeatureSpec.read(path.parent)[0].digest, path.parent)
    for path in around.of_kind(*SOUGHT["bundle"][:2]):
        folder = path.parent
        yield Entry("bundle", folder.parent.name, bundle_version(folder), folder)


def _of_run(run: Path) -> Iterator[Entry]:
    where = str(run / RECORD)
    record = RunRecord.read(run / RECORD)
    yield Entry("manifest", MANIFEST, record.manifest_digest, run / MANIFEST)
    table = record.study
    if "grid" in table and "data" in table:
        yield Entry("study", record.name, study_digest(table), partial(studies.study, table, where))
    for name, p in record.pipelines.items():
        yield Entry("pipeline", name, Pipeline.from_dict(p).digest, partial(studies.pipeline, p, where))
    for kind in ("policy", "loss"):
        for name, t in record.table(kind).items():
            yield Entry(kind, name, digest(t), partial(Artefact, kind, name, digest(t), where, t))
    for cell in record.cells:
        yield Entry("cell", cell.name, "", run / CELLS / cell.name)
    written = (run / STATISTICS, run / "report.html", *sorted(run.glob("cells/*/trial-*/predictions.csv")))
    for path in written:
        if header_path(path).is_file():
            yield Entry(path.stem, path.name, written_digest(path), path)
    if note := MlflowNote.of(run):
        for key, run_id in note.runs.items():
            yield Entry("trial", run_id, run_id, run / CELLS / key.partition("/")[2])


def dear(around: Surroundings) -> Iterator[Entry]:
    """What takes longer to read: splits, tables of copies, and runs by the digest of run.json."""
    for kind in ("split", "duplicates"):
        for path in around.of_kind(*SOUGHT[kind][:2]):
            yield Entry(kind, path.stem, SOUGHT[kind][2](path), path)
    for run in around.runs():
        yield Entry("run", run.name, sha256_file(run / RECORD), run)

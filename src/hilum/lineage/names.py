"""Everything in a workspace that has a name or a version, and how to show it.

A version is found by its first digits. What is dear to read (splits, tables of copies) is looked at only when nothing else fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FEATURES
from hilum.artifacts.header import header_path, read_json
from hilum.artifacts.lineage import Artefact, bundle_version
from hilum.artifacts.run import NAME, RunRecord
from hilum.artifacts.run_files import MANIFEST, STATISTICS, MlflowNote
from hilum.artifacts.split import read_split
from hilum.artifacts.suite_record import NAME as SUITE
from hilum.artifacts.trial_files import CELLS
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import InputError
from hilum.lineage import studies
from hilum.lineage.surroundings import Surroundings
from hilum.study.keys import study_digest


@dataclass(frozen=True)
class Entry:
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
        table = preset(name).to_dict()
        yield Entry(
            "pipeline", name, preset(name).digest, partial(studies.pipeline, table, "ships with hilum")
        )
    root = Path(str(files("hilum.studies")))
    for path in sorted(root.rglob("*.toml")):
        name = path.relative_to(root).with_suffix("").as_posix()
        found = studies.toml(path)
        yield Entry(found.kind, name, found.version, partial(studies.toml, path))


def of_workspace(around: Surroundings) -> Iterator[Entry]:
    """What the runs of a workspace hold, as far as it is quick to read."""
    root = around.root
    papers = sorted(root.glob(f"runs/*/{SUITE}")) if root else []
    for path in papers:
        yield Entry("paper", path.parent.name, path.parent.name.rpartition("-")[2], path.parent)
    for run in around.runs():
        yield Entry("run", run.name, run.name.rpartition("-")[2], run)
        with suppress(
            InputError, KeyError
        ):  # one torn run must not hide the others; to show it says what is wrong with it
            yield from list(_of_run(run))
    for path in sorted(root.glob("features/*/spec.json")) if root else []:
        yield Entry("features", path.parent.name, FEATURES.digest(read_json(path)["spec"]), path.parent)
    for bundle in around.bundles():
        yield Entry("bundle", str(bundle.parent.name), bundle_version(bundle), bundle)


def _of_run(run: Path) -> Iterator[Entry]:
    where = str(run / NAME)
    record = RunRecord.read(run / NAME)
    yield Entry("manifest", MANIFEST, record.manifest_digest, run / MANIFEST)
    table = record.study
    if "grid" in table and "data" in table:
        yield Entry("study", record.name, study_digest(table), partial(studies.study, table, where))
    for name, p in record.pipelines.items():
        yield Entry("pipeline", name, Pipeline.from_dict(p).digest, partial(studies.pipeline, p, where))
    for kind in ("policy", "loss"):
        for name, t in record.table(kind).items():
            yield Entry(kind, name, digest(t), partial(studies.named_table, kind, name, t, where))
    for cell in record.cells:
        yield Entry("cell", cell.name, "", run / CELLS / cell.name)
    paths = [
        run / STATISTICS,
        run / "report.html",
        *sorted(run.glob("cells/*/trial-*/predictions.csv")),
    ]
    for path in paths:
        if header_path(path).is_file():
            yield Entry(path.stem, path.name, str(read_json(header_path(path)).get("csv_sha256", "")), path)
    if note := MlflowNote.of_run(run):
        for key, run_id in note.runs.items():
            yield Entry("trial", run_id, run_id, run / CELLS / key.partition("/")[2])


def dear(around: Surroundings) -> Iterator[Entry]:
    """What takes longer to read: splits, tables of copies, and runs by the digest of run.json."""
    for path in around.splits():
        yield Entry("split", path.stem, read_split(path).digest, path)
    for path in around.duplicates():
        yield Entry("duplicates", path.stem, around.once(path, Duplicates.read).digest, path)
    for run in around.runs():
        yield Entry("run", run.name, sha256_file(run / NAME), run)

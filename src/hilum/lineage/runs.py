"""Runs, and what a run says in the end: statistics and report; and suites of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hilum.artifacts.header import header_path, read_json
from hilum.artifacts.lineage import SHOWN, Artefact, Link, compared
from hilum.artifacts.run import NAME, RunRecord, is_run
from hilum.artifacts.run_files import COMPARISONS, STATISTICS, MlflowNote
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.suite_record import SuiteRecord
from hilum.artifacts.trial_files import CELLS
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import InputError
from hilum.lineage import studies
from hilum.lineage.films import FilmReader
from hilum.lineage.models import ModelReader, trial_state
from hilum.study.faults import unsafe_among


class RunReader:
    """Reads runs and their results.

    Args:
        films: Reads manifests and splits.
        models: Reads trials.
    """

    def __init__(self, films: FilmReader, models: ModelReader) -> None:
        self.films = films
        self.models = models

    def run(self, folder: Path) -> Artefact:
        """A run: its study, films, splits and trials, each compared with what run.json recorded."""
        f = RunFolder(folder)
        r = f.record
        facts: dict[str, Any] = {"title": r.title, "command": r.command}
        facts |= {"cells": [c.name for c in f.cells], "trials": f.n_trials}
        facts["pipelines"] = {n: Pipeline.from_dict(t).digest[:SHOWN] for n, t in r.pipelines.items()}
        said = {
            "precision": r.precision,
            "machine": r.machine,
            "versions": r.versions,
            "warnings": r.warnings,
        }
        facts |= {k: v for k, v in said.items() if v}
        unsafe = sorted({s for c in f.cells for s in unsafe_among(c.switches)})
        if unsafe:
            facts["UNSAFE"] = ", ".join(unsafe)
        if note := MlflowNote.of_run(folder):
            facts["recorded in MLflow"] = note.store
        links = [self._study(r, folder, r.study_digest), self.films.find_manifest(r.manifest_digest)]
        links += [self._trials(f), *self._results(folder)]
        return Artefact(
            "run",
            folder.name,
            folder.name.rpartition("-")[2],
            str(folder),
            facts,
            r.header.to_dict(),
            tuple(links),
        )

    def _study(self, run: RunRecord, folder: Path, recorded: str) -> Link:
        if "grid" not in run.study:
            return Link("study", recorded, "missing", "run.json does not hold the study")
        found = studies.study(run.study, str(folder / NAME))
        return compared("study", recorded, found.version, "", found)

    def _trials(self, folder: RunFolder) -> Link:
        """All trials in one line: each bundle's weights and each csv as they were written, and of one another."""
        role = f"{len(folder.cells) * folder.n_trials} trials"
        bad = []
        for cell, trial in folder.units():
            links = trial_state(folder.folder(cell, trial))
            name = f"{cell.name}/trial-{trial}"
            if len(links) < 2:
                bad.append(("missing", f"{name} has no bundle or no predictions"))
            bad += [(x.state, f"{name}: {x.role} {x.why}".strip()) for x in links if x.state != "verified"]
        if not bad:
            return Link(role, digest(folder.prediction_digests()), "verified")
        state: Any = "changed" if any(s == "changed" for s, _ in bad) else "missing"
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        return Link(role, "", state, bad[0][1] + more)

    def _results(self, folder: Path) -> list[Link]:
        found = []
        for name in (STATISTICS, COMPARISONS, "report.html"):
            path = folder / name
            if path.is_file() and header_path(path).is_file():
                recorded = str(read_json(header_path(path))["csv_sha256"])
                found.append(compared(name, recorded, sha256_file(path), ""))
            elif name != COMPARISONS:
                found.append(
                    Link(
                        name, "", "missing", "the run is not finished; `hilum run` of the same study goes on"
                    )
                )
        return found

    def cell(self, folder: Path) -> Artefact:
        """A cell: its factors and its trials."""
        run = RunFolder(folder.parent.parent)
        cell = next((c for c in run.cells if c.name == folder.name), None)
        if cell is None:
            raise InputError(f"{folder}: run.json of {run.path.name} has no such cell")
        facts = {
            **cell.factors,
            "weights": cell.weights,
            "finetuned": cell.finetuned,
            "faults on": list(cell.switches),
        }
        links = []
        for trial in run.trials:
            states = trial_state(run.folder(cell, trial))
            worst = next((x for x in states if x.state != "verified"), None)
            recorded = states[0].recorded if states else ""
            if not states:
                links.append(Link(f"trial-{trial}", "", "missing", "it has no bundle and no predictions"))
            else:
                links.append(
                    Link(
                        f"trial-{trial}",
                        recorded,
                        worst.state if worst else "verified",
                        worst.why if worst else "",
                    )
                )
        links.append(Link("run", run.path.name.rpartition("-")[2], "verified", artefact=self.run(run.path)))
        return Artefact(
            "cell", folder.name, digest([x.recorded for x in links]), str(folder), facts, None, tuple(links)
        )

    def statistics(self, path: Path) -> Artefact:
        """Statistics, comparisons or an evaluation: the predictions they were computed from, and all below."""
        beside = header_path(path)
        whole = read_json(beside) if beside.is_file() else read_json(path)
        header = whole.get("header") if isinstance(whole, dict) else None
        kind = str(header["kind"]) if header else "statistics"
        values = read_json(path)
        facts: dict[str, Any] = {"rows": len(values)} if isinstance(values, list) else {}
        if header is None:
            facts["provenance"] = "unknown"
            return Artefact(kind, path.name, sha256_file(path), str(path), facts)
        links = []
        if "csv_sha256" in whole:
            links.append(compared("the file as written", whole["csv_sha256"], sha256_file(path), ""))
        links += [self._result_input(role, str(v), path) for role, v in header["inputs"].items()]
        return Artefact(kind, path.name, sha256_file(path), str(path), facts, header, tuple(links))

    def _result_input(self, role: str, recorded: str, path: Path) -> Link:
        if role == "manifest":
            return self.films.find_manifest(recorded)
        if role == "split":
            return self.films.find_split(recorded)
        if role == "duplicates":
            return self.films.find_duplicates(recorded)
        run = RunFolder(path.parent) if is_run(path.parent) else None
        if run is None:
            return self._beside(role, recorded, path)
        if role == "study":
            return self._study(run.record, run.path, recorded)
        if role == "splits":
            return compared(role, recorded, run.splits_digest(), "")
        if role == "predictions":
            found = digest(run.prediction_digests())
            cells = run.path / CELLS
            facts = {"go on with": f"hilum show {cells / run.cells[0].name / 'trial-1'}"}
            trials = Artefact("trials", "of all cells", found, str(cells), facts, inputs=(self._trials(run),))
            return compared(role, recorded, found, "", trials)
        if role == "operating_points":
            return compared(role, recorded, digest([run.operating_point(c, t) for c, t in run.units()]), "")
        return self._beside(role, recorded, path)

    def _beside(self, role: str, recorded: str, path: Path) -> Link:
        """An input that is a file: the one of that name, else any beside with that digest."""
        named = path.parent / role
        if named.is_file():
            return compared(role, recorded, sha256_file(named), "")
        other = next((run for run in self.films.around.runs() if run.name == role), None)
        if other is not None:  # comparisons of runs name them, with the digest of what was compared
            f = RunFolder(other)
            return compared(
                role, recorded, digest([f.record.study_digest, f.prediction_digests()]), "", self.run(other)
            )
        for csv in sorted(path.parent.glob("*.csv")):
            if sha256_file(csv) == recorded:
                found = self.models.predictions(csv) if role == "predictions" else None
                return Link(role, recorded, "verified", artefact=found)
        if role == "predictions":
            return Link(role, recorded, "missing", f"no csv in {path.parent} has this digest")
        return Link(role, recorded, "unchecked", "hilum knows no way to find it again")

    def report(self, path: Path) -> Artefact:
        """A report: the files that it was written from, and the tables and figures that belong to it."""
        beside = read_json(header_path(path))
        header = beside["header"]
        outputs = header["options"].get("outputs", {})
        intact = sum(
            (path.parent / n).is_file() and sha256_file(path.parent / n) == d for n, d in outputs.items()
        )
        facts = {"tables and figures": f"{intact} of {len(outputs)} as they were written"}
        links = [compared("the page as written", beside["csv_sha256"], sha256_file(path), "")]
        for role, recorded in header["inputs"].items():
            if role == STATISTICS and (path.parent / role).is_file():
                found = self.statistics(path.parent / role)
                links.append(compared(role, recorded, found.version, "", found))
            elif (path.parent / role).is_file() or "." in role:
                there = path.parent / role
                links.append(
                    compared(role, recorded, sha256_file(there) if there.is_file() else None, "no such file")
                )
            else:
                links.append(Link(role, recorded, "unchecked", "compared when the report is written again"))
        shown = {**header, "options": {}}
        return Artefact("report", path.name, sha256_file(path), str(path), facts, shown, tuple(links))

    def paper(self, folder: Path) -> Artefact:
        """A suite of runs."""
        suite = SuiteRecord.read(folder)
        links = []
        for m in suite.members:
            there = folder.parent / m.run
            if is_run(there):
                links.append(
                    Link(m.study, there.name.rpartition("-")[2], "verified", artefact=self.run(there))
                )
            else:
                links.append(Link(m.study, m.run, "missing", f"no run {m.run} beside it"))
        facts = {"title": suite.title, "command": suite.command}
        version = folder.name.rpartition("-")[2]
        return Artefact(
            "paper", folder.name, version, str(folder), facts, suite.header.to_dict(), tuple(links)
        )

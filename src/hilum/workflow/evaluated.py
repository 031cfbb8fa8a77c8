"""A run's folder evaluated and reported: as it is, or finding by finding and then as a whole where a film has several."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.finding_runs import finding_folder
from hilum.artifacts.run_folder import RunFolder
from hilum.core.engine import Engine
from hilum.report.evaluated import BesideOf, nothing
from hilum.stages.evaluate import HERE, evaluate_run
from hilum.stages.evaluate_findings import evaluate_findings
from hilum.stages.findings import write_finding_runs
from hilum.stages.report import write_report
from hilum.study.several_findings import MULTILABEL


def evaluated(run_dir: Path, n_resamples: int | None = None, engine: Engine = HERE) -> bool:
    """Evaluate a run's folder on an engine; gives whether anything was written.

    Raises:
        InputError: Something is missing or malformed.
        DigestError: The folder mixes artefacts of different runs.
    """
    folder = RunFolder(run_dir)
    if folder.task != MULTILABEL:
        return evaluate_run(run_dir, n_resamples, engine)
    write_finding_runs(run_dir)
    done = [evaluate_run(finding_folder(run_dir, f), n_resamples, engine) for f in folder.classes]
    return any([*done, evaluate_findings(run_dir, n_resamples)])


def reported(run_dir: Path, beside_of: BesideOf = nothing) -> Path:
    """Write the report of a run's folder that was evaluated, of several findings a page each too; gives the path of ``report.html``.

    Raises:
        InputError: Something is missing or malformed.
        DigestError: The statistics are of other predictions, or the folder mixes two runs.
    """
    folder = RunFolder(run_dir)
    if folder.task != MULTILABEL:
        return write_report(run_dir, beside_of)
    for finding in folder.classes:
        write_report(finding_folder(run_dir, finding))
    return write_report(run_dir)

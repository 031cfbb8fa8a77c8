"""Run a study: what stands in the way is said, what is to be settled is settled, and then its steps are walked (`hilum.workflow.steps`).

Nothing is kept in memory that a killed run would miss.
"""

from __future__ import annotations

import time
from pathlib import Path

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run_files import SPLITS, StageLine
from hilum.core.engine import Engine
from hilum.core.memory import watch_memory
from hilum.core.progress import say
from hilum.report.numbers import counted
from hilum.study.file import Study
from hilum.workflow.asked import Asked
from hilum.workflow.checks import findings, refuse
from hilum.workflow.finished import note_finished
from hilum.workflow.plan import cells, recipes
from hilum.workflow.state import choose_weights, open_run
from hilum.workflow.steps import STEPS, Work, walk
from hilum.workflow.workspace import Workspace


def run_study(
    study: Study, manifest_path: Path, root: Path, engine: Engine, command: str
) -> tuple[Path, list[StageLine]]:
    """Do all of a study.

    Args:
        study: Checked study.
        manifest_path: manifest.csv.
        root: The workspace.
        engine: Where the tasks of the stages run; the results do not depend on it.
        command: What the user typed, for the report.

    Returns:
        The report's path, and a line a stage.

    Raises:
        InputError: Something stands in the way: all of it, before the first film is read (`hilum.workflow.checks`).
    """
    with watch_memory() as peak:
        start = time.perf_counter()
        whole = Manifest.read(manifest_path)
        asked = Asked(study, whole, Workspace(root), engine)
        refuse(findings(asked))
        as_read = study
        study, planned = asked.study, recipes(asked.study)
        weights = choose_weights(study, planned)
        run = open_run(study, planned, whole, Workspace(root), engine, weights)
        say(
            f"study {study.name}: {len(run.manifest)} films, {counted(len(cells(study)), 'cell')} x "
            f"{counted(study.grid.trials, 'trial')}, in {run.folder}"
        )
        work = Work(run, whole, manifest_path, run.folder / SPLITS, run.folder, command, peak, start)
        walk(STEPS, work)
    files = [w.path for w in weights.values() if w.path is not None]
    note_finished(as_read, manifest_path, run.workspace.root, run.folder, files, run.lines)
    return run.folder / "report.html", run.lines

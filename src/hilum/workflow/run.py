"""Run a study: what stands in the way is said, what is to be settled is settled, and then its steps are walked (`hilum.workflow.steps`).

Nothing is kept in memory that a killed run would miss.
"""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run_files import StageLine, add_stages
from hilum.core.engine import Engine
from hilum.core.kept_processes import kept_processes
from hilum.core.memory import watch_memory
from hilum.core.mirror import mirror_of
from hilum.core.progress import say
from hilum.imaging.kept_films import keep_films
from hilum.report.numbers import counted
from hilum.study.file import Study
from hilum.workflow.checks import concerns, refuse
from hilum.workflow.ensembles import ensembles_of
from hilum.workflow.finished import note_finished
from hilum.workflow.machine_checks import films_of_folders
from hilum.workflow.state import Run
from hilum.workflow.steps import STEPS, walk
from hilum.workflow.workspace import Workspace


@kept_processes()
def run_study(
    study: Study, manifest_path: Path, root: Path, engine: Engine, command: str
) -> tuple[Path, list[StageLine]]:
    """Run a study from its films to its report.

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
        run = Run(
            study, Manifest.read(manifest_path), Workspace(root), engine, manifest_path, command, peak=peak
        )
        refuse(concerns(run))
        _share_films(run)
        say(
            f"study {study.name}: {len(run.films)} films, {counted(len(run.recipes) + len(ensembles_of(run)), 'cell')} x "
            f"{counted(study.grid.trials, 'trial')}, in {run.folder}"
        )
        walk(STEPS, run)
    add_stages(run.folder, run.lines)
    note_finished(run)
    return run.folder / "report.html", run.lines


def _share_films(run: Run) -> None:
    """Put the films at the address of the workspace, where tasks run on machines that do not see their folders."""
    if mirror_of(run.workspace.root) is not None and run.engine.unseen(films_of_folders(run)):
        n = keep_films(run.films.films, run.workspace.root)
        say(f"{counted(n, 'film')} put at the workspace's address, for machines that do not see their folder")

"""The search of a run: which films each cell's trainings see, and what becomes of what was chosen.

A cell is searched once, on the films of its trial 1, and all of its trials are trained with what was chosen. So no film that is tested in
any of them may be among these (`LearningFilms.of`). A search that the run's folder has is taken as it is; one of the same trainings in the
workspace is found by digest.
"""

from __future__ import annotations

from dataclasses import replace

from hilum.artifacts.drawn_films import drawn_path
from hilum.artifacts.learning_films import LearningFilms
from hilum.artifacts.run_files import StageLine
from hilum.artifacts.search import SEARCHES, Search, search_path, searches_of
from hilum.core.digests import SHORT
from hilum.core.mirror import at_hand
from hilum.core.progress import progress
from hilum.core.seeding import key_entropy
from hilum.stages.search import CellSearch, search
from hilum.stages.train import train_head
from hilum.training.task import TrainTask
from hilum.workflow.plan import Recipe
from hilum.workflow.searched import all_with_chosen, folds_of, searched
from hilum.workflow.state import Run
from hilum.workflow.trials import plan_trial

_FIRST = 1
"""The trial whose films a search sees."""


def search_values(run: Run) -> None:
    """Search what the study asks for, and put what was chosen into the recipes of its cells."""
    cells = searched(run.study, run.recipes)
    with run.stage("search") as line:
        found = searches_of(run.folder, [r.cell.name for r in cells])
        todo = [r for r in cells if r.cell.name not in found]
        found |= _searched(run, {r.cell.name: cell_search(run, r) for r in todo}, line)
        for name, of_cell in found.items():
            if not search_path(run.folder, name).is_file():
                of_cell.write(search_path(run.folder, name))
    run.recipes = all_with_chosen(run.recipes, found)


def _searched(run: Run, asked: dict[str, CellSearch], line: StageLine) -> dict[str, Search]:
    """Searches of the workspace by what they depend on, done where they are not there; trainings are counted."""
    paths = {name: at_hand(run.workspace.searches / f"{a.key[:SHORT]}.json") for name, a in asked.items()}
    new = {paths[name]: a for name, a in asked.items() if not paths[name].is_file()}
    n = sum(a.table.trials * len(a.tasks) for a in new.values())
    line.found = sum(a.table.trials * len(a.tasks) for a in asked.values()) - n
    if new:
        with progress("search", n, "trainings") as step:
            for path, result in zip(
                new, search(list(new.values()), train_head, run.engine, step), strict=True
            ):
                result.write(path)
        line.done = n
    return {name: Search.read(path) for name, path in paths.items()}


def cell_search(run: Run, recipe: Recipe) -> CellSearch:
    """The search of a cell as work for its stage.

    Raises:
        LeakageError: A film that it would see is tested on in some trial of the cell.
    """
    table, plain = run.study.search, plan_trial(run, recipe, _FIRST).train
    assert table is not None
    of = folds_of(recipe, table.folds) if table.chosen_on == "folds" else [recipe]
    inputs = {name: plain.inputs[name] for name in ("features", "split")}
    seed = key_entropy(recipe.cell.seed, "search") % 2**32
    return CellSearch(tuple(_without_test(run, recipe, r) for r in of), table, seed, inputs)


def _without_test(run: Run, cell: Recipe, recipe: Recipe) -> TrainTask:
    """The training of a cell, or of a fold of it, with a list of films that has no test part."""
    draw = recipe.draw(_FIRST)
    films = LearningFilms.of(run.drawn[draw], run.draws.tested(cell.drawing))
    path = drawn_path(run.folder / SEARCHES, run.draws.folder_name(draw.drawing), draw.pipeline, draw.trial)
    films.write(path)
    return replace(plan_trial(run, recipe, _FIRST).train, drawn=path)

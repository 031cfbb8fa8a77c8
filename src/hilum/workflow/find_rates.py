"""Learning rates for a study's cells: the finder on the films and from the first weights of trial 1, and nothing trained.

What is prepared and featurized for it lies in the workspace, where `hilum run` finds it. The curve of a cell is the one that the study
would show with ``training.find_rate``. It takes so many steps at most a cell, whatever the study's epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.trial_files import FINDER
from hilum.core.engine import Engine
from hilum.core.progress import progress
from hilum.stages.finetune import network_rates
from hilum.stages.train import head_rates
from hilum.study.file import Study
from hilum.training.task import Frozen, Whole
from hilum.workflow.checks import concerns, refuse
from hilum.workflow.plan import Recipe
from hilum.workflow.state import Run
from hilum.workflow.steps import TO_FEATURES, walk
from hilum.workflow.trials import plan_trials
from hilum.workflow.workspace import Workspace


def find_rates(
    study: Study, manifest_path: Path, root: Path, engine: Engine, only: Sequence[str] = ()
) -> tuple[Study, list[tuple[Recipe, dict[str, Any]]]]:
    """Run the finder for a study's cells.

    Args:
        study: Checked study.
        manifest_path: manifest.csv.
        root: The workspace.
        engine: Where tasks run; the curves do not depend on it.
        only: Names of cells; all where none is named.

    Returns:
        The study with its classes as the manifest spells them, and of each cell, in its order, the curve that ``finder.json`` of a trial
        holds.

    Raises:
        InputError: Something stands in the way of the study, or there is no such cell.
    """
    once = study.model_copy(update={"grid": study.grid.model_copy(update={"trials": 1})})
    run = Run(once, Manifest.read(manifest_path), Workspace(root), engine, only=only)
    refuse(concerns(run))
    found: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as scratch:
        run.folder = Path(scratch)
        walk(TO_FEATURES, run)
        trials = plan_trials(run)
        of_network = partial(network_rates, out=run.folder / FINDER)
        with progress("find rate", len(trials), "cells") as step:
            for body, rates_of, alone in ((Frozen, head_rates, False), (Whole, of_network, True)):
                of_body = [t for t in trials if isinstance(t.train.body, body)]
                curves = engine.map(rates_of, [t.train for t in of_body], alone=alone)
                for t, curve in zip(of_body, curves, strict=True):
                    found[t.recipe.cell.name] = curve
                    step()
    return run.study, [(r, found[r.cell.name]) for r in run.recipes]

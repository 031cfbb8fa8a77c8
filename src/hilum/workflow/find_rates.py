"""Learning rates for a study's cells: the finder on the films and from the first weights of trial 1, and nothing trained.

What is prepared and featurized for it lies in the workspace, where `hilum run` finds it. The curve of a cell is the one that the study
would show with ``training.find_rate``. It takes so many steps at most a cell, whatever the study's epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hilum.artifacts.header import Header, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.trial_files import FINDER, FinderCurve
from hilum.core.engine import Engine
from hilum.core.progress import progress
from hilum.report.table import Cell, Table, plain_table
from hilum.stages.finetune import network_rates
from hilum.stages.train import head_rates
from hilum.study.file import Study
from hilum.study.tables import ProbesTable
from hilum.training.task import Frozen, Whole
from hilum.workflow.checks import concerns, refuse
from hilum.workflow.plan import Recipe
from hilum.workflow.state import Run
from hilum.workflow.steps import TO_FEATURES, walk
from hilum.workflow.trials import plan_trials
from hilum.workflow.workspace import Workspace

Found = Sequence[tuple[Recipe, FinderCurve]]
"""What was seen of each cell: its recipe, and the curve."""


def find_rates(
    study: Study, manifest_path: Path, root: Path, engine: Engine, only: Sequence[str] = ()
) -> tuple[Study, Found]:
    """Run the finder for a study's cells, those of `only` where some are named. The curves do not depend on the engine.

    Returns:
        The study with its classes as the manifest spells them, and what was seen of each cell, in its order.

    Raises:
        InputError: Something stands in the way of the study, or there is no such cell.
    """
    once = study.model_copy(
        update={"grid": study.grid.model_copy(update={"trials": 1}), "probes": ProbesTable(), "search": None}
    )
    run = Run(once, Manifest.read(manifest_path), Workspace(root), engine, only=only)
    refuse(concerns(run))
    found: dict[str, FinderCurve] = {}
    with TemporaryDirectory() as scratch:
        run.folder = Path(scratch)
        walk(TO_FEATURES, run)
        trials = plan_trials(run)
        of_network = partial(network_rates, folder=run.folder)
        with progress("find rate", len(trials), "cells") as step:
            for body, rates_of, alone in ((Frozen, head_rates, 0), (Whole, of_network, run.settled.threads)):
                of_body = [t for t in trials if isinstance(t.train.body, body)]
                curves = engine.map(rates_of, [t.train for t in of_body], alone=alone)
                for t, curve in zip(of_body, curves, strict=True):
                    found[t.recipe.cell.name] = curve
                    step()
    return run.study, [(r, found[r.cell.name]) for r in run.recipes]


def write_rates(folder: Path, study: str, found: Found, figure: str) -> None:
    """Write finder.json and the figure, a panel a backbone, into a folder."""
    from hilum.report import style
    from hilum.report.curve_figures import finder_curves

    cells = [
        {"cell": r.cell.name, "trial": 1, "highest_rate": _highest(r), **members(curve)} for r, curve in found
    ]
    write_json(folder / FINDER, {"header": Header("finder"), "study": study, "cells": cells})
    panels: dict[str, list[tuple[str, FinderCurve]]] = {}
    for r, curve in found:
        label = r.cell.name.partition("--")[2].replace("--", ", ")
        panels.setdefault(r.cell.backbone, []).append((label, curve))
    style.save(finder_curves(list(panels.items())), folder, figure)


def rates_table(found: Found) -> Table:
    """A row a cell: the suggestions, and the rate that the study has."""
    names = ("steep", "valley", "minimum")
    rows: list[list[Cell | str]] = []
    for r, curve in found:
        rates = (*(curve.suggestions.get(n) for n in names), _highest(r))
        rows.append([r.cell.name, *(Cell("-" if v is None else f"{v:.1e}", v) for v in rates)])
    return plain_table("rates", ("cell", *names, "study"), rows)


def _highest(recipe: Recipe) -> float | None:
    """The highest rate that the study trains a cell with."""
    return max(recipe.policy.max_rates, default=None)

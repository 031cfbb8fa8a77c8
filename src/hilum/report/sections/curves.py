"""Curves of training: learning rates, losses, what the rate finder saw.

Convention: rows and columns follow the study's own order of backbones and pipelines. Loss curves show every trial. The rates of a schedule
are those of trial 1 of its first cell, from the first batch to the last: the epochs of the head alone are in it, and one that was stopped
early ends where it was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.trial_files import FinderCurve, TrainFacts
from hilum.report import curve_figures
from hilum.report.curve_figures import RateCurve
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.run_words import backbone_label, cell_level
from hilum.study.policies import recorded_policy
from hilum.study.policies.simulate import simulate
from hilum.study.tables import FinetuneTable
from hilum.training.unfreezing import head_epochs, head_policy

_MOST_ACROSS = 6


def section(evaluated: Evaluated) -> Section | None:
    """Three figures, those that the run has records for."""
    makers = (rate_picture, loss_picture, finder_picture)
    found = [p for make in makers if (p := make(evaluated)) is not None]
    return Section("curves", "Curves of training", (), found, folded=True) if found else None


def rate_picture(evaluated: Evaluated) -> Picture | None:
    """Learning rate by batch of each schedule; None where all have one and the same rate."""
    curves = rate_curves(evaluated.folder)
    if len({float(x) for c in curves for x in c.rates}) <= 1:
        return None
    return evaluated.picture(
        curve_figures.rate_curves(curves),
        "learning-rates",
        f"Learning rate of every batch under each schedule{evaluated.beside.place('learning-rates')}, by the policy alone; "
        "a schedule that follows the validation loss is that of trial 1 of its first cell.",
        "Curves of the learning rate.",
    )


def rate_curves(folder: RunFolder) -> list[RateCurve]:
    """A curve a schedule; one whose policy or length is not recorded is left out."""
    found: dict[str, RateCurve] = {}
    for cell in folder.cells:
        if cell.schedule not in found and (curve := _rate_curve(folder, cell)) is not None:
            found[cell.schedule] = curve
    return list(found.values())


def _rate_curve(folder: RunFolder, cell: RunCell) -> RateCurve | None:
    bundle = folder.bundle(cell, 1)
    options = bundle.training if bundle else {}
    steps = TrainFacts.known(folder.folder(cell, 1)).steps_per_epoch
    if not options.get("policy") or not steps:
        return None
    policy = recorded_policy(options["policy"])
    finetune = options.get("finetune")
    alone = 0 if finetune is None else head_epochs(FinetuneTable.model_validate(finetune))
    losses = list(folder.losses(cell, 1).valid)
    follows = losses[alone:] if losses and policy.reads_losses else None
    rates = np.concatenate(
        [
            simulate(head_policy(policy), alone, steps) if alone else np.zeros(0),
            simulate(policy, options["epochs"], steps, follows),
        ]
    )
    return RateCurve(cell.schedule, rates[: len(losses) * steps] if losses else rates, steps)


def loss_picture(evaluated: Evaluated) -> Picture | None:
    """Losses of every trial, the pipelines side by side, or, of one pipeline, whatever varies most; None where no history was kept."""
    folder = evaluated.folder
    across = _across(folder)
    label = _row_label(folder, across)

    def column(c: RunCell) -> str:
        return cell_level(c, across) or c.pipeline

    curves = {
        (label(c), column(c)): [loss for t in folder.trials if (loss := folder.losses(c, t)).train]
        for c in folder.cells
    }
    if not any(curves.values()):
        return None
    return evaluated.picture(
        curve_figures.loss_curves(curves),
        "loss-curves",
        f"Training loss and validation loss by epoch, each trial a thin line{evaluated.beside.place('loss-curves')}. A "
        "row’s panels share the scale.",
        f"Loss curves of {len({r for r, _ in curves})} by {len({c for _, c in curves})} panels.",
    )


def _across(folder: RunFolder) -> str:
    """The factor whose levels stand side by side: the pipeline, else the one with the most levels that fit."""
    levels = {f: len({c.factors[f] for c in folder.cells}) for f in folder.varying() if f != "backbone"}
    fitting = {f: n for f, n in levels.items() if n <= _MOST_ACROSS}
    return "pipeline" if "pipeline" in levels or not fitting else max(fitting, key=fitting.__getitem__)


def _row_label(folder: RunFolder, across: str) -> Callable[[RunCell], str]:
    others = [f for f in folder.varying() if f not in ("backbone", across)]

    def label(cell: RunCell) -> str:
        return "\n".join([*backbone_label(cell).replace(" (", "\n(").split("\n"), *_levels(cell, others)])

    return label


def _levels(cell: RunCell, factors: Sequence[str]) -> list[str]:
    """The cell's level of each of these factors, in words."""
    return [cell_level(cell, f) for f in factors]


def finder_picture(evaluated: Evaluated) -> Picture | None:
    """What the learning-rate finder saw in trial 1; None where it was not asked for."""
    folder = evaluated.folder
    others = [f for f in folder.varying() if f != "backbone"]
    panels: dict[str, list[tuple[str, FinderCurve]]] = {}
    for c in folder.cells:
        if (seen := FinderCurve.of(folder.folder(c, 1))) is not None:
            name = ", ".join(_levels(c, others)) or "loss"
            panels.setdefault(backbone_label(c), []).append((name, seen))
    if not panels:
        return None
    return evaluated.picture(
        curve_figures.finder_curves(list(panels.items())),
        "learning-rate-finder",
        "Learning-rate finder, trial 1: loss on training films, smoothed, while the rate rises with every batch. Suggested rates: steep "
        "(triangle), valley (circle), minimum (square). They are shown, not used: a study’s rate is what its file says.",
        "Loss over learning rate.",
    )

"""The learning rate of every batch that was trained, for the report's figure.

Convention: the curve of a schedule is that of trial 1 of its first cell, from the first batch to the last: the epochs of the head alone
are in it, and one that was stopped early ends where it was stopped.
"""

from __future__ import annotations

import numpy as np
from pydantic import TypeAdapter

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.trial_files import TrainFacts
from hilum.report.rate_figures import RateCurve
from hilum.study.policies import Policy
from hilum.study.policies.simulate import simulate
from hilum.study.tables import FinetuneTable
from hilum.training.unfreezing import head_epochs, head_policy


def rate_curves(folder: RunFolder) -> list[RateCurve]:
    """A curve a schedule; one whose policy or length is not recorded is left out."""
    found: dict[str, RateCurve] = {}
    for cell in folder.cells:
        if cell.schedule not in found and (curve := _curve(folder, cell)) is not None:
            found[cell.schedule] = curve
    return list(found.values())


def _curve(folder: RunFolder, cell: RunCell) -> RateCurve | None:
    options = folder.bundle(cell, 1).get("training") or {}
    steps = TrainFacts.of_trial(folder.folder(cell, 1)).steps_per_epoch
    if not options.get("policy") or not steps:
        return None
    policy = TypeAdapter[Policy](Policy).validate_python(options["policy"])
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

"""What the rules of `hilum.stats.learning` say of each trial of a run -> ``learning.json``, which the report's cautions are read from.

Convention: only a trial's history, its bundle and its predictions of validation films are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import Problem, write_problems
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.trial_files import FinderCurve
from hilum.stats.learning import RULES, TrainingSeen, learning_problems
from hilum.study.faults import that_set
from hilum.study.policies import Policy

_UNLIKE_PROBABILITIES = ("softmax_first", "second_softmax")
"""What a fault sets after which the loss is not that of the probabilities."""


def write_learning(folder: RunFolder) -> None:
    """Judge every trial, and write what was found beside the run."""
    where: dict[str, list[dict[str, Any]]] = {rule.code: [] for rule in RULES}
    for cell, trial in folder.units():
        for rule, facts in learning_problems(training_seen(folder, cell, trial)):
            where[rule.code].append({"cell": cell.name, "trial": trial, "facts": facts})
    found = [Problem(r.code, r.title, r.to_do, where[r.code]) for r in RULES if where[r.code]]
    write_problems(folder.path, found)


def training_seen(folder: RunFolder, cell: RunCell, trial: int) -> TrainingSeen:
    """What a trial's training left behind."""
    losses = folder.losses(cell, trial)
    valid = folder.predictions(cell, trial).of_part("valid")
    finder = FinderCurve.of_trial(folder.folder(cell, trial))
    bundle = folder.bundle(cell, trial)
    training = bundle.training if bundle else {}
    return TrainingSeen(
        train_loss=losses.train,
        valid_loss=losses.valid,
        rates=losses.rates,
        kept=losses.best,
        y_true=valid.y_index() if len(valid) else np.zeros(0, np.int64),
        y_score=valid.probabilities,
        positive=folder.classes.index(folder.positive),
        threshold=folder.operating_point(cell, trial).get("threshold"),
        plain_loss=_is_plain(training.get("loss")) and not that_set(cell.switches, *_UNLIKE_PROBABILITIES),
        highest_rate=_highest_rate(training.get("policy")),
        suggested=list(finder.suggestions.values()) if finder else [],
    )


def _is_plain(loss: Mapping[str, Any] | None) -> bool:
    """Whether a loss is cross-entropy that weighs all films alike; None stands for the default, which is."""
    return loss is None or (
        loss.get("kind") == "cross_entropy" and loss.get("class_weights", "none") == "none"
    )


def _highest_rate(policy: Mapping[str, Any] | None) -> float | None:
    return (
        max(TypeAdapter[Policy](Policy).validate_python(policy).max_rates, default=None) if policy else None
    )

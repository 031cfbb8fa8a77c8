"""Trials whose model did not learn: what the rules of `hilum.stats.learning` say of each -> ``learning.json`` -> cautions of the page.

Convention: only a trial's history, its bundle and its predictions of validation films are looked at. A caution a rule; it names the cells
with the numbers of the first trial that it holds for, three cells at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hilum.artifacts.finding_runs import finding_runs
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import Problem, read_problems, write_problems
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.trial_files import FinderCurve
from hilum.report.caution import Caution
from hilum.report.estimates import CellColumns
from hilum.stats.learning import RULES, TrainingSeen, learning_problems
from hilum.study.faults import that_set
from hilum.study.policies import recorded_policy
from hilum.study.several_findings import MULTILABEL

NAMED = 3
"""Cells that a caution names; the others are counted."""
_UNLIKE_PROBABILITIES = ("softmax_first", "second_softmax")
"""What a fault sets after which the loss is not that of the probabilities."""


def write_learning(folder: RunFolder) -> None:
    """Judge every trial, and write the problems beside the run."""
    where: dict[str, list[dict[str, Any]]] = {rule.code: [] for rule in RULES}
    if folder.task == MULTILABEL:
        _of_findings(folder, where)
    for cell, trial in () if folder.task == MULTILABEL else folder.units():
        for rule, facts in learning_problems(training_seen(folder, cell, trial)):
            where[rule.code].append({"cell": cell.name, "trial": trial, "facts": facts})
    found = [Problem(r.code, r.title, r.to_do, where[r.code]) for r in RULES if where[r.code]]
    write_problems(folder.path, found)


def _of_findings(folder: RunFolder, where: dict[str, list[dict[str, Any]]]) -> None:
    """Gather what was found in the runs of the findings, which were reported before."""
    for finding, run in finding_runs(folder.path, folder.classes).items():
        for problem in read_problems(run.path):
            where[problem.code] += [{**w, "facts": f"{finding}: {w['facts']}"} for w in problem.where]


def training_seen(folder: RunFolder, cell: RunCell, trial: int) -> TrainingSeen:
    """What a trial's training left behind."""
    valid = folder.predictions(cell, trial).of_part("valid")
    finder = FinderCurve.of(folder.folder(cell, trial))
    bundle = folder.bundle(cell, trial)
    training = bundle.training if bundle else {}
    return TrainingSeen(
        losses=folder.losses(cell, trial),
        y_true=valid.y_index() if len(valid) else np.zeros(0, np.int64),
        y_score=valid.probabilities,
        positive=folder.classes.index(folder.positive),
        threshold=bundle.operating_point.get("threshold") if bundle else None,
        plain_loss=_is_plain(training) and not that_set(cell.switches, *_UNLIKE_PROBABILITIES),
        highest_rate=_highest_rate(training.get("policy")),
        suggested=list(finder.suggestions.values()) if finder else [],
    )


def _is_plain(training: Mapping[str, Any]) -> bool:
    """Whether a loss is cross-entropy of these classes that weighs all films alike; none that is known stands for the default, which is."""
    loss = training.get("loss")
    if "one_of" in training:  # the loss is that of all findings together
        return False
    return loss is None or (
        loss.get("kind") == "cross_entropy" and loss.get("class_weights", "none") == "none"
    )


def _highest_rate(policy: Mapping[str, Any] | None) -> float | None:
    return max(recorded_policy(policy).max_rates, default=None) if policy else None


def learning_cautions(folder: RunFolder, named: int = NAMED) -> list[Caution]:
    """What the rules found, the gravest first; nothing where the file is not there yet."""
    return [
        Caution(p.code, p.title, "limits", _where(folder, p.where, named), p.to_do)
        for p in read_problems(folder.path)
    ]


def learning_lines(runs: Sequence[Path]) -> list[str]:
    """What the rules found in runs, in a line each with one cell named; with several runs it begins with the run's name."""
    return [
        f"{f'{run.name}: ' if len(runs) > 1 else ''}{c.title} ({c.code}): {c.text}"
        for run in runs
        for c in learning_cautions(RunFolder(run), named=1)
    ]


def _where(folder: RunFolder, where: Sequence[Mapping[str, Any]], named: int) -> str:
    label = CellColumns(folder).label
    by_cell: dict[str, list[Mapping[str, Any]]] = {}
    for found in where:
        by_cell.setdefault(found["cell"], []).append(found)
    words = [
        f"{label(folder.cell_named[name])}, {_trials([int(f['trial']) for f in found], folder.n_trials)}: {found[0]['facts']}"
        for name, found in list(by_cell.items())[:named]
    ]
    more = len(by_cell) - named
    return (
        "; ".join(words) + (f"; and {more} more {'cell' if more == 1 else 'cells'}" if more > 0 else "") + "."
    )


def _trials(numbers: list[int], of: int) -> str:
    if len(numbers) == of > 1:
        return f"{'both' if of == 2 else f'all {of}'} trials, the first"
    if len(numbers) > 1:
        return f"{len(numbers)} of {of} trials, the first of them"
    return f"trial {numbers[0]}"

"""search: values of a head's training are tried one after another, and the best by the films held back are chosen. Never on test.

A trial is an ordinary training (`hilum.training.task`) with other values, found again by its key; so a search that was killed goes on where
it was, and the final training with what was chosen is there already. The first trial has the study's own values. The others are proposed
by Optuna's TPE (Watanabe 2023, arXiv 2304.11127) from the scores of all rounds before: a round has the same number of trials whatever
the number of workers, and within it what is on its way counts as bad ("constant liar"), so that neither workers nor a kill change what is
tried. With its ``n_jobs`` Optuna draws other seeds in every process, and a sampler made anew begins again with its seed
(https://github.com/optuna/optuna/issues/4412 and https://github.com/optuna/optuna/issues/6344); here one is asked from the first trial on,
in one process, also when a search goes on. Nothing is kept in a storage of Optuna's.

A training whose loss is no longer finite is a trial that failed. The sampler is told that it is as bad as can be, where Optuna would leave
it out and ask for its like again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scipy.special import softmax

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.artifacts.history import LossCurve
from hilum.artifacts.learning_films import LearningFilms
from hilum.artifacts.search import KIND, Search, Tried, best_of
from hilum.artifacts.trial_files import TrainFacts
from hilum.core.engine import Engine
from hilum.core.errors import DivergedError
from hilum.inference.predictor import load_head
from hilum.models.machine import threads
from hilum.models.registry import backbone
from hilum.stats.curves import point_figures
from hilum.study.search import LOSS, SEARCHED, SearchTable, nearest_in, own_values, with_values
from hilum.training.loop import logits
from hilum.training.task import TrainTask

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

ROUND = 5
"""Trials that are proposed at once."""
RANDOM = 10
"""Trials before the sampler goes by their scores."""
_BEGIN_S = 10.0
"""Seconds of training, about, below which processes would take longer to begin."""

Train = Callable[[TrainTask], Path]
"""Does a training unless it was done, and gives its folder."""


@dataclass(frozen=True)
class CellSearch:
    """A search of one cell.

    Attributes:
        tasks: Trainings with the study's own values: one, or one a fold. Each has a list of films without a test part.
        table: The study's ``[search]``.
        seed: Of what is proposed.
        inputs: Digests of what goes in.
    """

    tasks: tuple[TrainTask, ...]
    table: SearchTable
    seed: int
    inputs: Mapping[str, str]

    @property
    def own(self) -> dict[str, Any]:
        """The study's own values."""
        t = self.tasks[0]
        return own_values(t.policy, t.training, t.template.head, self.table.ranges)

    @property
    def key(self) -> str:
        """Digest of all that makes a difference."""
        table = self.table.model_dump(mode="json")
        tasks = [t.key for t in self.tasks]
        return SEARCHED.digest({"tasks": tasks, "seed": self.seed, "table": table, "sampler": sampler()})

    def with_values(self, values: Mapping[str, Any]) -> list[TrainTask]:
        """Its trainings with other values."""
        return [task_with(t, values) for t in self.tasks]


def sampler() -> dict[str, Any]:
    """How values are proposed; another version of Optuna may propose others."""
    return {"name": "TPE", "round": ROUND, "random": RANDOM, "optuna": version("optuna")}


def task_with(task: TrainTask, values: Mapping[str, Any]) -> TrainTask:
    """A training with values that are searched in place of its own."""
    own = backbone(task.template.backbone).head
    policy, training = with_values(task.policy, task.training, own, values)
    template = replace(task.template, head=training.head or own)
    return replace(task, policy=policy, training=training, template=template)


class Attempt(NamedTuple):
    """One training of a trial: its score on the films held back (None where it failed), its seconds, and why it failed."""

    score: float | None
    seconds: float
    reason: str = ""


def attempt(task: TrainTask, train: Train, metric: str) -> Attempt:
    """Train, and score on the films held back.

    Raises:
        HilumError: What a training raises but that its loss is no longer finite.
    """
    began = time.perf_counter()
    try:
        folder = train(task)
    except DivergedError as e:
        return Attempt(None, time.perf_counter() - began, str(e))
    seconds = TrainFacts.known(folder).seconds
    score = score_of(task, folder, metric)
    return Attempt(
        score, seconds, "" if score is not None else f"{metric} is undefined on the films held back"
    )


def score_of(task: TrainTask, folder: Path, metric: str) -> float | None:
    """What a training is judged by: the loss of its validation films under the weights that were kept, or a metric of the positive class
    there; None where that is undefined."""
    if metric == LOSS:
        return LossCurve.of_trial(folder).kept
    bundle, _, state = Bundle.read(folder / "bundle")
    with threads(1):  # as it was trained
        _, valid = task.films()
        scores = softmax(logits(load_head(bundle, state), valid).double().numpy(), axis=1)
    k = bundle.classes.index(bundle.positive)
    return point_figures(valid.labels.numpy(), scores, k).get(metric)


class Proposals:
    """What to try next, from what was tried.

    Args:
        ranges: Name -> range or choices, as `SearchTable.ranges` has them.
        seed: Of all that is proposed.
        higher_is_better: Which way a score is better.
    """

    def __init__(self, ranges: Mapping[str, Any], seed: int, higher_is_better: bool) -> None:
        import optuna  # late: an extra

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._worst = -math.inf if higher_is_better else math.inf
        tpe = optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM)
        direction = "maximize" if higher_is_better else "minimize"
        self._study = optuna.create_study(sampler=tpe, direction=direction)
        self._ranges = ranges
        self._space = {name: _distribution(name, of) for name, of in ranges.items()}
        self._asked: list[Any] = []

    def ask(self, n: int) -> list[dict[str, Any]]:
        """Values of the next trials; their scores are to be told in this order."""
        self._asked = [self._study.ask(self._space) for _ in range(n)]
        return [{name: t.params[name] for name in self._space} for t in self._asked]

    def tell(self, scores: Sequence[float | None]) -> None:
        """The scores of what was asked for last; None for a trial that failed."""
        for trial, score in zip(self._asked, scores, strict=True):
            self._study.tell(trial, self._worst if score is None else score)

    def add(self, values: Mapping[str, Any], score: float | None) -> None:
        """A trial that was not asked for: told as what is nearest in the ranges, as a decay of 0 where they begin above it; passed over
        where it has what is no choice."""
        from optuna.trial import create_trial

        near = {name: nearest_in(values[name], of) for name, of in self._ranges.items()}
        if all(value is not None for value in near.values()):
            value = self._worst if score is None else score
            self._study.add_trial(create_trial(params=near, distributions=self._space, value=value))


def _distribution(name: str, of: Any) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(of, list):
        return CategoricalDistribution(of)
    kind = IntDistribution if name == "epochs" else FloatDistribution
    return kind(of["low"], of["high"], log=of.get("log", False))


class _Searching:
    """A search on its way."""

    def __init__(self, asked: CellSearch) -> None:
        self.asked, table = asked, asked.table
        self.proposals = Proposals(table.ranges, asked.seed, table.higher_is_better)
        self.tried: list[Tried] = []
        self.values: list[dict[str, Any]] = []

    def propose(self) -> list[TrainTask]:
        """The trainings of the next round: first the study's own values, then what the sampler proposes."""
        left = self.asked.table.trials - len(self.tried)
        self.values = self.proposals.ask(min(ROUND, left)) if self.tried else [self.asked.own]
        return [task for values in self.values for task in self.asked.with_values(values)]

    def judge(self, attempts: Sequence[Attempt]) -> None:
        """Note what became of the round."""
        n, first = len(self.asked.tasks), not self.tried
        scores: list[float | None] = []
        for k, values in enumerate(self.values):
            of_folds = attempts[k * n : (k + 1) * n]
            found = [a.score for a in of_folds if a.score is not None]
            score = sum(found) / n if len(found) == n else None
            scores.append(score)
            trained = tuple(t.output.name for t in self.asked.with_values(values))
            reason = next((a.reason for a in of_folds if a.reason), "")
            seconds = round(sum(a.seconds for a in of_folds), 4)
            state = "failed" if score is None else "complete"
            number = len(self.tried) + 1
            self.tried.append(Tried(number, values, state, score, found, seconds, reason, trained))  # type: ignore[arg-type]
        if first:
            self.proposals.add(self.values[0], scores[0])
        else:
            self.proposals.tell(scores)

    def result(self) -> Search:
        """What the search found."""
        table = self.asked.table
        options = {"trials": table.trials, "sampler": sampler()}
        return Search(
            Header(KIND, inputs=dict(self.asked.inputs), options=options, seed=self.asked.seed),
            table.metric,
            table.higher_is_better,
            table.chosen_on,
            len(self.asked.tasks),
            table.ranges,
            best_of(self.tried, table.higher_is_better).values,
            round(sum(t.seconds for t in self.tried), 4),
            self.tried,
        )


def search(
    asked: Sequence[CellSearch], train: Train, engine: Engine, step: Callable[[int], None] = lambda _: None
) -> list[Search]:
    """Search several cells side by side, round by round.

    Args:
        asked: The cells; all of one study, and so of one table.
        train: Does a training; picklable.
        engine: Where the trainings run; it makes no difference to what is found.
        step: Is told of trainings that were done.

    Raises:
        LeakageError: A training has a list of films with a test part.
        MissingExtraError: Optuna is not installed.
    """
    for task in (t for a in asked for t in a.tasks):
        LearningFilms.read(task.drawn)
    cells = [_Searching(a) for a in asked]
    slowest = 0.0
    while any(len(c.tried) < c.asked.table.trials for c in cells):
        rounds = [c.propose() for c in cells]
        tasks = [task for of_cell in rounds for task in of_cell]
        do = partial(attempt, train=train, metric=cells[0].asked.table.metric)
        attempts: list[Attempt] = []
        for done in engine.map(do, tasks, here=slowest * len(tasks) < _BEGIN_S):
            attempts.append(done)
            step(1)
        slowest = max(slowest, *(a.seconds for a in attempts))
        rest = iter(attempts)
        for c, of_cell in zip(cells, rounds, strict=True):
            c.judge([next(rest) for _ in of_cell])
    return [c.result() for c in cells]

"""``[search]``: what of a head's training is searched, in which ranges, and on which films it is judged. Never on test.

A value that is searched (`VALUES`) has a range (``{ low, high, log }``) or a list of choices. What a study does without a search is one
choice among them: the first that is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from hilum.core.keys import ALWAYS, Key, Optional
from hilum.study.metrics import METRIC, MetricName
from hilum.study.policies import Policy
from hilum.study.tables import CONV_DROPOUT, HeadKind, StrictTable, TrainingTable

LOSS = "loss"
"""The metric that is none of `hilum.study.metrics`: the training's own loss, of the films held back; the lower the better."""
VALUES = ("learning_rate", "epochs", "weight_decay", "dropout", "head")
"""What may be searched."""

_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, lt=1)]
_Count = Annotated[int, Field(ge=1)]


class RateRange(StrictTable):
    """From `low` to `high`, both among them; with `log` evenly in the logarithm."""

    low: _Positive
    high: _Positive
    log: bool = True


class Range(StrictTable):
    """The same of a value that may be 0."""

    low: _NotNegative
    high: _NotNegative
    log: bool = False


class ShareRange(StrictTable):
    """The same of a share, which is below 1."""

    low: _Share
    high: _Share


class CountRange(StrictTable):
    """Every whole number from `low` to `high`; with `log` the small ones more often."""

    low: _Count
    high: _Count
    log: bool = False


class SearchTable(StrictTable):
    """``[search]``; without it nothing is searched.

    Attributes:
        trials: Trainings tried a cell; the first has the study's own values.
        chosen_on: The validation films of trial 1 (``valid``), or films of train and validation held back in turn (``folds``).
        folds: How many, for ``folds``.
        metric: What is best: the lowest ``loss``, or the best of a metric of the positive class.
        schedules: Of `grid.schedules`, those whose cells are searched; all where none is named.
        learning_rate: The policy's rate.
        epochs: Passes over the training films.
        weight_decay: The policy's.
        dropout: Share of the head's inputs that are dropped.
        head: Kinds of head.
    """

    trials: Annotated[int, Field(ge=2)] = 30
    chosen_on: Literal["valid", "folds"] = "valid"
    folds: Annotated[int, Field(ge=2)] = 5
    metric: Literal["loss"] | MetricName = "loss"
    schedules: list[str] = Field(default_factory=list)
    learning_rate: RateRange | list[_Positive] | None = None
    epochs: CountRange | list[_Count] | None = None
    weight_decay: Range | list[_NotNegative] | None = None
    dropout: ShareRange | list[_Share] | None = None
    head: list[HeadKind] | None = None

    @property
    def ranges(self) -> dict[str, Any]:
        """What is searched: name -> its range or its choices, as JSON has them."""
        dumped = self.model_dump(mode="json")
        return {name: dumped[name] for name in VALUES if dumped[name] is not None}

    @property
    def higher_is_better(self) -> bool:
        """Which way the metric is better."""
        return self.metric != LOSS and METRIC[self.metric].higher_is_better

    def searches(self, schedule: str) -> bool:
        """Whether cells of a schedule are searched."""
        return not self.schedules or schedule in self.schedules


_RANGE = Optional(Key(low=ALWAYS, high=ALWAYS, log=ALWAYS))
_OF_CELL = Key(
    trials=30, chosen_on="valid", folds=5, metric=LOSS, learning_rate=_RANGE, epochs=_RANGE, weight_decay=_RANGE,
    dropout=Optional(Key(low=ALWAYS, high=ALWAYS)), head=None,
)  # fmt: skip
SEARCH = _OF_CELL.and_(schedules=[])
"""What a study depends on of its search."""
SEARCHED = Key(tasks=ALWAYS, seed=ALWAYS, table=_OF_CELL, sampler=ALWAYS)
"""What a search of one cell depends on: its trainings with the study's own values, by their keys, and how values are proposed."""


def wrong_search(search: SearchTable, schedules: list[Any]) -> Iterator[str]:
    """What is wrong in a search by itself, or beside `grid.schedules`, a sentence each."""
    if not search.ranges:
        yield f"[search] searches nothing; give a range or choices for one of {', '.join(VALUES)}"
    if search.chosen_on != "folds" and search.folds != SearchTable().folds:
        yield f"search.folds is for search.chosen_on = 'folds', got {search.chosen_on!r}; leave one of them out"
    for name in search.schedules:
        if name not in schedules:
            yield f"search.schedules names {name!r}, which is not in grid.schedules; known: {', '.join(schedules)}"
    for name, of in search.ranges.items():
        yield from (f"search.{name} {wrong}" for wrong in _wrong_range(of))


def _wrong_range(of: Any) -> Iterator[str]:
    if isinstance(of, list):
        if len(of) < 2 or len(set(of)) < len(of):
            yield f"must name two or more different choices, got {of!r}"
    elif of["low"] >= of["high"]:
        yield f"must have its low below its high, got {of['low']!r} and {of['high']!r}"
    elif of.get("log") and of["low"] == 0:
        yield "goes by the logarithm (log = true), so its low must be greater than 0"


def own_values(policy: Policy, training: TrainingTable, head: str, names: Iterable[str]) -> dict[str, Any]:
    """What a training has of the values that are searched, where nothing is searched.

    Args:
        policy: Its rate filled in.
        training: Of the study.
        head: Kind of its head.
        names: Of `VALUES`, those that are searched.
    """
    share = training.dropout if training.dropout is not None else _by_itself(head)
    of_policy = {name: getattr(policy, name, None) for name in ("learning_rate", "weight_decay")}
    known = {**of_policy, "epochs": training.epochs, "dropout": share, "head": head}
    return {name: known[name] for name in names}


def with_values(
    policy: Policy, training: TrainingTable, own_head: HeadKind, values: Mapping[str, Any]
) -> tuple[Policy, TrainingTable]:
    """A policy and a training with values that were searched; what a head has by itself is left to it, so that equal trainings are one.

    Args:
        policy: Its rate filled in.
        training: Of the study.
        own_head: The head that the backbone has.
        values: Name -> value.
    """
    of_policy = {k: values[k] for k in ("learning_rate", "weight_decay") if k in values}
    of_training = {k: values[k] for k in ("epochs", "head", "dropout") if k in values}
    head = of_training.get("head", training.head) or own_head
    if of_training.get("head") == own_head:
        of_training["head"] = None
    if of_training.get("dropout") == _by_itself(head):
        of_training["dropout"] = None
    return policy.model_copy(update=of_policy), training.model_copy(update=of_training)


def _by_itself(head: str) -> float:
    """The share of its inputs that a head drops where the study does not say."""
    return CONV_DROPOUT if head == "conv" else 0.0


def nearest_in(value: Any, of: Mapping[str, Any] | list[Any]) -> Any:
    """The value of a range or of choices that is nearest; None where it is no choice.

    >>> nearest_in(0.0, {"low": 1e-6, "high": 0.1, "log": True}), nearest_in("mlp", ["linear", "fc-128"])
    (1e-06, None)
    """
    if isinstance(of, list):
        return value if value in of else None
    return min(max(value, of["low"]), of["high"])

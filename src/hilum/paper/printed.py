"""What the paper prints, from ``printed.toml``: its tables by number, and which figures and matrices they are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

_Values = Mapping[str, float]
_PRINTED: Mapping[str, Any] = tomllib.loads(files("hilum.paper").joinpath("printed.toml").read_text("utf-8"))


def _pairs(name: str) -> dict[tuple[str, str], _Values]:
    """A table by backbone and pipeline."""
    return {(b, p): values for b, of_backbone in _PRINTED[name].items() for p, values in of_backbone.items()}


TABLE_1: Mapping[str, tuple[int, int]] = {c: tuple(n) for c, n in _PRINTED["table_1"].items()}
"""Set 1: class -> (train, test), bacterial after the draw of one film a patient."""
TABLE_2: Mapping[str, tuple[int, int, int]] = {c: tuple(n) for c, n in _PRINTED["table_2"].items()}
"""Set 2: class -> (train, valid, test)."""
TABLE_2_DRAWN: Mapping[str, int] = _PRINTED["table_2_drawn"]
"""Set 2: class -> training films as drawn with replacement."""
TABLE_3 = _pairs("table_3")
"""Experiment 1: (backbone, pipeline) -> metric -> value. What the paper calls specificity here is the strict rate."""
TABLE_4, TABLE_5 = _pairs("table_4"), _pairs("table_5")
"""Experiment 2, likewise: means, and their standard errors."""
TABLE_8: Mapping[str, _Values] = _PRINTED["table_8"]
"""Experiment 3, ResNet50: schedule -> metric -> value."""
TABLE_9: Mapping[str, _Values] = _PRINTED["table_9"]
"""Experiment 4, ResNet50: schedule -> metric -> value."""
TABLE_10: Mapping[str, _Values] = _PRINTED["table_10"]
"""Experiment 5, the CNN from scratch: schedule -> metric -> value."""
TABLE_11: Mapping[int, _Values] = {int(k): v for k, v in _PRINTED["table_11"].items()}
"""Experiment -> the values of the model that the paper calls its best by sensitivity on the test films."""
BACKBONES: Mapping[int, tuple[str, ...]] = {int(k): tuple(v) for k, v in _PRINTED["backbones"].items()}
"""Experiment -> the backbones of the paper."""
CONFUSION_CELLS: Mapping[str, tuple[str, str]] = {k: tuple(v) for k, v in _PRINTED["confusion_cells"].items()}
"""Table -> the (backbone, pipeline) whose confusion matrix it prints."""
FIGURES: Mapping[str, str] = _PRINTED["figures"]
"""A figure of a study's page -> what it is in the paper."""
SOURCES = frozenset[str](_PRINTED["sources"])
"""Where its films come from."""
NOTES: Mapping[int, str] = {int(k): v for k, v in _PRINTED["notes"].items()}
"""Table -> what its reader must know."""
METRICS = ("sensitivity", "specificity", "pr_auc", "seconds")
SCHEDULE = "constant"
"""The learning rate of Experiment 2."""
_POSITIVE = "covid"


def is_positive(class_: str) -> bool:
    """Whether a class is the one that the paper's numbers are about, however a study spells it."""
    return class_.casefold() == _POSITIVE


def is_of(classes: Sequence[str], positive: str) -> bool:
    """Whether a study asks what the paper asks, so that its figures and tables are the paper's where its films are too.

    >>> is_of(["bacterial", "COVID", "normal", "viral"], "COVID"), is_of(["covid", "normal"], "covid")
    (True, False)
    """
    return is_positive(positive) and {c.casefold() for c in classes} == set(TABLE_1)


def value(experiment: int, backbone: str, pipeline: str, schedule: str, metric: str) -> float | None:
    """The paper's number for a cell of an experiment, whichever backbone stands in Experiments 3 and 4; None where it has none.

    >>> value(3, "squeezenet1_0", "crop", "schedule-4", "sensitivity"), value(1, "resnet50", "rotation", "constant", "specificity")
    (0.9509, None)
    >>> value(2, "resnet50", "crop", "constant", "seconds"), value(2, "resnet50", "crop", "schedule-4", "seconds")
    (2176, None)
    """
    by_pipeline, by_schedule = {1: TABLE_3, 2: TABLE_4}, {3: TABLE_8, 4: TABLE_9, 5: TABLE_10}
    if experiment in by_pipeline:
        found = by_pipeline[experiment].get((backbone, pipeline), {}) if schedule == SCHEDULE else {}
    elif experiment == 5 and backbone not in BACKBONES[5]:
        found = {}
    else:
        found = by_schedule.get(experiment, {}).get(schedule, {})
    return found.get(metric)


def error(backbone: str, pipeline: str, schedule: str, metric: str) -> float | None:
    """The paper's standard error of a mean of Experiment 2; None where it has none.

    >>> error("squeezenet1_0", "crop-zoom", "constant", "seconds"), error("densenet121", "crop", "constant", "pr_auc")
    (18.3, None)
    """
    return TABLE_5.get((backbone, pipeline), {}).get(metric) if schedule == SCHEDULE else None

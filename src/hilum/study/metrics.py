"""Every metric, one entry each: its name, label and formula, which way is better, where it has rows, and where a report shows it.

To add a metric that counts films, add an entry to `METRICS`: statistics, comparisons, tables, glossary, and what a study file may name
in ``[[compare]]`` follow from it; ``python docs/reference/generated.py`` writes the page that lists them. A metric that ranks films needs a
column of the compiled walk too (`hilum.stats.walks`). What is counted and how intervals are made is in `hilum.stats`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

Kind = Literal["TP", "FN", "FP", "TN exact", "TN other"]
"""What a film is for a class: of it or not, predicted as it or not; of the last two, its own exact class was predicted or a third one."""
_OF_CLASS: tuple[Kind, ...] = ("TP", "FN")
_OTHERS: tuple[Kind, ...] = ("FP", "TN exact", "TN other")
KINDS: tuple[Kind, ...] = (*_OF_CLASS, *_OTHERS)

Rows = Literal["macro", "macro of two", "contrast"]
"""Rows of statistics beside the one of each class: the mean over three classes or more, over two, and a study's contrasts."""

Place = Literal[
    "headline", "pictured", "by class", "contrast", "contrast beside all", "contrast in words", "threshold", "validation"
]  # fmt: skip
"""Where a report shows a metric, besides the tables of trials and terms that have all: the table by cell (and what is compared unless a
study says otherwise), the figure of intervals, the table of classes, the tables of contrasts, there beside the figure of all films, the
contrasts in a sentence, the table at the operating point, and the validation figures of a tracked run."""


@dataclass(frozen=True)
class Metric:
    """A figure of one class against the rest.

    Attributes:
        name: In files.
        label: In tables.
        formula: In words.
        above: Kind of film -> its weight above the line; empty for an area, which ranks films instead of counting them.
        below: Its weight below the line.
        undefined: Why it is undefined where nothing is below the line.
        rows: Beside each class's own row.
        shown: See `Place`.
        limits: Of an area: how its interval is made where few events stand behind it (`hilum.stats.limits`).
        higher_is_better: Which way a difference speaks for a cell.
    """

    name: str
    label: str
    formula: str
    above: Mapping[Kind, int] = field(default_factory=dict)
    below: Mapping[Kind, int] = field(default_factory=dict)
    undefined: str = ""
    rows: tuple[Rows, ...] = ()
    shown: tuple[Place, ...] = ()
    limits: str = ""
    higher_is_better: bool = True

    @property
    def is_area(self) -> bool:
        """Whether it ranks films."""
        return not self.below

    @property
    def is_proportion(self) -> bool:
        """Whether it counts films out of films, so that binomial intervals apply (F1 counts some twice)."""
        return not self.is_area and set(self.below.values()) == {1}

    @property
    def needs_exact_class(self) -> bool:
        """Whether it asks for more than the class or not the class, so that a decision for one class does not give it."""
        return any(side.get("TN exact") != side.get("TN other") for side in (self.above, self.below))

    @property
    def share_of(self) -> Literal["class", "others", "all", "predicted"]:
        """The films that it is a share of; ``predicted`` where these depend on what was predicted."""
        sides: Mapping[frozenset[Kind], Literal["class", "others", "all"]] = {
            frozenset(_OF_CLASS): "class",
            frozenset(_OTHERS): "others",
            frozenset(KINDS): "all",
        }
        return sides.get(frozenset(self.below), "predicted") if self.is_proportion else "predicted"

    @property
    def word(self) -> str:
        """The label within a sentence."""
        return self.label[0].lower() + self.label[1:] if self.label[1:2].islower() else self.label


_ALL: Mapping[Kind, int] = dict.fromkeys(KINDS, 1)
_RIGHT: Mapping[Kind, int] = {"TP": 1, "TN exact": 1, "TN other": 1}

METRICS: tuple[Metric, ...] = (
    Metric(
        "sensitivity", "Sensitivity", "films of the class predicted as the class / films of the class",
        {"TP": 1}, {"TP": 1, "FN": 1}, "no film of the class", ("macro", "macro of two", "contrast"),
        ("headline", "pictured", "by class", "contrast", "contrast in words", "threshold", "validation"),
    ),
    Metric(
        "specificity", "Specificity", "films of other classes not predicted as the class / films of other classes",
        {"TN exact": 1, "TN other": 1}, {"FP": 1, "TN exact": 1, "TN other": 1}, "no film of another class", ("macro", "contrast"),
        ("headline", "pictured", "by class", "contrast", "contrast beside all", "contrast in words", "threshold", "validation"),
    ),
    Metric(
        "strict_rate", "Strict rate", "films of other classes predicted as their own exact class / films of other classes",
        {"TN exact": 1}, {"FP": 1, "TN exact": 1, "TN other": 1}, "no film of another class", shown=("validation",),
    ),
    Metric(
        "ppv", "PPV", "films of the class predicted as the class / films predicted as the class",
        {"TP": 1}, {"TP": 1, "FP": 1}, "no film predicted as the class", ("macro",), ("by class", "threshold", "validation"),
    ),
    Metric(
        "npv", "NPV", "films of other classes not predicted as the class / films not predicted as the class",
        {"TN exact": 1, "TN other": 1}, {"FN": 1, "TN exact": 1, "TN other": 1}, "every film predicted as the class",
        shown=("by class", "threshold"),
    ),
    Metric(
        "f1", "F1", "2 TP / (2 TP + FP + FN), TP, FP and FN of the class",
        {"TP": 2}, {"TP": 2, "FP": 1, "FN": 1}, "no film of the class and none predicted as it", ("macro", "macro of two"),
        ("by class", "validation"),
    ),
    Metric(
        "accuracy", "Accuracy", "films on the right side (the class, or not the class) / films",
        _RIGHT, _ALL, "no film", ("contrast",),
    ),
    Metric(
        "pr_auc", "PR-AUC", "trapezoid under precision over recall of the class's probability, from (0, 1)",
        rows=("macro", "contrast"), shown=("headline", "by class", "contrast", "validation"), limits="Wilson's interval",
    ),
    Metric(
        "average_precision", "Avg. precision", "sum over thresholds of precision x gain in recall",
        rows=("macro", "contrast"), limits="Wilson's interval",
    ),
    Metric(
        "roc_auc", "ROC-AUC", "share of (film of the class, other film) pairs ranked rightly, a tie counting half",
        rows=("macro", "contrast"), shown=("by class", "contrast", "contrast beside all", "contrast in words"),
        limits="Newcombe's method 5",
    ),
)  # fmt: skip

EXACT_ACCURACY = Metric(
    "exact_accuracy", "Accuracy, all classes", "films predicted as their own exact class / films",
    {"TP": 1, "TN exact": 1}, _ALL, "no film",
)  # fmt: skip
"""The one figure of all classes together; its row is called accuracy."""

METRIC: Mapping[str, Metric] = {m.name: m for m in (*METRICS, EXACT_ACCURACY)}
"""Each by its name."""
AREAS = tuple(m.name for m in METRICS if m.is_area)
"""The areas: each has a column of the compiled walk over a ranking (`hilum.stats.walks`), in this order."""

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[tuple(m.name for m in METRICS)]


def shown_in(place: Place) -> tuple[str, ...]:
    """The names of the metrics that a place shows, in order."""
    return tuple(m.name for m in METRICS if place in m.shown)


def shown_words(place: Place) -> str:
    """What a place shows, in words.

    >>> shown_words("headline"), shown_words("pictured")
    ('sensitivity, specificity and PR-AUC', 'sensitivity and specificity')
    """
    *first, last = (METRIC[name].word for name in shown_in(place))
    return f"{', '.join(first)} and {last}" if first else last


def with_rows(rows: Rows) -> tuple[str, ...]:
    """The names of the metrics that have these rows of statistics, in order."""
    return tuple(m.name for m in METRICS if rows in m.rows)


def formulas() -> dict[str, str]:
    """Name -> formula, of every figure that a file of statistics has."""
    return {m.name: m.formula for m in (*METRICS, EXACT_ACCURACY)}


def metric_label(name: str) -> str:
    """The label of a metric for tables; a name that is of no metric stands for itself."""
    return METRIC[name].label if name in METRIC else name

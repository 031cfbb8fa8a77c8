"""What is asked of the films of a cell: every figure of a file of statistics, as columns to count and as words to print.

Convention: a study of two classes asks for the positive class only, since every figure of the other says the same films over again; one of
three or more asks for each class against the rest. Macro averages are means over classes with equal weight: of the sensitivities (which is
balanced accuracy) and of F1 in any study, of the areas, specificity and PPV too where there are three classes or more: of two the others'
means say nothing new, since macro specificity is macro sensitivity and the areas mirror each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.artifacts.statistics import ALL_CLASSES, MACRO
from hilum.stats.confusion import Ratio, exact_accuracy, predicted_class, ratios
from hilum.stats.contrasts import Sides, contrasts
from hilum.stats.curves import NO_NEGATIVE, NO_POSITIVE
from hilum.stats.resampling import DecisionTable, Ranking, TrialFigures
from hilum.stats.walks import AREAS
from hilum.study.metrics import METRIC, with_rows

AT_POINT = "@operating_point"


@dataclass(frozen=True)
class TrialScores:
    """What one trial predicted for its films.

    Attributes:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, finite, (n_films, n_classes).
        clusters: Label of the unit that each film belongs to, (n_films,); equal labels are one unit, across
            trials too.
        threshold: The trial's operating point for the positive class, chosen on validation; None for none.
        sides: Contrasts and subgroups, with the films of either side.
    """

    y_true: ArrayLike
    y_score: ArrayLike
    clusters: ArrayLike
    threshold: float | None = None
    sides: Sequence[Sides] = ()


@dataclass(frozen=True)
class Figure:
    """One column of `Resamples`, or a macro average of several, and what a row needs besides.

    Attributes:
        metric: Name.
        class_: The class, ``"all"``, ``"macro"`` or a contrast.
        formula: In words.
        ratio: None for an area.
        n: Films.
        n_positive: Those of the class.
        note: What the reader must know.
        columns: Of a macro average, the columns that it is the mean of; else its own.
        shown: Whether it is a row; a column that is counted for a macro average only is not.
    """

    metric: str
    class_: str
    formula: str
    ratio: Ratio | None
    n: int
    n_positive: int
    note: str = ""
    columns: tuple[int, ...] = ()
    shown: bool = True

    @property
    def undefined(self) -> str:
        """Why it is undefined where it is."""
        if self.ratio is not None:
            return self.ratio.metric.undefined
        return NO_NEGATIVE if self.n_positive else NO_POSITIVE


def ask(trial: TrialScores, names: list[str], positive: str) -> tuple[TrialFigures, list[Figure]]:
    """What to count in one trial, and what each column of `resample` will mean."""
    true, score = np.asarray(trial.y_true), np.asarray(trial.y_score)
    n_classes, k = len(names), names.index(positive)
    everyone = np.ones(len(true), dtype=np.bool_)
    tables: list[DecisionTable] = []
    rankings: list[Ranking] = []
    of_tables: list[Figure] = []
    of_rankings: list[Figure] = []

    def decide(
        name: str,
        rows: NDArray[np.bool_],
        is_positive: NDArray[np.bool_],
        said: NDArray[np.bool_],
        suffix: str = "",
        only: Sequence[str] | None = None,
        note: str = "",
    ) -> None:
        wanted = [
            r for r in ratios(2, 1) if (not r.metric.needs_exact_class if only is None else r.name in only)
        ]
        tables.append(DecisionTable(np.where(rows, is_positive * 2 + said, -1), 2, wanted))
        n, n_positive = int(rows.sum()), int((rows & is_positive).sum())
        of_tables.extend(
            Figure(r.name + suffix, name, r.metric.formula, r, n, n_positive, note) for r in wanted
        )

    def rank(
        name: str,
        rows: NDArray[np.bool_],
        is_positive: NDArray[np.bool_],
        s: NDArray[np.float64],
        note: str = "",
    ) -> None:
        rankings.append(Ranking(is_positive, s, rows))
        n, n_positive = int(rows.sum()), int((rows & is_positive).sum())
        of_rankings.extend(Figure(a, name, METRIC[a].formula, None, n, n_positive, note) for a in AREAS)

    _ask_classes(true, score, names, k, tables, of_tables)
    for c in _asked(n_classes, k):
        rank(names[c], everyone, true == c, score[:, c])
    if trial.threshold is not None:
        note = f"threshold {trial.threshold:.6g}"
        decide(positive, everyone, true == k, score[:, k] >= trial.threshold, AT_POINT, note=note)
    for contrast in contrasts(trial.sides, score):
        only = contrast.only or with_rows("contrast")
        decide(contrast.name, contrast.rows, contrast.positive, contrast.said, only=only, note=contrast.note)
        if contrast.only is None:
            rank(contrast.name, contrast.rows, contrast.positive, contrast.score, contrast.note)
    return TrialFigures(trial.clusters, tables, rankings), of_tables + of_rankings


def _asked(n_classes: int, positive: int) -> list[int]:
    """The classes that have rows: all, but of two only the positive one."""
    return [positive] if n_classes == 2 else list(range(n_classes))


def _ask_classes(
    true: NDArray[np.int64],
    score: NDArray[np.float64],
    names: Sequence[str],
    positive: int,
    tables: list[DecisionTable],
    figures: list[Figure],
) -> None:
    """Add the table of decisions by class, and its figures: every ratio of each class, then the accuracy of all."""
    n, n_classes = len(true), len(names)
    asked, averaged = _asked(n_classes, positive), with_rows("macro of two")
    wanted = [
        (c, r) for c in range(n_classes) for r in ratios(n_classes, c) if c in asked or r.name in averaged
    ]
    overall = exact_accuracy(n_classes)
    cells = true * n_classes + predicted_class(score)
    tables.append(DecisionTable(cells, n_classes, [ratio for _, ratio in wanted] + [overall]))
    figures += [
        Figure(r.name, names[c], r.metric.formula, r, n, int((true == c).sum()), shown=c in asked)
        for c, r in wanted
    ]
    figures.append(Figure("accuracy", ALL_CLASSES, overall.metric.formula, overall, n, n))


def macro_averages(figures: Sequence[Figure], names: Sequence[str]) -> list[Figure]:
    """The macro averages of figures: each the mean of one figure over all classes.

    Args:
        figures: Every column.
        names: Of the classes.
    """
    metrics = with_rows("macro" if len(names) > 2 else "macro of two")
    found = []
    for metric in metrics:
        columns = tuple(
            k
            for name in sorted(names)
            for k, f in enumerate(figures)
            if (f.metric, f.class_) == (metric, name)
        )
        first = figures[columns[0]]
        formula = f"mean over the {len(names)} classes of: {first.formula}"
        found.append(
            replace(
                first,
                class_=MACRO,
                formula=formula,
                n_positive=first.n,
                columns=columns,
                note=_about(first.note),
                shown=True,
            )
        )
    return found


def _about(note: str) -> str:
    """A note of one class that holds for all: that films differ between trials."""
    return "; ".join(part for part in note.split("; ") if part.startswith("films differ"))


def merge(of_trials: list[list[Figure]]) -> Iterator[Figure]:
    """One description a column; where trials have other numbers of films, their mean and a note."""
    for column, same in enumerate(zip(*of_trials, strict=True)):
        notes = list(dict.fromkeys(f.note for f in same if f.note))
        if len({(f.n, f.n_positive) for f in same}) > 1:
            notes.append("films differ between trials; n is their mean: " + ", ".join(str(f.n) for f in same))
        n, n_positive = (
            round(float(np.mean(v))) for v in ([f.n for f in same], [f.n_positive for f in same])
        )
        yield replace(same[0], n=n, n_positive=n_positive, note="; ".join(notes), columns=(column,))

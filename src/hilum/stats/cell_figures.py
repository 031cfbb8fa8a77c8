"""Every figure of a file of statistics: what to count of the films of a cell, and in what words to print it.

Convention: a study of two classes has figures of the positive class only, since every figure of the other says the same films over again;
one of three or more has those of each class against the rest. Macro averages are means over classes with equal weight: of the
sensitivities (which is balanced accuracy) and of F1 in any study, of the areas, specificity and PPV too where there are three classes or
more: of two the others' means say nothing new, since macro specificity is macro sensitivity and the areas mirror each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hilum.artifacts.statistics import ALL_CLASSES, AT_OPERATING_POINT, MACRO
from hilum.stats.confusion import Ratio, exact_accuracy, predicted_class, ratios
from hilum.stats.contrasts import Contrast
from hilum.stats.curves import why_undefined
from hilum.stats.resampling import DecisionTable, Ranking, TrialFigures
from hilum.stats.scored_films import ScoredFilms
from hilum.study.metrics import AREAS, METRIC, METRICS, Metric, with_rows


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
        return why_undefined(self.ratio, self.n_positive)


def _figure(metric: Metric, asked: Contrast, ratio: Ratio | None = None, suffix: str = "") -> Figure:
    n, n_positive = int(asked.rows.sum()), int((asked.rows & asked.positive).sum())
    return Figure(metric.name + suffix, asked.name, metric.formula, ratio, n, n_positive, asked.note)


def figures_of(films: ScoredFilms, names: list[str], positive: str) -> tuple[TrialFigures, list[Figure]]:
    """What to count in one trial, and what each column of `resample` will mean.

    Args:
        films: Checked.
        names: Of the classes, in the order of the columns.
        positive: The positive class.
    """
    true, score, k = films.y_true, films.y_score, names.index(positive)
    everyone = np.ones(len(true), dtype=np.bool_)
    asked = [k] if len(names) == 2 else range(len(names))
    table, figures = _by_class(films, names, asked)
    tables = [table]
    decided: list[tuple[Contrast, Sequence[str], str]] = []
    ranked = [Contrast(names[c], everyone, true == c, everyone, score[:, c]) for c in asked]
    if films.threshold is not None:
        of_class, said = score[:, k], score[:, k] >= films.threshold
        note = f"threshold {films.threshold:.6g}"
        point = Contrast(positive, everyone, true == k, said, of_class, note=note)
        decided.append((point, [m.name for m in METRICS if not m.needs_exact_class], AT_OPERATING_POINT))
    for contrast in films.contrasts:
        decided.append((contrast, contrast.only or with_rows("contrast"), ""))
        if contrast.only is None:
            ranked.append(contrast)
    for c, only, suffix in decided:
        wanted = [r for r in ratios(2, 1) if r.name in only]
        tables.append(DecisionTable(np.where(c.rows, c.positive * 2 + c.said, -1), 2, wanted))
        figures += [_figure(r.metric, c, r, suffix) for r in wanted]
    rankings = [Ranking(c.positive, c.score, c.rows) for c in ranked]
    figures += [_figure(METRIC[area], c) for c in ranked for area in AREAS]
    return TrialFigures(films.clusters, tables, rankings), figures


def _by_class(
    films: ScoredFilms, names: Sequence[str], asked: Sequence[int]
) -> tuple[DecisionTable, list[Figure]]:
    """The table of decisions by class, and its figures: every ratio of each class asked for, then the accuracy of all."""
    true, n, n_classes = films.y_true, len(films.y_true), len(names)
    averaged, overall = with_rows("macro of two"), exact_accuracy(n_classes)
    wanted = [
        (c, r) for c in range(n_classes) for r in ratios(n_classes, c) if c in asked or r.name in averaged
    ]
    cells = true * n_classes + predicted_class(films.y_score)
    figures = [
        Figure(r.name, names[c], r.metric.formula, r, n, int((true == c).sum()), shown=c in asked)
        for c, r in wanted
    ]
    figures.append(Figure("accuracy", ALL_CLASSES, overall.metric.formula, overall, n, n))
    return DecisionTable(cells, n_classes, [*(ratio for _, ratio in wanted), overall]), figures


def macro_averages(
    figures: Sequence[Figure], names: Sequence[str], wanted: Sequence[str] = ()
) -> list[Figure]:
    """The macro averages: each the mean of one figure, a column, over all classes named (or findings, whose `wanted` figures are named)."""
    found, what = [], "findings" if wanted else "classes"
    for metric in wanted or with_rows("macro" if len(names) > 2 else "macro of two"):
        at = {f.class_: k for k, f in enumerate(figures) if f.metric == metric}
        columns = tuple(at[name] for name in sorted(names))
        first = figures[columns[0]]
        formula = f"mean over the {len(names)} {what} of: {first.formula}"
        # of a class's note what holds for all: that films differ between trials
        note = "; ".join(part for part in first.note.split("; ") if part.startswith("films differ"))
        found.append(
            replace(
                first,
                class_=MACRO,
                formula=formula,
                n_positive=first.n,
                columns=columns,
                note=note,
                shown=True,
            )
        )
    return found


def merge(of_trials: Iterable[list[Figure]]) -> Iterator[Figure]:
    """One description a column; where trials have other numbers of films, their mean and a note."""
    for column, same in enumerate(zip(*of_trials, strict=True)):
        notes = list(dict.fromkeys(f.note for f in same if f.note))
        if len({(f.n, f.n_positive) for f in same}) > 1:
            notes.append("films differ between trials; n is their mean: " + ", ".join(str(f.n) for f in same))
        n, n_positive = (
            round(float(np.mean(v))) for v in ([f.n for f in same], [f.n_positive for f in same])
        )
        yield replace(same[0], n=n, n_positive=n_positive, note="; ".join(notes), columns=(column,))

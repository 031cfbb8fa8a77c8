"""How a figure of the statistics stands in a table: the columns that name its cell, its estimate, its interval, the films behind it.

Convention: a row names its backbone with a mark where its weights are random, its pipeline, and whatever else varies in the study. An empty
place is a dash whose title says why. No row is marked as best: differences are tested in tables of comparisons only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import AT_OPERATING_POINT, RESERVED, StatisticsRow, StudyRow, StudyRows
from hilum.report import numbers
from hilum.report.run_words import backbone_label, cell_level
from hilum.report.table import Cell, Column, rate_cell, text_cell
from hilum.study.factors import FACTOR
from hilum.study.metrics import METRIC, metric_label


class CellColumns:
    """The columns that name a cell, the same in every table: backbone and pipeline, and whatever else varies in the study."""

    def __init__(self, folder: RunFolder) -> None:
        self._others = [f for f in folder.varying() if f not in ("backbone", "pipeline")]

    def columns(self) -> list[Column]:
        """Headings of the columns that name a cell."""
        return [Column(FACTOR[f].label, numeric=False) for f in ("backbone", "pipeline", *self._others)]

    def cells(self, cell: RunCell) -> list[Cell]:
        """What the columns that name a cell hold for it."""
        names = [cell.pipeline, *(cell_level(cell, f) for f in self._others)]
        return [text_cell(backbone_label(cell), strong=True), *(text_cell(n) for n in names)]

    def label(self, cell: RunCell) -> str:
        """A cell's name: what these columns hold, in a line."""
        return ", ".join(c.text for c in self.cells(cell))


def backbone_breaks(cells: Sequence[RunCell], rows_each: int = 1) -> frozenset[int]:
    """The rows at which another backbone begins."""
    return frozenset(
        k * rows_each for k in range(1, len(cells)) if cells[k].backbone != cells[k - 1].backbone
    )


def estimate_cell(row: StatisticsRow | None) -> Cell:
    """An estimate; a dash with its reason where there is none."""
    if row is None:
        return Cell(numbers.NONE, None, quiet=True, title="not computed")
    return rate_cell(row.estimate, title=row.note, n=films_behind(row))


ENDS = ("low", "high", "n")
"""What the csv has of an interval: its ends, and the films that the figure is a share of."""
BOTH = ("estimate", *ENDS)


def interval_column(group: str = "", hint: str = "") -> Column:
    """The heading of an interval; in the csv its ends and films each have a column."""
    return Column("95 % interval", group=group, hint=hint, parts=ENDS)


def interval_cell(row: StatisticsRow | None) -> Cell:
    """The interval of an estimate."""
    if row is None or row.low is None or row.high is None:
        n = films_behind(row) if row else None
        return Cell(numbers.NONE, (None, None, n), quiet=True, title=row.note if row else "not computed")
    n = films_behind(row)
    return Cell(numbers.interval(row.low, row.high, n), (row.low, row.high, n), title=row.method)


def figure_column(metric: str, formulas: Mapping[str, str]) -> Column:
    """The heading of a metric's estimates with their intervals."""
    label = metric_label(metric)
    return Column(label, key=label, hint=formulas.get(metric, ""), rule=True, parts=BOTH)


def both_cell(row: StatisticsRow | None) -> Cell:
    """An estimate with its interval in brackets, on a page under it where that is narrow; in the csv apart."""
    if row is None or row.estimate is None or row.low is None or row.high is None:
        found = estimate_cell(row)
        return replace(found, value=(row.estimate, None, None, films_behind(row)) if row else None)
    n = films_behind(row)
    ends = numbers.interval(row.low, row.high, n).replace(" ", "\N{NO-BREAK SPACE}")
    text = f"{numbers.rate(row.estimate, numbers.digits(n))} ({ends})"
    title = "; ".join(t for t in (row.method, row.note) if t)
    return Cell(text, (row.estimate, row.low, row.high, n), title=title)


def few_events_notes(rows: Iterable[StatisticsRow | None]) -> tuple[str, ...]:
    """A sentence on the figures that rest on few events; none where there are none."""
    known = [r for r in rows if r is not None and r.estimate is not None]
    few = [r for r in known if "few events" in r.note]
    if not few:
        return ()
    said = f"Few events (fewer than ten errors, counted by {few[0].unit}) stand behind {len(few)} of {len(known)} figures here: their "
    return (said + "intervals are no narrower than so few allow, and a figure of 1 is not certainty.",)


def undefined_notes(rows: Iterable[StatisticsRow | None]) -> tuple[str, ...]:
    """A sentence for each reason for which figures are undefined: a dash stands in their place."""
    of: dict[str, dict[str, None]] = {}
    for r in rows:
        if r is not None and r.estimate is None and (found := re.search(r"undefined: ([^;(]+)", r.note)):
            of.setdefault(found[1].strip(), {})[metric_label(r.metric)] = None
    return tuple(
        f"A dash stands where a figure is undefined: {why} ({numbers.listed(list(m))})."
        for why, m in of.items()
    )


def films_behind(row: StatisticsRow) -> int:
    """The films that a figure is a share of, or (areas, F1, PPV, NPV, macro averages) the scarcer side's, which say how sure it can be."""
    metric = METRIC.get(row.metric.removesuffix(AT_OPERATING_POINT))
    others = row.n - row.n_positive
    if not others:
        return row.n
    films = {"all": row.n, "class": row.n_positive, "others": others}
    return films.get(metric.share_of if metric else "", min(row.n_positive, others))


def contrasts(rows: StudyRows, folder: RunFolder) -> dict[str, list[StudyRow]]:
    """The rows of each contrast, means over trials only."""
    names = [c for c in rows.classes() if c not in (*folder.classes, *RESERVED)]
    subgroups = {q.name for q in folder.questions if q.subgroup}
    return {
        c: [r for r in rows.rows if r.class_ == c and r.trial is None] for c in names if c not in subgroups
    }

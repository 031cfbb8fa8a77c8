"""Search: what was tried for each cell, what was chosen and by how much it was better there, and what that cost.

Convention: every number is of a search's own file (`hilum.artifacts.search`), and is of films that values were chosen on. What the chosen
values are worth says the table of results, on test films.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import RunFacts, stage_seconds
from hilum.artifacts.search import Search, Tried, Value, searches_of
from hilum.report import numbers, style
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.table import Cell, Column, Table, count_cell, seconds_cell, text_cell
from hilum.study.metrics import metric_label
from hilum.study.search import LOSS

_MOST = 6  # panels of a figure
_RATE = "learning_rate"
Found = Sequence[tuple[RunCell, Search]]


def section(evaluated: Evaluated) -> Section | None:
    """What was found for each cell; None where nothing was searched."""
    folder = evaluated.folder
    searches = searches_of(folder.path, [c.name for c in folder.cells])
    found = [(c, searches[c.name]) for c in folder.cells if c.name in searches]
    if not found:
        return None
    of = found[0][1]
    n = sum(len(s.tried) for _, s in found)
    paragraphs = (
        f"{numbers.counted(len(of.tried), 'trial')} a cell were tried, the first with the study’s own values, the others proposed from the "
        f"scores before them. Chosen was the one with the {'highest' if of.higher_is_better else 'lowest'} {_metric(of)} on "
        f"{_held_back(of)}. No test film was read. Searched: {_ranges(of)}.",
        "The scores here are of the films that the values were chosen on, so the best of many flatters itself. What the values are worth "
        "stands in the results, on test films.",
        _cost(evaluated, found),
    )
    brief = f"{n} trials of {numbers.counted(len(found), 'cell')} chose values on {_held_back(of)}; test films took no part."
    items: list[Table | Picture] = [chosen_table(evaluated, found), scores_picture(evaluated, found)]
    if _RATE in of.ranges:
        items.append(rates_picture(evaluated, found))
    return Section("search", "Search", paragraphs, items, [tried_table(evaluated, found)], brief)


def _metric(of: Search) -> str:
    return "loss" if of.metric == LOSS else metric_label(of.metric)


def _held_back(of: Search) -> str:
    """The films that values were chosen on."""
    if of.chosen_on == "folds":
        return f"films of train and validation of trial 1, held back in {of.folds} folds (mean)"
    return "the validation films of trial 1"


def _ranges(of: Search) -> str:
    """What was searched, in words."""
    said = []
    for name, range_ in of.ranges.items():
        if isinstance(range_, Mapping):
            ends = f"{value_text(name, range_['low'])} to {value_text(name, range_['high'])}"
            words = ends + (", by its logarithm" if range_.get("log") else "")
        else:
            words = ", ".join(value_text(name, v) for v in range_)
        said.append(f"{_label(name).lower()} ({words})")
    return numbers.listed(said)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def value_text(name: str, value: Value) -> str:
    """A value as it is printed.

    >>> value_text("learning_rate", 0.00052), value_text("dropout", 0.25), value_text("head", "mlp")
    ('5.2e-04', '0.25', 'mlp')
    """
    if isinstance(value, str) or name == "epochs":
        return str(value)
    return f"{value:.2g}" if name == "dropout" else f"{value:.1e}" if value else "0"


def _cost(evaluated: Evaluated, found: Found) -> str:
    """Trainings, their seconds, and the share of the run."""
    n = sum(len(s.tried) * s.folds for _, s in found)
    text = f"What it cost: {numbers.counted(n, 'training')}, {numbers.seconds(sum(s.seconds for _, s in found))} s of training added up"
    step, run = stage_seconds(evaluated.folder.path, "search"), RunFacts.known(evaluated.folder.path).seconds
    if step is None or not run:
        return f"{text}."
    return f"{text}; the step took {numbers.seconds(step)} of the {numbers.seconds(run)} s of the run ({numbers.percent(step / run)})."


def _value_cell(name: str, value: Value) -> Cell:
    return Cell(value_text(name, value).replace("fc-", "fc\N{NON-BREAKING HYPHEN}"), value)


def chosen_table(evaluated: Evaluated, found: Found) -> Table:
    """A row a cell: what was tried and chosen, its score beside that of the study's own values, and the seconds."""
    first, names = found[0][1], evaluated.names
    columns = [
        *names.columns(),
        Column("Tried", rule=True),
        Column("Failed", hint="a loss was no longer finite"),
    ]
    columns += [
        Column("Own values", hint="score of the study’s own values"),
        Column("Chosen", hint="score of the chosen values"),
        Column("Better by", hint="the chosen values’ score against that of the study’s own"),
        Column("Trial", hint="number of the trial that was chosen; 1 has the study’s own values"),
    ]
    columns += [Column(_label(n), rule=k == 0, numeric=n != "head") for k, n in enumerate(first.ranges)]
    columns.append(Column("Seconds", hint="of all its trainings, added up", rule=True))
    body = []
    for cell, s in found:
        scores = [Cell(numbers.rate(v), v, quiet=v is None) for v in (s.own.score, s.best.score, s.gain)]
        values = [_value_cell(n, s.chosen[n]) for n in s.ranges]
        counts = [count_cell(len(s.tried)), count_cell(s.failed)]
        number = Cell(str(s.best.number), s.best.number)
        body.append([*names.cells(cell), *counts, *scores, number, *values, seconds_cell(s.seconds)])
    way = "higher" if first.higher_is_better else "lower"
    caption = f"For each cell the values of its best trial. Scores: {_metric(first)} on {_held_back(first)}, {way} is better."
    return Table("search", "Chosen values", caption, columns, body, sortable=False)


def tried_table(evaluated: Evaluated, found: Found) -> Table:
    """A row a trial of each cell."""
    first, names = found[0][1], evaluated.names
    columns = [*names.columns(), Column("Trial", rule=True)]
    columns += [Column(_label(n), numeric=n != "head") for n in first.ranges]
    columns += [Column("Score"), Column("Seconds"), Column("State", numeric=False, prose=True)]
    body: list[list[Cell]] = []
    breaks = set()
    for cell, s in found:
        breaks.add(len(body))
        for t in s.tried:
            best = t.number == s.best.number
            score = Cell(numbers.rate(t.score), t.score, quiet=t.score is None, strong=best)
            state = text_cell(t.reason or ("chosen" if best else t.state))
            lead = [*names.cells(cell), Cell(str(t.number), t.number, strong=best)]
            values = [_value_cell(n, t.values[n]) for n in s.ranges]
            body.append([*lead, *values, score, seconds_cell(t.seconds), state])
    caption = f"Every trial of the search, in the order that they were tried; score: {_metric(first)} on {_held_back(first)}."
    return Table("search-trials", "Every trial", caption, columns, body, breaks=frozenset(breaks - {0}))


def scores_picture(evaluated: Evaluated, found: Found) -> Picture:
    """Score over the number of the trial, with the best so far and the study's own values, a panel a cell."""
    with _panels(evaluated, found) as (fig, panels):
        for ax, s in panels:
            _points(ax, s, lambda t: t.number)
            pick = max if s.higher_is_better else min
            so_far, best = [], None
            for t in s.tried:
                if t.score is not None:
                    best = t.score if best is None else pick(best, t.score)
                if best is not None:
                    so_far.append((t.number, best))
            colour, dash = style.line(1)
            ax.step(*zip(*so_far, strict=True), where="post", color=colour, ls=dash, label="best so far")
            ax.set_xlabel("trial")
    return evaluated.picture(
        fig,
        "search-scores",
        f"Score of each trial, in the order that they were tried: {_metric(found[0][1])} on {_held_back(found[0][1])}; the best so far, "
        f"and the study’s own values.{_far_off(found)}{_cut(found)}",
        "Scatter plot with a line of steps; its numbers are in the table of every trial.",
    )


def rates_picture(evaluated: Evaluated, found: Found) -> Picture:
    """Score against the learning rate, a panel a cell."""
    with _panels(evaluated, found) as (fig, panels):
        for ax, s in panels:
            _points(ax, s, lambda t: t.values[_RATE])
            if isinstance(s.ranges[_RATE], list) or s.ranges[_RATE].get("log"):
                ax.set_xscale("log")
            ax.set_xlabel("learning rate")
    return evaluated.picture(
        fig,
        "search-rates",
        f"Score of each trial against its learning rate, the other values as they were tried: {_metric(found[0][1])} on "
        f"{_held_back(found[0][1])}.{_far_off(found)}{_cut(found)}",
        "Scatter plot; its numbers are in the table of every trial.",
    )


def _points(ax: Axes, s: Search, x: Callable[[Tried], Any]) -> None:
    """A point a trial that was scored; those that are far off stand at the edge, as marks of their own."""
    limit = _edge(s)
    scored = [t for t in s.tried if t.score is not None]
    within = [t for t in scored if not _beyond(t, s, limit)]
    off = [t for t in scored if _beyond(t, s, limit)]
    ax.scatter(
        [x(t) for t in within],
        [t.score or 0.0 for t in within],
        s=14,
        color=style.line(0)[0],
        label="trial",
        zorder=3,
    )
    if off:
        mark = "v" if s.higher_is_better else "^"
        ax.scatter(
            [x(t) for t in off],
            [limit] * len(off),
            s=20,
            marker=mark,
            color=style.INK,
            label="far off",
            zorder=3,
        )
    if s.own.score is not None:
        ax.axhline(
            s.own.score, color=style.INK, lw=0.9, ls=(0, (4, 2)), label="the study’s own values", zorder=1.6
        )
    best = s.best
    if best.score is not None:
        ax.scatter(
            [x(best)], [best.score], s=70, facecolors="none", edgecolors=style.line(1)[0], lw=1.4, label="chosen", zorder=4
        )  # fmt: skip
    ax.set_ylabel(_metric(s))


def _edge(s: Search) -> float:
    """Where a panel ends on its bad side: far beyond the middle half of the scores, so that one bad trial does not flatten the others."""
    scores = sorted(t.score for t in s.tried if t.score is not None)
    if not scores:
        return 0.0
    low, middle, high = (scores[int(q * (len(scores) - 1))] for q in (0.25, 0.5, 0.75))
    own = s.own.score if s.own.score is not None else middle
    reach = 2 * max(high - low, abs(own - middle))
    return min(low, own) - reach if s.higher_is_better else max(high, own) + reach


def _beyond(t: Tried, s: Search, limit: float) -> bool:
    return t.score is not None and (t.score < limit if s.higher_is_better else t.score > limit)


def _far_off(found: Found) -> str:
    """How many points stand at the edge, and how many have none."""
    off = sum(_beyond(t, s, _edge(s)) for _, s in found[:_MOST] for t in s.tried)
    failed = sum(s.failed for _, s in found[:_MOST])
    said = f" {numbers.counted(off, 'trial')} far off at the edge." if off else ""
    return said + (
        f" {numbers.counted(failed, 'trial')} failed and {'has' if failed == 1 else 'have'} no point."
        if failed
        else ""
    )


@contextmanager
def _panels(evaluated: Evaluated, found: Found) -> Iterator[tuple[Figure, list[tuple[Axes, Search]]]]:
    """A panel a cell, to be drawn in the block; then there is one legend."""
    shown = found[:_MOST]
    columns = min(len(shown), 2)
    width, height = style.WIDTH_IN if columns > 1 else 5.6, 0.45 + 2.6 * -(-len(shown) // columns)
    with style.figure(width, height) as fig:
        axes = style.panels(fig, len(shown), columns)
        yield fig, [(ax, s) for ax, (_, s) in zip(axes, shown, strict=True)]
        for ax, (cell, _) in zip(axes, shown, strict=True):
            ax.set_title(textwrap.fill(evaluated.names.label(cell), 44), fontsize=8)
        style.one_legend(fig, axes)


def _cut(found: Found) -> str:
    return f" The first {_MOST} of {len(found)} cells." if len(found) > _MOST else ""

"""Figures of curves: losses by epoch, the rate of every batch under each schedule, what a rate finder saw, precision over recall.

Convention: each function takes plain values and returns a figure; nothing is computed here but positions. Losses are in nats; epochs and
batches are counted from 1 through the whole training. The finder's loss is smoothed, its rates are on a logarithmic scale, and its three
suggestions have fastai's names: steep (the fastest fall), valley (in the middle of the longest fall) and minimum (a tenth of the rate of
the lowest loss).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.artifacts.evaluation import Band
from hilum.artifacts.history import LossCurve
from hilum.artifacts.trial_files import FinderCurve
from hilum.report import style

_MARKS = {"steep": "v", "valley": "o", "minimum": "s"}


_MOST_COLUMNS = 6  # of a grid of loss curves
_WRAPPED = 4  # columns where there are more


def loss_curves(curves: Mapping[tuple[str, str], Sequence[LossCurve]], mean: bool = False) -> Figure:
    """Training and validation loss by epoch, a panel a cell; more columns than fit are wrapped, each panel with its whole name.

    Args:
        curves: (row, column) -> trials, in the order of rows and columns. A cell without trials is left out.
        mean: Whether the mean over trials is drawn thick, as far as all of them went, and each trial thin.
    """
    rows, columns = (list(dict.fromkeys(key[k] for key in curves)) for k in (0, 1))
    places = {(r, c): (r, c) for r in rows for c in columns if curves.get((r, c))}
    wrapped = len(columns) > _MOST_COLUMNS
    if wrapped:
        places = {key: (str(k // _WRAPPED), str(k % _WRAPPED)) for k, key in enumerate(places)}
        rows = [str(k) for k in range(-(-len(places) // _WRAPPED))]
        columns = [str(k) for k in range(_WRAPPED)]
    with style.figure(max(3.4, style.WIDTH_IN * min(1.0, len(columns) / 3)), 0.75 + 1.45 * len(rows)) as fig:
        axes = fig.subplots(
            len(rows), len(columns), sharex=not wrapped, sharey="all" if wrapped else "row", squeeze=False
        )
        for ax in axes.ravel():
            ax.set_axis_off()
        for key, (row, column) in places.items():
            i, j = rows.index(row), columns.index(column)
            ax = axes[i][j]
            ax.set_axis_on()
            (_mean_over_trials if mean else _each_trial)(ax, curves[key])
            ax.xaxis.get_major_locator().set_params(integer=True)
            if i == 0 or wrapped:
                ax.set_title("\n".join(dict.fromkeys((key[0].split("\n")[0], key[1]))) if wrapped else column)
            if j == 0:
                ax.set_ylabel("loss (nats)" if wrapped else f"{row}\nloss (nats)")
            if i == len(rows) - 1 or wrapped:
                ax.set_xlabel("epoch")
        for of_row in axes:
            of_row[0].set_ylim(bottom=0)  # after all of a row is drawn: it ends the row's choice of the top
        style.one_legend(fig, axes.ravel().tolist())
        return fig


def _each_trial(ax: Axes, trials: Sequence[LossCurve]) -> None:
    """A pair of thin lines a trial, a ring where its weights were kept."""
    for k, trial in enumerate(trials):
        for part, values, (colour, dash) in _parts(trial):
            ax.plot(
                np.arange(1, len(values) + 1), values, color=colour, linestyle=dash, lw=0.9, alpha=0.85,
                marker="o" if len(values) == 1 else "", ms=3, label=part if k == 0 else f"_{part}, trial {k + 1}",
            )  # fmt: skip
        if trial.best is not None and trial.kept is not None:
            ax.plot(trial.best, trial.kept, marker="o", ms=4, mfc="white", mec=style.VERMILION, ls="")


def _mean_over_trials(ax: Axes, trials: Sequence[LossCurve]) -> None:
    """The mean thick, each of several trials thin."""
    for lines in zip(*(_parts(t) for t in trials), strict=True):
        part, _, (colour, dash) = lines[0]
        of_trials = [np.asarray(values, np.float64) for _, values, _ in lines if len(values)]
        if not of_trials:
            continue
        for k, values in enumerate(of_trials if len(of_trials) > 1 else ()):
            epochs = np.arange(1, values.size + 1)
            ax.plot(epochs, values, color=colour, lw=0.5, alpha=0.45, label=f"_{part}, trial {k + 1}")
        n = min(values.size for values in of_trials)
        ax.plot(
            np.arange(1, n + 1), np.mean([values[:n] for values in of_trials], axis=0), color=colour, linestyle=dash, lw=1.5,
            marker="o" if n == 1 else "", ms=3, label=part,
        )  # fmt: skip


def _parts(trial: LossCurve) -> tuple[tuple[str, Sequence[float], tuple[str, Any]], ...]:
    """Name, losses, colour and dash of each of its lines."""
    return ("training", trial.train, style.line(0)), ("validation", trial.valid, style.line(1))


@dataclass(frozen=True)
class RateCurve:
    """The rates of a schedule.

    Attributes:
        name: Of the schedule.
        rates: float64 (n_steps,), one a batch.
        steps_per_epoch: Batches an epoch.
    """

    name: str
    rates: NDArray[np.float64]
    steps_per_epoch: int


def rate_curves(curves: Sequence[RateCurve]) -> Figure:
    """Learning rate by batch, all schedules in one panel, with epochs along the top where they agree on their length."""
    with style.figure(style.WIDTH_IN, 2.9) as fig:
        ax = fig.subplots()
        for k, curve in enumerate(curves):
            colour, dash = style.line(k)
            steps = np.arange(1, len(curve.rates) + 1)
            ax.plot(steps, curve.rates, color=colour, linestyle=dash, label=curve.name)
        ax.set(xlabel="batch", ylabel="learning rate")
        ax.set_ylim(bottom=0)
        ax.set_xlim(left=0)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        lengths = {c.steps_per_epoch for c in curves}
        if len(lengths) == 1:
            a_step = float(lengths.pop())
            ways = (lambda x: np.asarray(x) / a_step, lambda x: np.asarray(x) * a_step)
            top = ax.secondary_xaxis("top", functions=ways)
            top.set_xlabel("epoch")
        fig.legend(loc="outside upper center", ncols=min(4, len(curves)))
        return fig


def finder_curves(panels: Sequence[tuple[str, Sequence[tuple[str, FinderCurve]]]]) -> Figure:
    """Smoothed loss over the learning rate, a panel a backbone, its suggestions marked on the lines."""
    n_columns = min(2, len(panels))
    n_rows = -(-len(panels) // n_columns)
    width = style.WIDTH_IN if n_columns == 2 else 4.6
    with style.figure(width, 0.35 + 2.6 * n_rows) as fig:
        for ax, (title, curves) in zip(style.panels(fig, len(panels), n_columns), panels, strict=True):
            for k, (name, curve) in enumerate(curves):
                colour, dash = style.line(k)
                ax.plot(curve.rates, curve.losses, color=colour, linestyle=dash, label=name)
                for kind, rate in curve.suggestions.items():
                    at = float(np.interp(np.log(rate), np.log(curve.rates), curve.losses))
                    label = f"{kind} {rate:.1e}" if len(curves) == 1 else "_nolegend_"
                    ax.plot(
                        rate, at, marker=_MARKS[kind], ls="", ms=5.5, mfc="white", mec=colour, mew=1.2,
                        label=label,
                    )  # fmt: skip
            ax.set(title=title, xlabel="learning rate", ylabel="loss (smoothed)", xscale="log")
            lowest = min(min(c.losses) for _, c in curves)
            usual = max(float(np.quantile(c.losses, 0.8)) for _, c in curves)
            first = max(usual, *(c.losses[0] for _, c in curves))
            # a loss that runs away at the end would press the rest flat; one that never falls is shown all the same
            fall = max(first - lowest, 0.1 * abs(first), 1e-6)
            ax.set_ylim(lowest - 0.1 * fall, first + 0.6 * fall)
            ax.legend(fontsize=7)
        return fig


@dataclass(frozen=True)
class PrCurve:
    """A precision-recall curve to draw.

    Attributes:
        name: Of the line, with its area.
        recall: (n_points,), from 0 to 1.
        precision: (n_points,), from 0 to 1.
        mark: (recall, precision) of the class of the highest probability; None for no mark.
    """

    name: str
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    mark: tuple[float, float] | None = None


def pr_curves(panels: Sequence[tuple[str, Sequence[PrCurve]]], prevalence: float) -> Figure:
    """Precision over recall, a panel a backbone, a line a pipeline (Fig. 7).

    Args:
        panels: (title, lines) from left to right, at most two a row.
        prevalence: Share of positive films: the precision of a guess, drawn as a thin line.
    """
    n_columns = min(2, len(panels))
    n_rows = -(-len(panels) // n_columns)
    lowest = min(
        (float(c.precision[c.recall >= 0.02].min()) for _, lines in panels for c in lines), default=0.0
    )
    most = max((len(lines) for _, lines in panels), default=0)
    below = 0.1 + 0.16 * most  # inches of the legend, which stands under its panel so that it hides no curve
    with style.figure(style.WIDTH_IN if n_columns == 2 else 4.4, 0.3 + (3.1 + below) * n_rows) as fig:
        grid = fig.subplots(2 * n_rows, n_columns, squeeze=False, height_ratios=[3.1, below] * n_rows)
        flat: list[Axes] = grid[::2].ravel().tolist()
        under: list[Axes] = grid[1::2].ravel().tolist()
        for ax in under:
            ax.set_axis_off()
        for ax, legend, (title, lines) in zip(flat, under, panels, strict=False):
            ax.axhline(prevalence, color="#999999", lw=0.8, ls=(0, (2, 2)), label="_nolegend_")
            ax.text(
                0.01,
                prevalence + 0.01,
                f"a guess: {prevalence:.3f}",
                fontsize=7,
                color="#666666",
                va="bottom",
                zorder=2.5,  # above the curves, on a ground of its own
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6},
            )
            for k, curve in enumerate(lines):
                colour, dash = style.line(k)
                ax.plot(curve.recall, curve.precision, color=colour, linestyle=dash, label=curve.name)
                if curve.mark:
                    ax.plot(
                        *curve.mark, marker="o", ms=4.5, mfc="white", mec=colour, mew=1.2, ls="",
                        clip_on=False, zorder=3,
                    )  # fmt: skip
            ax.set(title=title, xlabel="recall (sensitivity)", ylabel="precision (PPV)", xlim=(0, 1.005))
            ax.set_ylim(min(0.0, lowest), 1.005)
            ax.set_aspect("equal", adjustable="box")
            legend.legend(*ax.get_legend_handles_labels(), loc="upper center", fontsize=7, handlelength=2.6)
        for ax in flat[len(panels) :]:
            ax.set_axis_off()
        return fig


@dataclass(frozen=True)
class BandPanel:
    """A cell's mean curve to draw.

    Attributes:
        title: The cell.
        band: Mean and interval.
        area: In words, written into the panel.
        guess: Height of a guess at x = 0 and at x = 1.
        mark: (x, y) of the class of the highest probability; None for no mark.
    """

    title: str
    band: Band
    area: str
    guess: tuple[float, float]
    mark: tuple[float, float] | None = None


def band_panels(panels: Sequence[BandPanel], axes: tuple[str, str]) -> Figure:
    """Mean curves with their bands, a panel a cell, three a row or two.

    Args:
        panels: In order.
        axes: What runs along x and up y, both from 0 to 1.
    """
    columns = 2 if len(panels) in (2, 4) else min(3, len(panels))
    rows = -(-len(panels) // columns)
    width = style.WIDTH_IN * {1: 0.52, 2: 0.86, 3: 1.0}[columns]
    with style.figure(width, 0.25 + rows * (0.93 * width / columns + 0.1)) as fig:
        shown = style.panels(fig, len(panels), columns, sharex=True, sharey=True)
        for k, (ax, panel) in enumerate(zip(shown, panels, strict=True)):
            band, guess, (colour, _) = panel.band, panel.guess, style.line(0)
            ax.plot([0, 1], guess, color="#999999", lw=0.8, ls=(0, (2, 2)), label="_nolegend_")
            ax.fill_between(band.x, band.low, band.high, color=colour, alpha=0.2, lw=0)
            for name, edge in (("95 % from", band.low), ("95 % to", band.high)):
                ax.plot(band.x, edge, color=colour, lw=0.4, alpha=0.6, label=f"_{name}")
            ax.plot(band.x, band.mean, color=colour, label="_mean")
            if panel.mark:
                ax.plot(
                    *panel.mark,
                    marker="o",
                    ms=4.5,
                    mfc="white",
                    mec=colour,
                    mew=1.2,
                    ls="",
                    clip_on=False,
                    zorder=3,
                )
            ax.set_title(textwrap.fill(panel.title, 34))
            low = guess[0] < guess[1] or guess[0] < 0.5  # where the corner at the right end is free
            ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
            place = (0.97, 0.06 if low else 0.3)
            ax.text(*place, panel.area, ha="right", fontsize=7.5, transform=ax.transAxes, bbox=ground)
            ax.set(xlim=(-0.005, 1.005), ylim=(-0.005, 1.005), aspect="equal")
            if k + columns >= len(panels):
                ax.set_xlabel(axes[0])
                ax.tick_params(labelbottom=True)
            if k % columns == 0:
                ax.set_ylabel(axes[1])
        return fig

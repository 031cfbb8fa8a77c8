"""The study's figures: loss curves, precision-recall curves, confusion matrices, intervals by cell.

Convention: each function takes plain values and returns a figure; what is drawn for which cell is decided by
the caller, nothing is computed here but positions. Rates run from 0 to 1; losses (cross-entropy unless the study
names another) are in nats.
Films are drawn in `hilum.report.panel`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.artifacts.history import LossCurve
from hilum.report import style
from hilum.report.numbers import percent

_WIDE_LABEL = 9
"""Characters of a class's name that fit under its column of a confusion matrix; longer ones are turned."""


def loss_curves(
    rows: Sequence[str], columns: Sequence[str], curves: Mapping[tuple[str, str], Sequence[LossCurve]]
) -> Figure:
    """Training and validation loss: a row a backbone, a column a pipeline, a pair of thin lines a trial (Fig.
    8).

    Args:
        rows: Names from top to bottom.
        columns: Names from left to right.
        curves: (row, column) -> trials. A missing cell is left out.
    """
    with style.figure(max(3.4, style.WIDTH_IN * min(1.0, len(columns) / 3)), 0.75 + 1.45 * len(rows)) as fig:
        axes = fig.subplots(len(rows), len(columns), sharex=True, sharey="row", squeeze=False)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                ax, trials = axes[i][j], curves.get((row, column), ())
                if not trials:
                    ax.set_axis_off()
                    continue
                for k, trial in enumerate(trials):
                    for part, values, (colour, dash) in (
                        ("training", trial.train, style.line(0)),
                        ("validation", trial.valid, style.line(1)),
                    ):
                        epochs = np.arange(1, len(values) + 1)
                        marker = "o" if len(values) == 1 else ""
                        ax.plot(
                            epochs,
                            values,
                            color=colour,
                            linestyle=dash,
                            lw=0.9,
                            alpha=0.85,
                            marker=marker,
                            ms=3,
                            label=part if k == 0 else f"_{part}, trial {k + 1}",
                        )
                    if trial.best is not None and trial.kept is not None:
                        ax.plot(
                            trial.best, trial.kept, marker="o", ms=4, mfc="white", mec=style.VERMILION, ls=""
                        )
                ax.xaxis.get_major_locator().set_params(integer=True)
                if i == 0:
                    ax.set_title(column)
                if j == 0:
                    ax.set_ylabel(f"{row}\nloss (nats)")
            axes[i][0].set_ylim(
                bottom=0
            )  # after all of a row is drawn: it ends the row's own choice of the top
        for ax in axes[-1]:
            ax.set_xlabel("epoch")
        _one_legend(fig, axes.ravel().tolist())
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


def confusion_matrices(panels: Sequence[tuple[str, NDArray[np.int64]]], classes: Sequence[str]) -> Figure:
    """Confusion matrices side by side (Tables 6 and 7): rows the truth, shaded by the share of the row.

    Args:
        panels: (title, counts (n_classes, n_classes)), at most three a row.
        classes: Names in the order of rows and columns.
    """
    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    names = [breakable(c) for c in classes]
    turned = max(len(line) for name in names for line in name.split("\n")) > _WIDE_LABEL - len(classes) // 2
    small = 0.8 if len(classes) > 4 and n_columns > 2 else 1.0
    with style.figure(min(style.WIDTH_IN, 0.5 + 3.2 * n_columns), 0.3 + 3.0 * n_rows) as fig:
        axes = fig.subplots(n_rows, n_columns, squeeze=False, sharey=True)
        flat: list[Axes] = axes.ravel().tolist()
        for ax, (title, counts) in zip(flat, panels, strict=False):
            totals = counts.sum(axis=1, keepdims=True)
            shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
            ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.25)
            for (i, j), n in np.ndenumerate(counts):
                colour = "white" if shares[i, j] > 0.7 else style.INK
                place: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
                ax.text(j, i - 0.1, str(n), fontsize=9 * small, **place)
                ax.text(j, i + 0.24, percent(shares[i, j]), fontsize=6.5 * small, **place)
            ax.set_xticks(range(len(classes)), names)
            ax.set_yticks(range(len(classes)), names)
            if turned:
                ax.tick_params(axis="x", rotation=60)
                for label in ax.get_xticklabels():
                    label.set(ha="right", va="center", rotation_mode="anchor")
            ax.set_title("\n".join(title.rsplit(", ", 1)) if n_columns > 2 else title)
            ax.grid(visible=False)
            ax.tick_params(length=0)
        fig.supxlabel("predicted (films)", fontsize=8.5)
        fig.supylabel("truth (films)", fontsize=8.5)
        for ax in flat[len(panels) :]:
            ax.set_axis_off()
        return fig


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval.

    Attributes:
        estimate: Mean over trials; None for one that cannot be computed.
        low: Lower end; None for none.
        high: Upper end; None for none.
        trials: The value of each trial.
        beside: The value of the source beside; None for none.
    """

    estimate: float | None
    low: float | None
    high: float | None
    trials: Sequence[float] = ()
    beside: float | None = None


def intervals(
    cells: Sequence[str],
    metrics: Sequence[tuple[str, Sequence[Estimate]]],
    averaged: str = "mean over trials",
    beside: str = "",
) -> Figure:
    """Estimates with their intervals: a row a cell, a panel a metric, a dot a trial.

    Args:
        cells: Names from top to bottom.
        metrics: (name, one estimate a cell) from left to right.
        averaged: What an estimate is, for the label.
        beside: Whose the values beside are, for the label.
    """
    with style.figure(style.WIDTH_IN, 0.95 + 0.25 * len(cells)) as fig:
        axes = fig.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        y = np.arange(len(cells))
        for ax, (name, estimates) in zip(axes, metrics, strict=True):
            for k, e in enumerate(estimates):
                if e.low is not None and e.high is not None:
                    ax.plot(
                        [e.low, e.high], [k, k], color=style.BLUE, lw=2, alpha=0.55, solid_capstyle="butt"
                    )
                if e.trials:
                    ax.plot(
                        e.trials, np.full(len(e.trials), k + 0.22), ls="", marker=".", ms=3.5, color="#777777"
                    )
                if e.estimate is not None:
                    ax.plot(e.estimate, k, marker="o", ms=5, color=style.BLUE)
                if e.beside is not None:
                    ax.plot(e.beside, k, marker="D", ms=4.5, mfc="white", mec=style.VERMILION, mew=1.2)
            ax.set_xlabel(name)
            ax.grid(axis="y", visible=False)
        axes[0].set_yticks(y, cells)
        axes[0].set_ylim(len(cells) - 0.4, -0.6)
        shown = [e for _, estimates in metrics for e in estimates]
        ax = axes[0]
        ax.plot(
            [],
            [],
            marker="o",
            ms=5,
            color=style.BLUE,
            lw=2,
            label=f"{averaged}, 95 % interval",
        )
        if any(e.trials for e in shown):
            ax.plot([], [], ls="", marker=".", ms=4, color="#777777", label="a trial")
        if any(e.beside is not None for e in shown):
            ax.plot([], [], ls="", marker="D", ms=4.5, mfc="white", mec=style.VERMILION, label=beside)
        _one_legend(fig, [ax])
        return fig


def breakable(name: str) -> str:
    """A long name on two lines, broken at the space or underscore nearest to its middle.

    >>> breakable("viral"), breakable("lung_opacity"), breakable("consolidation or opacity")
    ('viral', 'lung_\\nopacity', 'consolidation\\nor opacity')
    """
    places = [k + 1 for k, c in enumerate(name) if c in " _-"]
    if len(name) <= _WIDE_LABEL or not places:
        return name
    at = min(places, key=lambda k: abs(k - len(name) / 2))
    return f"{name[:at].rstrip(' ')}\n{name[at:]}"


def _one_legend(fig: Figure, axes: Sequence[Axes]) -> None:
    """One legend for the figure, above it, from the first axes that have one."""
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        if handles:
            fig.legend(handles, labels, loc="outside upper center", ncols=len(handles))
            return

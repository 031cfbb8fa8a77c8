"""Figures of one set of scores: ROC curve and calibration."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from hilum.artifacts.evaluation import Points
from hilum.report import style


def roc_figure(curve: Points, name: str) -> Figure:
    """True over false positive rate.

    Args:
        curve: Of `TrialEvaluation.roc`.
        name: Of the line, with its area.
    """
    with style.figure(4.4, 3.9) as fig:
        ax = fig.subplots()
        ax.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls=(0, (2, 2)), label="a guess")
        ax.plot(curve.x, curve.y, color=style.BLUE, label=name)
        ax.set(xlabel="false positive rate (1 − specificity)", ylabel="true positive rate (sensitivity)")
        ax.set(xlim=(-0.005, 1.005), ylim=(-0.005, 1.005))
        ax.set_aspect("equal", adjustable="box")
        fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=7)
        return fig


def calibration_figure(bins: Sequence[tuple[float, float, int]]) -> Figure:
    """Share of films that are positive over the mean probability of their bin, and the films of each bin beneath.

    Args:
        bins: (mean probability, share positive, films) of each bin that has films.
    """
    with style.figure(4.4, 4.6) as fig:
        ax, below = fig.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
        x, y, n = [b[0] for b in bins], [b[1] for b in bins], [b[2] for b in bins]
        ax.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls=(0, (2, 2)), label="calibrated")
        ax.plot(x, y, color=style.BLUE, marker="o", ms=4, label="films of a bin")
        ax.set(ylabel="share that is positive", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=7)
        below.bar(x, n, width=0.03, color=style.SKY)
        below.yaxis.get_major_locator().set_params(integer=True)
        below.set(xlabel="probability of the positive class", ylabel="films")
        return fig

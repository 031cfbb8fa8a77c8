"""Curves about learning rates: the rate of every batch under each schedule, and what a learning-rate finder saw.

Convention: each function takes plain values and returns a figure. Batches are counted from 1 through the whole training. The finder's
loss is smoothed, its rates are on a logarithmic scale, and its three suggestions have fastai's names: steep (the fastest fall), valley
(in the middle of the longest fall) and minimum (a tenth of the rate of the lowest loss).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.artifacts.trial_files import FinderCurve
from hilum.report import style

_MARKS = {"steep": "v", "valley": "o", "minimum": "s"}


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
        axes = fig.subplots(n_rows, n_columns, squeeze=False).ravel().tolist()
        for ax, (title, curves) in zip(axes, panels, strict=False):
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
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        return fig

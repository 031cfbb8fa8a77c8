"""Figures that only the paper has: rates as plateaus set them, and the architecture of the CNN.

Convention: functions take plain values and return a figure; which study they are of is decided in `hilum.paper.pictures`. Lines are
named for the pointer as `hilum.report.hover` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from hilum.report import style
from hilum.report.numbers import count


def plateau_rates(panels: Mapping[str, Sequence[tuple[str, int, Sequence[float]]]]) -> Figure:
    """Learning rate of each epoch, a panel a network, a colour a schedule, a line a trial (Figure 12).

    Args:
        panels: Title -> (schedule, trial, rate of each epoch) of its lines; at most two a row.
    """
    n_columns = min(2, len(panels))
    n_rows = -(-len(panels) // n_columns)
    with style.figure(style.WIDTH_IN if n_columns == 2 else 4.6, 0.4 + 1.75 * n_rows) as fig:
        axes = style.panels(fig, len(panels), n_columns, sharey=True)
        for ax, (title, lines) in zip(axes, panels.items(), strict=True):
            schedules = list(dict.fromkeys(schedule for schedule, _, _ in lines))
            seen: set[str] = set()
            for schedule, trial, rates in lines:
                colour, dash = style.line(schedules.index(schedule))
                legend = len(schedules) > 1 and schedule not in seen
                ax.plot(
                    np.arange(1, len(rates) + 1), rates, color=colour, linestyle=dash, lw=0.9, drawstyle="steps-post",
                    label=schedule if legend else f"_{schedule}, trial {trial}",
                )  # fmt: skip
                seen.add(schedule)
            ax.set(title=title, xlabel="epoch", yscale="log")
            ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
            if len(schedules) > 1:
                ax.legend(loc="best")
        for ax in axes[::n_columns]:
            ax.set_ylabel("learning rate")
        return fig


def cnn_layers(size_px: int, n_classes: int) -> list[tuple[str, str, int]]:
    """The CNN of Figure 14 for films of a size: (layer, its output, its weights and biases).

    >>> [layer[2] for layer in cnn_layers(244, 4)], cnn_layers(244, 4)[3][1]
    ([0, 224, 0, 0, 113380872, 31008, 132], '117128')
    """
    inner = size_px - 2
    half = inner // 2
    flat = 8 * half * half
    return [
        ("Film", f"3 × {size_px} × {size_px}", 0),
        ("Conv 3 × 3\nReLU", f"8 × {inner} × {inner}", 8 * (3 * 9 + 1)),
        ("MaxPool 2", f"8 × {half} × {half}", 0),
        ("Flatten", str(flat), 0),
        ("Linear", "968", 968 * (flat + 1)),
        ("Linear", "32", 32 * (968 + 1)),
        ("Linear", str(n_classes), n_classes * (32 + 1)),
    ]


def architecture(size_px: int, n_classes: int) -> Figure:
    """The CNN of Figure 14, a box a layer with its output and its number of weights and biases."""
    layers = cnn_layers(size_px, n_classes)
    total = sum(n for _, _, n in layers)
    with style.figure(style.WIDTH_IN, 2.1) as fig:
        ax = fig.subplots()
        ax.set_axis_off()
        wide, gap, high = 1.0, 0.28, 1.25
        for k, (layer, output, n) in enumerate(layers):
            x = k * (wide + gap)
            fill = "#dcebf5" if n else "#f3f5f6"
            box = FancyBboxPatch(
                (x, 0), wide, high, boxstyle="round,pad=0,rounding_size=.08", fc=fill, ec="#5b666e", lw=0.8
            )
            ax.add_patch(box)
            middle = x + wide / 2
            ax.text(middle, high * 0.66, layer, ha="center", va="center", fontsize=7.2)
            weights = f"{count(n)}\nweights" if n else "no weights"
            ax.text(middle, high * 0.2, weights, ha="center", va="center", fontsize=5.6, color="#5b666e")
            ax.text(middle, -0.16, output, ha="center", va="top", fontsize=7)
            if k:
                ax.annotate(
                    "",
                    (x, high / 2),
                    (x - gap, high / 2),
                    arrowprops={"arrowstyle": "-|>", "lw": 0.8, "color": style.INK},
                )
        right = len(layers) * (wide + gap) - gap
        ax.text(
            0,
            high + 0.22,
            f"{count(total)} weights and biases; no activation between the linear layers",
            fontsize=7.5,
        )
        ax.text(0, -0.52, "output of each layer", fontsize=6.5, color="#5b666e")
        ax.set(xlim=(-0.05, right + 0.05), ylim=(-0.65, high + 0.5))
        return fig

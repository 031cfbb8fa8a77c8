"""The figure of a family of comparisons: each difference with both its intervals, a panel a metric, zero in the middle of attention."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hilum.artifacts.comparisons import ComparisonRow
from hilum.report import style
from hilum.report.comparison_tables import short_labels
from hilum.study.metrics import metric_label

_COLOURS = {"better": style.BLUE, "worse": style.VERMILION}
_PANELS = 3  # a row


def differences(rows: Sequence[ComparisonRow]) -> Figure:
    """Differences of one family: a line a comparison, thick its own interval, thin the one that holds together with the others.

    Args:
        rows: Of one family, at least one with a difference; a row without one leaves its line empty.
    """
    metrics = list(dict.fromkeys(r.metric for r in rows))
    shown, against = short_labels(rows)
    labels = list(shown)
    n_columns = min(_PANELS, len(metrics))
    n_rows = -(-len(metrics) // n_columns)
    with style.figure(style.WIDTH_IN, n_rows * (0.75 + 0.24 * len(labels)) + 0.2) as fig:
        axes = style.panels(fig, len(metrics), n_columns, sharey=True)
        for ax, metric in zip(axes, metrics, strict=True):
            _panel(ax, {r.label: r for r in rows if r.metric == metric}, labels)
            ax.set(title=metric_label(metric))
            ax.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
        fig.supxlabel(f"difference from {against}" if against else "difference", fontsize=8.5)
        for ax in axes[::n_columns]:
            ax.set_yticks(range(len(labels)), list(shown.values()))
        return fig


def _panel(ax: Axes, by_label: dict[str, ComparisonRow], labels: Sequence[str]) -> None:
    ax.axvline(0, color="#555555", lw=0.9)
    for k, label in enumerate(labels):
        row = by_label.get(label)
        if row is None or row.estimate is None:
            continue
        colour = _COLOURS.get(row.verdict, "#777777")
        if row.low is not None and row.high is not None:
            ax.plot([row.low, row.high], [k, k], color=colour, lw=0.9, solid_capstyle="butt")
        if row.low_one is not None and row.high_one is not None:
            ax.plot([row.low_one, row.high_one], [k, k], color=colour, lw=2.6, solid_capstyle="butt")
        filled = colour if row.verdict in _COLOURS else "white"
        ax.plot(row.estimate, k, marker="o", ms=4.5, mfc=filled, mec=colour, mew=1.1, ls="")
    ax.grid(axis="y", visible=False)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)

"""Whether a figure rests on few events, and its limits from a model where it does: one rule for rows of statistics and for comparisons."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.stats.confusion import Ratio
from hilum.stats.limits import Limits, area_events, area_limits, ratio_limits
from hilum.stats.proportions import FEW_EVENTS
from hilum.stats.resampling import Resamples
from hilum.study.metrics import AREAS, METRIC


@dataclass(frozen=True)
class Events:
    """What a figure rests on.

    Attributes:
        n: Effective number of events (errors, or what is right where that is less), mean over trials.
        words: ``3 errors``.
        limits: From a model, for the mean over trials.
        method: What they are called.
    """

    n: float
    words: str
    limits: Limits
    method: str

    @property
    def few(self) -> bool:
        """Whether resamples would be too sure."""
        return self.n < FEW_EVENTS


def events_behind(
    counted: Resamples, column: int, metric: str, ratio: Ratio | None, unit: str, rows: slice = slice(None)
) -> Events:
    """The events behind a figure that is defined.

    Args:
        counted: Figures of a cell, or of several.
        column: Of the figure.
        metric: Its name, one of `AREAS` where it is no ratio.
        ratio: What it counts; None for an area.
        unit: What was resampled, for words.
        rows: The trials of the cell.
    """
    value = float(counted.points[rows, column].mean())
    if ratio is not None:
        n, effective = (float(v[rows, column].mean()) for v in (counted.events, counted.effective))
        one, many = ("error", "errors") if value >= 0.5 else ("success", "successes")
        of = "" if ratio.metric.is_proportion else " of F = F1 / (2 - F1)"
        method = f"Clopper-Pearson{of} on effective n = {effective:.6g} {unit}s"
        return Events(n, f"{n:.3g} {one if n == 1 else many}", ratio_limits(ratio, value, effective), method)
    ranking = (column - counted.effective.shape[1]) // len(AREAS)
    positives, others = (float(v) for v in counted.ranked[rows, ranking].mean(axis=0))
    n = area_events(value, positives, others)
    words = f"{n:.3g} films’ worth of area {'missing' if value >= 0.5 else 'there'}"
    return Events(n, words, area_limits(metric, value, positives, others), METRIC[metric].limits)

"""ROC and precision-recall curves as SVG: places in the drawing, and the points that the page's script tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.evaluation import Band, Points
from hilum.artifacts.run import RunCell
from hilum.serve.review.runs import FinishedRun
from hilum.stats.curves import thin

WIDTH: Final = 480
HEIGHT: Final = 400
LEFT, TOP, RIGHT, BOTTOM = 50, 12, 468, 352
COLOURS: Final = 6
DASHES: Final = 4
MOST_BANDS: Final = 4
"""Models beyond which bands would hide the curves."""
_TOLD = 160
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Curve:
    """A curve as it is drawn.

    Attributes:
        name: Of the model.
        colour: Number of its colour in the style sheet.
        dashes: Number of its pattern there, for models beyond the colours.
        line: Points of a polyline.
        band: Points of a polygon; empty without a band.
    """

    name: str
    colour: int
    dashes: int
    line: str
    band: str


@dataclass(frozen=True)
class Plot:
    """A drawing of curves.

    Attributes:
        kind: ``roc`` or ``pr``.
        title: For its heading.
        x: Name of the horizontal axis.
        y: Name of the other.
        curves: In the order of the models.
        told: JSON of ``name``, ``x`` and ``y`` of each curve.
        words: What it shows, for who cannot see it.
    """

    kind: str
    title: str
    x: str
    y: str
    curves: Sequence[Curve]
    told: str
    words: str

    ticks = tuple((t, LEFT + t * (RIGHT - LEFT), BOTTOM - t * (BOTTOM - TOP)) for t in _TICKS)
    """(value, place of it on the horizontal axis, on the vertical one)."""


def plots(run: FinishedRun) -> list[Plot]:
    """The drawings of a run: the mean over trials with its band, or the one trial's own curve."""
    found = []
    for kind, title, x, y in (
        ("roc", "ROC", "false positive rate", "true positive rate"),
        ("pr", "Precision and recall", "recall", "precision"),
    ):
        curves, told = [], []
        for k, cell in enumerate(run.folder.cells):
            points, band = _of(run, cell, kind)
            if points is None:
                continue
            name = run.label(cell)
            edge = (
                ""
                if band is None or len(run.folder.cells) > MOST_BANDS
                else f"{_line(band.x, band.high)} {_line(band.x[::-1], band.low[::-1])}"
            )
            curves.append(Curve(name, k % COLOURS, k // COLOURS % DASHES, _line(points.x, points.y), edge))
            few = thin(points, _TOLD)
            told.append({"name": name, **few.rounded()})
        if curves:
            words = f"{title} of {len(curves)} models for {run.folder.positive}: {y} over {x}. Arrow keys tell values."
            found.append(Plot(kind, title, x, y, curves, json.dumps(told), words))
    return found


def _of(run: FinishedRun, cell: RunCell, kind: str) -> tuple[Points | None, Band | None]:
    """The curve of a model, and its band where it is a mean."""
    mean = run.evaluation.curves.get(cell.name)
    band: Band | None = getattr(mean, kind) if mean is not None else None
    if band is not None:
        return Points(band.x, band.mean), band
    own = (run.evaluation.trials.get((cell.name, t)) for t in run.folder.trials)
    points: Points | None = next((getattr(t, kind) for t in own if t is not None and getattr(t, kind)), None)
    return points, None


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return " ".join(
        f"{LEFT + u * (RIGHT - LEFT):.1f},{BOTTOM - v * (BOTTOM - TOP):.1f}"
        for u, v in zip(x, y, strict=True)
    )

"""ROC and precision-recall curves of several findings: a figure a cell and kind, a panel a finding, from the findings' own evaluations."""

from __future__ import annotations

from collections.abc import Mapping

from hilum.artifacts.finding_runs import finding_runs
from hilum.artifacts.run import RunCell
from hilum.artifacts.statistics import AT_OPERATING_POINT
from hilum.report.curve_figures import BandPanel, band_panels
from hilum.report.evaluated import Evaluated
from hilum.report.numbers import digits, interval, rate
from hilum.report.page import Picture, Section
from hilum.report.run_words import averaged

MOST_SHOWN = 2
"""Cells whose figures are not folded away."""
_AXES = {
    "roc": ("false positive rate (1 − specificity)", "true positive rate (sensitivity)"),
    "pr": ("recall (sensitivity)", "precision (PPV)"),
}
_WORDS = {"roc": "ROC curves", "pr": "Precision-recall curves"}


def section(evaluated: Evaluated) -> Section | None:
    """A figure a cell and kind; None where no curve is defined."""
    folder = evaluated.folder
    runs = {f: Evaluated(run) for f, run in finding_runs(folder.path, folder.classes).items()}
    pictures = [
        [p for kind in _AXES if (p := _picture(evaluated, runs, cell, kind))] for cell in folder.cells
    ]
    items, closed = (
        [p for of in some for p in of] for some in (pictures[:MOST_SHOWN], pictures[MOST_SHOWN:])
    )
    if not items and not closed:
        return None
    return Section("ranking", "ROC and precision-recall curves by finding", (), items, closed)


def _picture(evaluated: Evaluated, runs: Mapping[str, Evaluated], cell: RunCell, kind: str) -> Picture | None:
    panels = [p for finding, run in runs.items() if (p := _panel(run, finding, cell.name, kind))]
    if not panels:
        return None
    name, words = evaluated.names.label(cell), _WORDS[kind]
    said = (
        f"{words} of {name}, test films of which the finding is known: {averaged(evaluated.folder)}. Band: 95 % at each point by itself, "
        "from resampled films and trials; rings: the findings' own thresholds. Dashed line: a guess."
    )
    number = evaluated.folder.cells.index(cell) + 1
    return evaluated.picture(
        band_panels(panels, _AXES[kind]),
        f"{kind}-curves-{number}",
        said,
        f"{words} of {len(panels)} findings",
    )


def _panel(run: Evaluated, finding: str, cell: str, kind: str) -> BandPanel | None:
    band = getattr(run.evaluation.curves[cell], kind)
    row = run.row(run.folder.cell_named[cell], f"{kind}_auc")
    if band is None or row is None or row.estimate is None:
        return None
    area = f"area {rate(row.estimate, min(3, digits(row.n_positive)))}"
    if row.low is not None:
        area += f"\n({interval(row.low, row.high, row.n_positive)})"
    at = {
        m: run.estimate(run.folder.cell_named[cell], m + AT_OPERATING_POINT)
        for m in ("sensitivity", "specificity", "ppv")
    }
    along = (
        at["sensitivity"] if kind == "pr" else None if at["specificity"] is None else 1 - at["specificity"]
    )
    height = at["ppv"] if kind == "pr" else at["sensitivity"]
    guess = (0.0, 1.0) if kind == "roc" else (row.n_positive / row.n,) * 2
    return BandPanel(finding, band, area, guess, None if along is None or height is None else (along, height))

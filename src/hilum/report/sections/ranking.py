"""ROC and precision-recall curves: of each cell the mean over trials with its pointwise band.

Convention: the curves are those of evaluation.json (`hilum.stats.mean_curves`), the areas those of the statistics. The first cells are
shown and the others folded; all stand in the study's own order.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.evaluation import Band
from hilum.artifacts.run import RunCell
from hilum.report.curve_figures import BandPanel, PrCurve, band_panels
from hilum.report.evaluated import Evaluated
from hilum.report.numbers import digits, interval, rate
from hilum.report.page import Picture, Section
from hilum.report.run_words import averaged

MOST_SHOWN = 6
_BAND = (
    "Band: 95 % at each point by itself, not of the curve as a whole, from resampled films and trials as every interval here; rings: the "
    "class of the highest probability, which is no threshold and so need not lie on the curve."
)


def section(evaluated: Evaluated) -> Section | None:
    """A figure of each kind, and one more of what did not fit; None where no curve is defined."""
    cells = evaluated.folder.cells
    shown, others = cells[:MOST_SHOWN], cells[MOST_SHOWN:]
    items, closed = (
        [p for kind in ("roc", "pr") if (p := _picture(evaluated, kind, of))] for of in (shown, others)
    )
    return (
        Section("ranking", "ROC and precision-recall curves", (), items, closed) if items or closed else None
    )


def _picture(evaluated: Evaluated, kind: str, cells: Sequence[RunCell]) -> Picture | None:
    """The ROC or precision-recall curves of some cells; None where none is defined."""
    folder = evaluated.folder
    panels = [p for c in cells if (p := _panel(evaluated, kind, c))]
    if not panels:
        return None
    first = cells[0] is folder.cells[0]
    name = f"{kind}-curves" + ("" if first else "-others")
    left = folder.cells[MOST_SHOWN:]
    more = f" {len(left)} more cells are folded away below." if first and left else ""
    if kind == "roc":
        axes = ("false positive rate (1 − specificity)", "true positive rate (sensitivity)")
        fig = band_panels(panels, axes)
        said = f"ROC curves of {folder.positive}, test films: {averaged(folder)} at each false positive rate. {_BAND} Dashed line: a guess."
    else:
        shares = [rate(s, 3) for s in sorted({p.guess[0] for p in panels})]
        fig = band_panels(panels, ("recall (sensitivity)", "precision (PPV)"))
        said = (
            f"Precision over recall of {folder.positive}, test films: {averaged(folder)} at each recall, interpolated between thresholds "
            f"as Davis and Goadrich (2006) have it. {_BAND} Dashed line: a guess, {' to '.join(dict.fromkeys((shares[0], shares[-1])))}."
        )
    word = "ROC curves" if kind == "roc" else "Precision-recall curves"
    return evaluated.picture(
        fig,
        name,
        said + more,
        f"{word} of {'the other ' if not first else ''}{len(panels)} cell{'s' if len(panels) > 1 else ''}",
    )


def _panel(evaluated: Evaluated, kind: str, cell: RunCell) -> BandPanel | None:
    curves = evaluated.evaluation.curves[cell.name]
    band: Band | None = getattr(curves, kind)
    if band is None:
        return None
    row = evaluated.row(cell, f"{kind}_auc")
    shown = min(3, digits(row.n_positive)) if row else 3
    area = f"area {rate(row.estimate, shown)}" if row else ""
    if row and row.low is not None:
        area += f"\n({interval(row.low, row.high, row.n_positive)})"
    guess = (0.0, 1.0)
    if kind == "roc":
        specificity, height = (evaluated.estimate(cell, m) for m in ("specificity", "sensitivity"))
        along = None if specificity is None else 1 - specificity
    else:
        along, height = (evaluated.estimate(cell, m) for m in ("sensitivity", "ppv"))
        guess = (prevalence(evaluated, cell),) * 2
    mark = None if along is None or height is None else (along, height)
    return BandPanel(evaluated.names.label(cell), band, area, guess, mark)


def prevalence(evaluated: Evaluated, cell: RunCell) -> float:
    """Share of a cell's test films that are positive: the precision of a guess."""
    some = evaluated.row(cell, "sensitivity")
    return some.n_positive / some.n if some and some.n else 0.0


def pr_curve(evaluated: Evaluated, cell: RunCell, name: str) -> PrCurve | None:
    """A cell's mean curve with its area and its mark; None where it is not defined."""
    band = evaluated.evaluation.curves[cell.name].pr
    if band is None:
        return None
    area, recall, precision = (evaluated.estimate(cell, m) for m in ("pr_auc", "sensitivity", "ppv"))
    mark = (recall, precision) if recall is not None and precision is not None else None
    return PrCurve(f"{name}, area {rate(area, 3)}", band.x, band.mean, mark)

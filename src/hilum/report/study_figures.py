"""Which figures a study gets, and the values they are drawn from.

Convention: rows and columns follow the study's own order of backbones and pipelines. Precision-recall curves
are those of trial 1 and say so; loss curves show every trial; the confusion matrices are those that the
tables show. Each is written as SVG and PNG. How they look is decided in `hilum.report.figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from hilum.report import figures, published, style
from hilum.report.confusion_tables import shown_cells
from hilum.report.evaluation import Evaluation
from hilum.report.figures import Estimate, PrCurve
from hilum.report.numbers import rate
from hilum.report.page import Picture
from hilum.report.panel import PanelCell, panel
from hilum.report.result_tables import METRIC_LABELS, CellColumns
from hilum.report.run_folder import RunCell, RunFolder
from hilum.report.study_rows import StudyRows

_PR_TRIAL = 1


def interval_picture(folder: RunFolder, rows: StudyRows, out: Path) -> Picture:
    """Sensitivity and specificity by cell."""
    comparable = folder.positive == "covid" and not folder.run.get("synthetic")

    def estimate(cell: RunCell, metric: str) -> Estimate:
        row = rows.find(cell.name, None, metric, folder.positive)
        trials = [rows.value(cell.name, t, metric, folder.positive) for t in folder.trials]
        paper = (
            published.table_4(cell.backbone, cell.pipeline, metric)
            if comparable and cell.schedule == published.SCHEDULE
            else None
        )
        return Estimate(
            row.estimate if row else None,
            row.low if row else None,
            row.high if row else None,
            [t for t in trials if t is not None],
            paper,
        )

    label = CellColumns(folder).label
    metrics = [
        (METRIC_LABELS[m], [estimate(c, m) for c in folder.cells]) for m in ("sensitivity", "specificity")
    ]
    fig = figures.intervals([label(c) for c in folder.cells], metrics)
    paper = (
        " Diamonds are the paper’s Table 4, whose test films overlap its training films."
        if comparable
        else ""
    )
    return _picture(
        fig,
        out,
        "intervals",
        f"Sensitivity and specificity of {folder.positive} by cell, test films: mean over trials with its "
        f"95 % interval; small dots are the trials. The axes need not begin at 0.{paper}",
        "Dot plot; its numbers are in the table of results.",
    )


def loss_picture(folder: RunFolder, out: Path) -> Picture | None:
    """Losses of every trial; None where no history was kept."""
    label = _row_label(folder)
    rows = list(dict.fromkeys(label(c) for c in folder.cells))
    columns = list(dict.fromkeys(c.pipeline for c in folder.cells))
    curves = {
        (label(c), c.pipeline): [loss for t in folder.trials if (loss := folder.losses(c, t)).train]
        for c in folder.cells
    }
    if not any(curves.values()):
        return None
    return _picture(
        figures.loss_curves(rows, columns, curves),
        out,
        "loss-curves",
        "Training loss and validation loss by epoch, each trial a thin line (the paper’s Figure 8). A "
        "row’s panels share the scale.",
        f"Loss curves of {len(rows)} by {len(columns)} panels.",
    )


def pr_picture(folder: RunFolder, rows: StudyRows, evaluation: Evaluation, out: Path) -> Picture | None:
    """Precision-recall curves of every pipeline, a panel a backbone."""
    several = len({c.schedule for c in folder.cells}) > 1
    panels: dict[str, list[PrCurve]] = {}
    for c in folder.cells:
        trial = evaluation.trials[c.name, _PR_TRIAL]
        if trial.pr is None:
            continue
        area = rows.value(c.name, _PR_TRIAL, "pr_auc", folder.positive)
        recall = rows.value(c.name, _PR_TRIAL, "sensitivity", folder.positive)
        precision = rows.value(c.name, _PR_TRIAL, "ppv", folder.positive)
        name = f"{c.pipeline}, {c.schedule}" if several else c.pipeline
        mark = (recall, precision) if recall is not None and precision is not None else None
        curve = PrCurve(f"{name}, area {rate(area, 3)}", trial.pr.x, trial.pr.y, mark)
        panels.setdefault(c.backbone_label, []).append(curve)
    if not panels:
        return None
    some = rows.find(folder.cells[0].name, _PR_TRIAL, "sensitivity", folder.positive)
    prevalence = some.n_positive / some.n if some and some.n else 0.0
    return _picture(
        figures.pr_curves(list(panels.items()), prevalence),
        out,
        "pr-curves",
        f"Precision over recall of {folder.positive} under each pipeline, test films, trial {_PR_TRIAL} "
        "(the paper’s Figure 7). Circles: the class of the highest probability, which is no threshold "
        "and so need not lie on its curve. Level line: a guess.",
        "Precision-recall curves; their areas are in the table of trials.",
    )


def confusion_picture(folder: RunFolder, evaluation: Evaluation, out: Path) -> Picture:
    """The matrices of Tables 6 and 7."""
    shown, trial = shown_cells(folder), folder.n_trials
    label = CellColumns(folder).label
    panels = [(label(c), evaluation.trials[c.name, trial].confusion) for _, c in shown]
    return _picture(
        figures.confusion_matrices(panels, folder.classes),
        out,
        "confusion-matrices",
        f"Confusion matrices, trial {trial}, test films (the paper’s Tables 6 and 7): counts, and shares "
        "of the row.",
        "Confusion matrices; the same numbers are in the tables beside.",
    )


def panel_picture(
    columns: Sequence[str], panel_rows: Sequence[tuple[str, Sequence[PanelCell]]], out: Path
) -> Picture:
    """Training films under each pipeline, drawn on purpose; a raster picture in the page."""
    fig = panel(columns, panel_rows)
    _, png = style.save(fig, out, "augmentation-panel")
    return Picture(
        "augmentation-panel",
        "A training film of each class under each pipeline, with what was drawn beneath (the paper’s "
        "Figures 4 and 6). Drawn on purpose: every step acts here; in the study each acts with the "
        "probability that its pipeline names.",
        "Films under each pipeline.",
        png,
        "image/png",
        _width_percent(fig),
    )


def _row_label(folder: RunFolder) -> Callable[[RunCell], str]:
    several = len({c.schedule for c in folder.cells}) > 1

    def label(cell: RunCell) -> str:
        lines = [*cell.backbone_label.replace(" (", "\n(").split("\n"), *([cell.schedule] if several else [])]
        return "\n".join(lines)

    return label


def _picture(fig: Figure, out: Path, name: str, caption: str, alt: str) -> Picture:
    svg, _ = style.save(fig, out, name)
    return Picture(name, caption, alt, svg, width_percent=_width_percent(fig))


def _width_percent(fig: Figure) -> int:
    """A narrow figure is not blown up: its letters are as large as those of a wide one."""
    return min(100, round(100 * float(fig.get_figwidth()) / style.WIDTH_IN))

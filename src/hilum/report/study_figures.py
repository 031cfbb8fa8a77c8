"""Which figures a study gets, and the values they are drawn from.

Convention: rows and columns follow the study's own order of backbones and pipelines. Precision-recall curves
are those of trial 1 and say so; loss curves show every trial; the confusion matrices are those that the
tables show. Each is written as SVG and PNG. How they look is decided in `hilum.report.figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from hilum.artifacts.evaluation import Evaluation
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.study_rows import StudyRows
from hilum.artifacts.trial_files import FinderCurve
from hilum.report import figures, hover, style
from hilum.report.beside import Beside
from hilum.report.box_panel import BoxedFilm, box_panel
from hilum.report.confusion_tables import shown_cells
from hilum.report.figures import Estimate, PrCurve
from hilum.report.numbers import rate
from hilum.report.page import Picture
from hilum.report.panel import PanelCell, panel
from hilum.report.rate_figures import RateCurve, finder_curves, rate_curves
from hilum.report.result_tables import CellColumns
from hilum.report.run_words import averaged, backbone_label, cell_level
from hilum.study.metrics import metric_label, shown_in, shown_words

_PR_TRIAL = 1


def interval_picture(folder: RunFolder, rows: StudyRows, beside: Beside, out: Path) -> Picture:
    """Sensitivity and specificity by cell."""

    def estimate(cell: RunCell, metric: str) -> Estimate:
        row = rows.find(cell.name, None, metric, folder.positive)
        trials = [rows.value(cell.name, t, metric, folder.positive) for t in folder.trials]
        return Estimate(
            row.estimate if row else None,
            row.low if row else None,
            row.high if row else None,
            [t for t in trials if t is not None],
            beside.marks.get((cell.name, metric)),
        )

    label = CellColumns(folder).label
    metrics = [(metric_label(m), [estimate(c, m) for c in folder.cells]) for m in shown_in("pictured")]
    words = shown_words("pictured")
    fig = figures.intervals([label(c) for c in folder.cells], metrics, averaged(folder), beside.whose)
    marked = any(e.beside is not None for _, of_metric in metrics for e in of_metric)
    return _picture(
        fig,
        out,
        "intervals",
        f"{words[0].upper() + words[1:]} of {folder.positive} by cell, test films: {averaged(folder)} with its "
        f"95 % interval; small dots are the trials. The axes need not begin at 0.{f' {beside.of_marks}' if marked else ''}",
        "Dot plot; its numbers are in the table of results.",
    )


def loss_picture(folder: RunFolder, beside: Beside, out: Path) -> Picture | None:
    """Losses of every trial, the pipelines side by side, or, of one pipeline, whatever varies most; None where no history was kept."""
    across = _across(folder)
    label = _row_label(folder, across)

    def column(c: RunCell) -> str:
        return cell_level(c, across) or c.pipeline

    rows = list(dict.fromkeys(label(c) for c in folder.cells))
    columns = list(dict.fromkeys(column(c) for c in folder.cells))
    curves = {
        (label(c), column(c)): [loss for t in folder.trials if (loss := folder.losses(c, t)).train]
        for c in folder.cells
    }
    if not any(curves.values()):
        return None
    return _picture(
        figures.loss_curves(rows, columns, curves),
        out,
        "loss-curves",
        f"Training loss and validation loss by epoch, each trial a thin line{beside.place('loss-curves')}. A "
        "row’s panels share the scale.",
        f"Loss curves of {len(rows)} by {len(columns)} panels.",
    )


def pr_picture(
    folder: RunFolder, rows: StudyRows, evaluation: Evaluation, beside: Beside, out: Path
) -> Picture | None:
    """Precision-recall curves of every pipeline, a panel a backbone."""
    others = [f for f in folder.varying() if f not in ("backbone", "pipeline")]
    panels: dict[str, list[PrCurve]] = {}
    for c in folder.cells:
        trial = evaluation.trials[c.name, _PR_TRIAL]
        if trial.pr is None:
            continue
        area = rows.value(c.name, _PR_TRIAL, "pr_auc", folder.positive)
        recall = rows.value(c.name, _PR_TRIAL, "sensitivity", folder.positive)
        precision = rows.value(c.name, _PR_TRIAL, "ppv", folder.positive)
        name = ", ".join([c.pipeline, *_levels(c, others)])
        mark = (recall, precision) if recall is not None and precision is not None else None
        curve = PrCurve(f"{name}, area {rate(area, 3)}", trial.pr.x, trial.pr.y, mark)
        panels.setdefault(backbone_label(c), []).append(curve)
    if not panels:
        return None
    some = rows.find(folder.cells[0].name, _PR_TRIAL, "sensitivity", folder.positive)
    prevalence = some.n_positive / some.n if some and some.n else 0.0
    return _picture(
        figures.pr_curves(list(panels.items()), prevalence),
        out,
        "pr-curves",
        f"Precision over recall of {folder.positive} under each pipeline, test films, trial {_PR_TRIAL}"
        f"{beside.place('pr-curves')}. Circles: the class of the highest probability, which is no threshold "
        "and so need not lie on its curve. Level line: a guess.",
        "Precision-recall curves; their areas are in the table of trials.",
    )


def confusion_picture(folder: RunFolder, evaluation: Evaluation, beside: Beside, out: Path) -> Picture:
    """The matrices that the tables show."""
    shown, trial = shown_cells(folder, beside), folder.n_trials
    label = CellColumns(folder).label
    panels = [(label(c), evaluation.trials[c.name, trial].confusion) for _, c in shown]
    return _picture(
        figures.confusion_matrices(panels, folder.classes),
        out,
        "confusion-matrices",
        f"Confusion matrices, trial {trial}, test films{beside.place('confusion-matrices')}: counts, and shares "
        "of the row.",
        "Confusion matrices; the same numbers are in the tables beside.",
    )


def panel_picture(
    columns: Sequence[str],
    panel_rows: Sequence[tuple[str, Sequence[PanelCell]]],
    beside: Beside,
    out: Path,
) -> Picture:
    """Training films under each pipeline, drawn on purpose; a raster picture in the page."""
    fig = panel(columns, panel_rows)
    _, png = style.save(fig, out, "augmentation-panel")
    return Picture(
        "augmentation-panel",
        "A training film of each class under each pipeline, with what was drawn beneath"
        f"{beside.place('augmentation-panel')}. Drawn on purpose: every step acts here; in the study each acts with the "
        "probability that its pipeline names.",
        "Films under each pipeline.",
        png,
        "image/png",
        _width_percent(fig),
    )


def rate_picture(curves: Sequence[RateCurve], beside: Beside, out: Path) -> Picture:
    """Learning rate by batch of each schedule."""
    return _picture(
        rate_curves(curves),
        out,
        "learning-rates",
        f"Learning rate of every batch under each schedule{beside.place('learning-rates')}, by the policy alone; "
        "a schedule that follows the validation loss is that of trial 1 of its first cell.",
        "Curves of the learning rate.",
    )


def finder_picture(folder: RunFolder, out: Path) -> Picture | None:
    """What the learning-rate finder saw in trial 1; None where it was not asked for."""
    others = [f for f in folder.varying() if f != "backbone"]
    panels: dict[str, list[tuple[str, FinderCurve]]] = {}
    for c in folder.cells:
        if (seen := FinderCurve.of_trial(folder.folder(c, 1))) is not None:
            name = ", ".join(_levels(c, others)) or "loss"
            panels.setdefault(backbone_label(c), []).append((name, seen))
    if not panels:
        return None
    return _picture(
        finder_curves(list(panels.items())),
        out,
        "learning-rate-finder",
        "Learning-rate finder, trial 1: loss on training films, smoothed, while the rate rises with every batch. Suggested rates: steep "
        "(triangle), valley (circle), minimum (square). They are shown, not used: a study’s rate is what its file says.",
        "Loss over learning rate.",
    )


def box_picture(films: Sequence[BoxedFilm], source: str, beside: Beside, out: Path) -> Picture:
    """A box followed through the pipelines; a raster picture in the page."""
    fig = box_panel(films)
    _, png = style.save(fig, out, "box-panel")
    return Picture(
        "box-panel",
        f"A film with a box around a sign, followed through each pipeline{beside.place('box-panel')}: {source}. Every step acts "
        "here; the outline is moved by the very draws that moved the film, and beneath it stands the share of the box’s area that is left.",
        "Films with a box; the shares are in the table beside.",
        png,
        "image/png",
        _width_percent(fig),
    )


def counterpart_picture(cells: Sequence[tuple[str, PanelCell]], beside: Beside, out: Path) -> Picture:
    """Augmentor's operations beside torchvision's; a raster picture in the page."""
    fig = panel([title for title, _ in cells], [("", [cell for _, cell in cells])])
    _, png = style.save(fig, out, "augmentor-torchvision")
    return Picture(
        "augmentor-torchvision",
        f"Distortion and zoom as torchvision has them and as Augmentor has them{beside.place('augmentor-torchvision')}: a perspective "
        "distortion moves the whole film where the elastic one bends it in places, "
        "and a centre crop always keeps the middle where the zoom goes anywhere.",
        "One film under two operations of each library.",
        png,
        "image/png",
        _width_percent(fig),
    )


def _levels(cell: RunCell, factors: Sequence[str]) -> list[str]:
    """The cell's level of each of these factors, in words."""
    return [cell_level(cell, f) for f in factors]


_MOST_ACROSS = 6


def _across(folder: RunFolder) -> str:
    """The factor whose levels stand side by side: the pipeline, else the one with the most levels that fit."""
    levels = {f: len({c.factors[f] for c in folder.cells}) for f in folder.varying() if f != "backbone"}
    fitting = {f: n for f, n in levels.items() if n <= _MOST_ACROSS}
    return "pipeline" if "pipeline" in levels or not fitting else max(fitting, key=fitting.__getitem__)


def _row_label(folder: RunFolder, across: str) -> Callable[[RunCell], str]:
    others = [f for f in folder.varying() if f not in ("backbone", across)]

    def label(cell: RunCell) -> str:
        return "\n".join([*backbone_label(cell).replace(" (", "\n(").split("\n"), *_levels(cell, others)])

    return label


def _picture(fig: Figure, out: Path, name: str, caption: str, alt: str) -> Picture:
    svg, _ = style.save(fig, out, name)
    return Picture(name, caption, alt, svg, width_percent=_width_percent(fig), hover=hover.points(fig))


def _width_percent(fig: Figure) -> int:
    """A narrow figure is not blown up: its letters are as large as those of a wide one."""
    return min(100, round(100 * float(fig.get_figwidth()) / style.WIDTH_IN))

"""Which figures each experiment of the paper gets, and the values they are drawn from.

Convention: a figure bears the paper's number. Panels and rows follow the study's own order. Precision-recall curves are means over
trials. Panels of films are not drawn again: they are those of the study's own report, copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import BoxedFilmNote
from hilum.core.files import write_bytes
from hilum.paper import figures
from hilum.paper.studies import Paper, PaperStudy
from hilum.report import style
from hilum.report.curve_figures import PrCurve, loss_curves, pr_curves
from hilum.report.curve_figures import rate_curves as draw_rate_curves
from hilum.report.drawn import drawn
from hilum.report.page import Picture
from hilum.report.run_words import averaged, cell_level
from hilum.report.sections.curves import rate_curves
from hilum.report.sections.ranking import pr_curve, prevalence

_LOSS_FIGURES = {1: "5", 2: "8", 3: "10", 4: "13"}
CNN_SIZE_PX = 244


def rate_picture(study: PaperStudy, out: Path) -> Picture | None:
    """Figures 1 and 9: the rate of each batch under each one-cycle schedule; None without any."""
    policies = study.folder.record.table("policy")
    curves = [c for c in rate_curves(study.folder) if (policies.get(c.name) or {}).get("kind") == "one_cycle"]
    if not curves:
        return None
    return _picture(
        draw_rate_curves(curves),
        out,
        "figure-9",
        "The paper’s Figures 1 and 9: learning rate of each batch under each one-cycle schedule, from the policy alone. Each cycle "
        "rises to its highest rate and falls again.",
        "Learning rate over batches, a line a schedule.",
        study,
    )


def plateau_picture(study: PaperStudy, out: Path) -> Picture | None:
    """Figure 12: the rate of each epoch as it was in each trial; None where no history has it."""
    panels: dict[str, list[tuple[str, int, Sequence[float]]]] = {}
    for cell, trial in study.folder.units():
        rates = study.folder.losses(cell, trial).rates
        if rates and study.is_of_experiment(cell):
            panels.setdefault(study.backbone_label(cell), []).append((cell.schedule, trial, rates))
    if not panels:
        return None
    return _picture(
        figures.plateau_rates(panels),
        out,
        "figure-12",
        "The paper’s Figure 12: learning rate of each epoch as reduction on plateau set it, every trial.",
        "Learning rate over epochs, falling in steps.",
        study,
    )


def loss_picture(study: PaperStudy, described: bool, out: Path) -> Picture | None:
    """Figures 5, 8, 10, 13 and the like for the others: losses by epoch; None where no history was kept."""
    found = {}
    for cell in study.folder.cells:
        # as run, that the weights are random is told by the fault
        row = cell.backbone if study.as_run else study.backbone_label(cell).replace(" (", "\n(")
        losses = [study.folder.losses(cell, trial) for trial in study.folder.trials]
        found[row, _column(study, cell)] = [loss for loss in losses if loss.train]
    if not any(found.values()):
        return None
    number = _LOSS_FIGURES.get(study.experiment) if described else None
    start = f"The paper’s Figure {number}" if number else study.title
    return _picture(
        loss_curves(found, mean=True),
        out,
        f"figure-{number}" if number else f"{study.name}-losses",
        f"{start}: training and validation loss by epoch, mean over trials thick, each trial thin. A row’s panels share their scale.",
        f"Loss curves of {sum(map(bool, found.values()))} cells.",
        study,
    )


def _column(study: PaperStudy, cell: RunCell) -> str:
    """What differs between cells of one backbone."""
    return ", ".join(cell_level(cell, f) for f in study.folder.varying() if f != "backbone") or cell.pipeline


def pr_picture(study: PaperStudy, paper: Paper, out: Path) -> Picture | None:
    """Figures 7 (over pipelines) and 11 (over schedules, with Experiment 2's constant rate); None where no curve is defined."""
    cells, second = study.folder.cells, paper.experiment(2)
    lines = [(study.backbone_label(c), pr_curve(study, c, _column(study, c))) for c in cells]
    if study.experiment == 3 and second and not any(c.schedule == "constant" for c in cells):
        labels = {(c.backbone, c.pipeline): study.backbone_label(c) for c in cells}
        lines += [
            (labels[c.backbone, c.pipeline], pr_curve(second, c, "constant, Experiment 2"))
            for c in second.folder.cells
            if c.schedule == "constant" and (c.backbone, c.pipeline) in labels
        ]
    panels: dict[str, list[PrCurve]] = {}
    for label, curve in lines:
        if curve:
            panels.setdefault(label, []).append(curve)
    if not panels:
        return None
    number, over = {2: ("7", "pipelines"), 3: ("11", "schedules")}[study.experiment]
    return _picture(
        pr_curves(list(panels.items()), prevalence(study, cells[0])),
        out,
        f"figure-{number}",
        f"The paper’s Figure {number}: precision over recall of {study.folder.positive} on the test films over {over}, "
        f"{averaged(study.folder)}. "
        "Circles: the class of the highest probability. Level line: a guess.",
        "Precision-recall curves with their areas.",
        study,
    )


def architecture_picture(study: PaperStudy | None, out: Path) -> Picture:
    """Figure 14, at the size of the study's films; at the paper's where Experiment 5 was not run."""
    size = int((study and study.folder.record.table("augment").get("size_px")) or CNN_SIZE_PX)
    classes = len(study.folder.classes) if study else 4
    return _picture(
        figures.architecture(size, classes),
        out,
        "figure-14",
        f"The paper’s Figure 14: the CNN that is trained from scratch, for films of {size} px. Blue boxes have weights.",
        "Layers of the network from left to right, each with its output.",
        None,
    )


def copied_pictures(study: PaperStudy, out: Path) -> list[Picture]:
    """The panels of films of the study's own report, those that there are."""
    annotated = BoxedFilmNote.of(study.folder.path) is not None
    words = {
        "augmentor-torchvision": "The paper’s Figure 4: distortion and zoom as torchvision has them and as Augmentor has them.",
        "augmentation-panel": f"The paper’s Figure {'3' if study.experiment == 1 else '6'}: a training film of each class under each "
        "pipeline, with what was drawn beneath. Drawn on purpose: every step acts here.",
        "box-panel": f"The paper’s Figure 15: {'a' if annotated else 'a synthetic'} film with a box followed through each pipeline, "
        "with the share of the box inside the film.",
    }
    found = []
    for stem, caption in words.items():
        sources = [study.folder.path / "figures" / f"{stem}.{kind}" for kind in ("png", "svg")]
        if not sources[0].is_file():
            continue
        name = f"{study.name}-{stem}"
        for source in filter(Path.is_file, sources):
            write_bytes(out / f"{name}{source.suffix}", source.read_bytes())
        data = sources[0].read_bytes()
        width_px = int.from_bytes(data[16:20], "big")  # of a PNG's first chunk
        percent = min(100, round(100 * width_px / style.PNG_DPI / style.WIDTH_IN))
        found.append(Picture(name, caption, "Films under pipelines.", data, "image/png", percent))
    return found


def _picture(fig: Figure, out: Path, name: str, caption: str, alt: str, study: PaperStudy | None) -> Picture:
    marks = study.marks if study else ""
    return drawn(fig, out, name, f"{caption} ({marks}.)" if marks else caption, alt)

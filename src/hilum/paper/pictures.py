"""Which figures each experiment of the paper gets, and the values they are drawn from.

Convention: a figure bears the paper's number. Panels and rows follow the study's own order. Precision-recall curves are of trial 1 and say
so. Panels of films are not drawn again: they are those of the member's own report, copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import BoxedFilmNote
from hilum.core.files import write_bytes
from hilum.paper import figures
from hilum.paper.member import Member, Paper
from hilum.report import style
from hilum.report.curve_figures import PrCurve, loss_curves, pr_curves
from hilum.report.curve_figures import rate_curves as draw_rate_curves
from hilum.report.drawn import drawn
from hilum.report.page import Picture
from hilum.report.run_words import cell_level
from hilum.report.sections.curves import PR_TRIAL, pr_curve, prevalence, rate_curves

_LOSS_FIGURES = {1: "5", 2: "8", 3: "10", 4: "13"}
CNN_SIZE_PX = 244


def rate_picture(member: Member, out: Path) -> Picture | None:
    """Figures 1 and 9: the rate of each batch under each one-cycle schedule; None without any."""
    policies = member.folder.record.table("policy")
    curves = [
        c for c in rate_curves(member.folder) if (policies.get(c.name) or {}).get("kind") == "one_cycle"
    ]
    if not curves:
        return None
    return _picture(
        draw_rate_curves(curves),
        out,
        "figure-9",
        "The paper’s Figures 1 and 9: learning rate of each batch under each one-cycle schedule, from the policy alone. Each cycle "
        "rises to its highest rate and falls again.",
        "Learning rate over batches, a line a schedule.",
        member,
    )


def plateau_picture(member: Member, out: Path) -> Picture | None:
    """Figure 12: the rate of each epoch as it was in each trial; None where no history has it."""
    panels: dict[str, list[tuple[str, int, Sequence[float]]]] = {}
    for cell, trial in member.folder.units():
        rates = member.folder.losses(cell, trial).rates
        if rates and member.is_of_experiment(cell):
            panels.setdefault(member.backbone_label(cell), []).append((cell.schedule, trial, rates))
    if not panels:
        return None
    return _picture(
        figures.plateau_rates(panels),
        out,
        "figure-12",
        "The paper’s Figure 12: learning rate of each epoch as reduction on plateau set it, every trial.",
        "Learning rate over epochs, falling in steps.",
        member,
    )


def loss_picture(member: Member, described: bool, out: Path) -> Picture | None:
    """Figures 5, 8, 10, 13 and the like for the others: losses by epoch; None where no history was kept."""
    found = {}
    for cell in member.folder.cells:
        # as run, that the weights are random is told by the fault
        row = cell.backbone if member.as_run else member.backbone_label(cell).replace(" (", "\n(")
        losses = [member.folder.losses(cell, trial) for trial in member.folder.trials]
        found[row, _column(member, cell)] = [loss for loss in losses if loss.train]
    if not any(found.values()):
        return None
    number = _LOSS_FIGURES.get(member.experiment) if described else None
    start = f"The paper’s Figure {number}" if number else member.title
    return _picture(
        loss_curves(found, mean=True),
        out,
        f"figure-{number}" if number else f"{member.name}-losses",
        f"{start}: training and validation loss by epoch, mean over trials thick, each trial thin. A row’s panels share their scale.",
        f"Loss curves of {sum(map(bool, found.values()))} cells.",
        member,
    )


def _column(member: Member, cell: RunCell) -> str:
    """What differs between cells of one backbone."""
    return ", ".join(cell_level(cell, f) for f in member.folder.varying() if f != "backbone") or cell.pipeline


def pr_picture(member: Member, paper: Paper, out: Path) -> Picture | None:
    """Figures 7 (over pipelines) and 11 (over schedules, with Experiment 2's constant rate); None where no curve is defined."""
    cells, second = member.folder.cells, paper.experiment(2)
    lines = [(member.backbone_label(c), pr_curve(member, c, _column(member, c))) for c in cells]
    if member.experiment == 3 and second and not any(c.schedule == "constant" for c in cells):
        labels = {(c.backbone, c.pipeline): member.backbone_label(c) for c in cells}
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
    number, over = {2: ("7", "pipelines"), 3: ("11", "schedules")}[member.experiment]
    return _picture(
        pr_curves(list(panels.items()), prevalence(member)),
        out,
        f"figure-{number}",
        f"The paper’s Figure {number}: precision over recall of {member.folder.positive} on the test films over {over}, trial {PR_TRIAL}. "
        "Circles: the class of the highest probability. Level line: a guess.",
        "Precision-recall curves with their areas.",
        member,
    )


def architecture_picture(member: Member | None, out: Path) -> Picture:
    """Figure 14, at the size of the study's films; at the paper's where Experiment 5 was not run."""
    size = int((member and member.folder.record.table("augment").get("size_px")) or CNN_SIZE_PX)
    classes = len(member.folder.classes) if member else 4
    return _picture(
        figures.architecture(size, classes),
        out,
        "figure-14",
        f"The paper’s Figure 14: the CNN that is trained from scratch, for films of {size} px. Blue boxes have weights.",
        "Layers of the network from left to right, each with its output.",
        None,
    )


def copied_pictures(member: Member, out: Path) -> list[Picture]:
    """The panels of films of the member's own report, those that there are."""
    annotated = BoxedFilmNote.of_run(member.folder.path) is not None
    words = {
        "augmentor-torchvision": "The paper’s Figure 4: distortion and zoom as torchvision has them and as Augmentor has them.",
        "augmentation-panel": f"The paper’s Figure {'3' if member.experiment == 1 else '6'}: a training film of each class under each "
        "pipeline, with what was drawn beneath. Drawn on purpose: every step acts here.",
        "box-panel": f"The paper’s Figure 15: {'a' if annotated else 'a synthetic'} film with a box followed through each pipeline, "
        "with the share of the box that is left.",
    }
    found = []
    for stem, caption in words.items():
        sources = [member.folder.path / "figures" / f"{stem}.{kind}" for kind in ("png", "svg")]
        if not sources[0].is_file():
            continue
        name = f"{member.name}-{stem}"
        for source in filter(Path.is_file, sources):
            write_bytes(out / f"{name}{source.suffix}", source.read_bytes())
        data = sources[0].read_bytes()
        width_px = int.from_bytes(data[16:20], "big")  # of a PNG's first chunk
        percent = min(100, round(100 * width_px / style.PNG_DPI / style.WIDTH_IN))
        found.append(Picture(name, caption, "Films under pipelines.", data, "image/png", percent))
    return found


def _picture(fig: Figure, out: Path, name: str, caption: str, alt: str, member: Member | None) -> Picture:
    marks = [m for m in (member.subset, "UNSAFE" if member.unsafe else "") if m] if member else []
    return drawn(fig, out, name, f"{caption} ({'; '.join(marks)}.)" if marks else caption, alt)

"""What tables and figures call the cells and the averages of a run."""

from __future__ import annotations

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.models.registry import BACKBONES
from hilum.study.factors import level_words


def from_scratch(cell: RunCell) -> bool:
    """Whether the cell's backbone has no weights to start from."""
    return cell.backbone in BACKBONES and BACKBONES[cell.backbone].from_scratch


def backbone_label(cell: RunCell) -> str:
    """The backbone for a table: marked where its weights are random."""
    if from_scratch(cell):
        return f"{cell.backbone} (from scratch)"
    return cell.backbone if cell.pretrained else f"{cell.backbone} (random weights)"


def cell_level(cell: RunCell, factor: str) -> str:
    """The cell's level of a factor; empty where its run did not record it."""
    return level_words(factor, cell.factors[factor]) if factor in cell.factors else ""


def averaged(folder: RunFolder) -> str:
    """What a figure of a cell is: a mean over trials, or of a single one that trial's own."""
    return "mean over trials" if folder.n_trials > 1 else "one trial"

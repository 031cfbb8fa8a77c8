"""What tables and figures call the cells and the averages of a run, and how often its test films were looked at."""

from __future__ import annotations

from hilum.artifacts.looks import Looks
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


def looks_words(found: Looks | None) -> str:
    """The looks at the test films, in words.

    >>> looks_words(Looks(99, 3, 3, 2, 1))
    'the 3rd look at these 99 test films (of 2 studies), 1 of them of this run'
    >>> looks_words(Looks(99, 1, 4, 1, 1))
    'the 1st look at the median of these 99 test films, the 4th at the most looked at (of 1 study), 1 of them of this run'
    """
    if found is None:
        return "not recorded"
    studies = f"of {found.studies} {'study' if found.studies == 1 else 'studies'}"
    if found.median == found.most:
        which = f"the {_ordinal(found.most)} look at these {found.films} test films"
    else:
        which = (
            f"the {_ordinal(found.median)} look at the median of these {found.films} test films, the {_ordinal(found.most)} at the "
            "most looked at"
        )
    return f"{which} ({studies}), {found.own} of them of this run"


def _ordinal(n: int) -> str:
    last = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{last}"

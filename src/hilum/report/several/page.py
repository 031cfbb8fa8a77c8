"""What opens the page of a run of several findings: its sentence, its headline, its cautions and its terms."""

from __future__ import annotations

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import MACRO
from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.numbers import counted, listed, rate
from hilum.report.run_words import backbone_label


def sentence(folder: RunFolder) -> str:
    """The study in one sentence."""
    backbones = list(dict.fromkeys(backbone_label(c) for c in folder.cells))
    test = folder.splits[1].parts["test"]
    return (
        f"{counted(len(folder.classes), 'finding')} a film ({listed(list(folder.classes))}), each asked by itself, by {listed(backbones)} "
        f"in {counted(len(folder.cells), 'cell')} of {counted(folder.n_trials, 'trial')}, on {numbers.count(len(folder.manifest))} chest "
        f"films; the figures are of {numbers.count(len(test))} test films."
    )


def headline(evaluated: Evaluated) -> list[tuple[str, str]]:
    """(model, its macro average and the lowest and highest finding, in words): a line a cell."""
    return [(evaluated.names.label(c), _words(evaluated, c)) for c in evaluated.folder.cells]


def _words(evaluated: Evaluated, cell: RunCell) -> str:
    mean = evaluated.row(cell, "roc_auc", MACRO)
    areas = {
        f: v for f in evaluated.folder.classes if (v := evaluated.estimate(cell, "roc_auc", f)) is not None
    }
    if mean is None or mean.estimate is None or not areas:
        return "the macro average could not be computed"
    low, high = min(areas, key=areas.__getitem__), max(areas, key=areas.__getitem__)
    ends = f" ({numbers.interval(mean.low, mean.high, mean.n)})" if mean.low is not None else ""
    return (
        f"ranks films by a finding with a mean ROC-AUC of {rate(mean.estimate, 3)}{ends} over {counted(len(areas), 'finding')}, from "
        f"{rate(areas[low], 3)} ({low}) to {rate(areas[high], 3)} ({high})."
    )


TERMS = (
    (
        "Finding",
        "a question of its own: there or not, on the films of which it is known; a film may have several",
    ),
    ("Macro average", "the mean of a figure over findings with equal weight"),
    (
        "Threshold",
        "of a finding: its probability from which a film is called to have it, chosen on validation films and stored in the bundle",
    ),
)
"""Terms that only such a page has."""

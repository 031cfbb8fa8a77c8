"""What must stand under every table of a study: the size of its subset, early stopping, the best epoch, faults that were switched on.

Convention: a note is one sentence. Unsafe faults, which break the validity of the numbers, stand above the page too (`unsafe_notes`).
"""

from __future__ import annotations

from dataclasses import replace

from hilum.artifacts.run_folder import RunFolder
from hilum.report import numbers
from hilum.report.page import Section
from hilum.report.run_words import cell_level
from hilum.report.table import Table
from hilum.study.faults import FAULTS


def noted(section: Section, folder: RunFolder) -> Section:
    """The section with the run's notes under each of its tables, where it is to have them."""
    said = " ".join(run_notes(folder))
    if not said or not section.noted:
        return section
    closed = [replace(t, notes=(*t.notes, said)) for t in section.closed]
    items = [replace(i, notes=(*i.notes, said)) if isinstance(i, Table) else i for i in section.items]
    return replace(section, items=items, closed=closed)


def run_notes(folder: RunFolder) -> list[str]:
    """Every note of a run, the gravest first; a fault by its name only, since the page says above what it is."""
    return [
        *_named(folder, "Unsafe", unsafe=True),
        *_named(folder, "As run", unsafe=False),
        *_sources_left_out(folder),
        *_subset(folder),
        *_choice_of_epoch(folder),
    ]


def unsafe_notes(folder: RunFolder) -> list[str]:
    """A sentence for each unsafe fault that was on in any cell."""
    return [f"Unsafe: {text}" for text in _switched(folder, unsafe=True)]


def _named(folder: RunFolder, word: str, unsafe: bool) -> list[str]:
    on = {f for c in folder.cells for f in c.switches if FAULTS[f].unsafe == unsafe}
    if not on:
        return []
    every = all(on <= set(c.switches) for c in folder.cells)
    names = ", ".join(f.replace("_", " ") for f in FAULTS if f in on)
    return [f"{word} in {'every cell' if every else 'some cells'}: {names}."]


def _switched(folder: RunFolder, unsafe: bool) -> list[str]:
    found = []
    for name, fault in FAULTS.items():
        with_it = [c for c in folder.cells if name in c.switches]
        if fault.unsafe != unsafe or not with_it:
            continue
        n = len(folder.cells)
        where = "in every cell" if len(with_it) == n else f"in {len(with_it)} of {n} cells"
        found.append(f"{fault.what} ({name}, {where}).")
    return found


def _subset(folder: RunFolder) -> list[str]:
    subset = folder.record.subset
    if not subset:
        return []
    return [
        f"A subset: {numbers.count(len(folder.manifest))} films, drawn by class from those the study names ({subset['name']}); "
        "not comparable with figures of all films."
    ]


def _sources_left_out(folder: RunFolder) -> list[str]:
    left_out = {cell_level(c, "source_left_out") for c in folder.cells} - {"", "all sources"}
    if not left_out:
        return []
    return [
        f"Rows {' and '.join(sorted(left_out))} test all films of the source left out and no others, so their figures are of other "
        "films than those of other rows."
    ]


def _choice_of_epoch(folder: RunFolder) -> list[str]:
    training = folder.record.table("training")
    found = []
    if early := training.get("early_stopping"):
        found.append(
            f"Early stopping: training ended after {numbers.counted(early, 'epoch')} without a lower validation loss."
        )
    if training.get("best_epoch"):
        found.append("Best epoch: the weights are those of the epoch with the lowest validation loss.")
    return found

"""What must stand under every table of a study: the size of its subset, early stopping, the best epoch, faults that were switched on.

Convention: a note is one sentence. Unsafe faults, which break the validity of the numbers, stand above the page too (`unsafe_notes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import UnsafeSplit
from hilum.report import numbers
from hilum.report.page import Section
from hilum.report.run_words import cell_level
from hilum.report.table import Table
from hilum.study.classes import EVERY_OTHER, GIVEN_LABEL
from hilum.study.faults import FAULTS, that_set


def noted(section: Section, folder: RunFolder) -> Section:
    """The section with the run's notes under each of its tables, where it is to have them."""
    said = " ".join(run_notes(folder))
    if not said or not section.noted:
        return section
    items, closed = (
        [replace(i, notes=(*i.notes, said)) if isinstance(i, Table) else i for i in of]
        for of in (section.items, section.closed)
    )
    return replace(section, items=items, closed=closed)


def run_notes(folder: RunFolder) -> list[str]:
    """Every note of a run, the gravest first; a fault by its name only, since the page says above what it is."""
    return list(_notes(folder))


def unsafe_notes(folder: RunFolder) -> list[str]:
    """A sentence for each unsafe fault that was on in any cell."""
    found = []
    for name, fault in FAULTS.items():
        n, of = sum(name in c.switches for c in folder.cells), len(folder.cells)
        if fault.unsafe and n:
            where = "in every cell" if n == of else f"in {n} of {of} cells"
            found.append(f"Unsafe: {fault.what} ({name}, {where}{_leaked(folder, name)}).")
    return found


def _leaked(folder: RunFolder, fault: str) -> str:
    """How many pairs a fault that draws films one by one leaves across train and test, in trial 1."""
    cell = next(c for c in folder.cells if fault in c.switches)
    split = folder.split_of(cell, 1)
    if not that_set([fault], "one_by_one") or not isinstance(split, UnsafeSplit):
        return ""
    films, pairs = split.leaked
    return f", {numbers.counted(pairs, 'leaked pair')} of {numbers.counted(films, 'test film')} in trial 1"


def _notes(folder: RunFolder) -> Iterator[str]:
    for word, unsafe in (("Unsafe", True), ("As run", False)):
        on = {f for c in folder.cells for f in c.switches if FAULTS[f].unsafe == unsafe}
        if on:
            every = all(on <= set(c.switches) for c in folder.cells)
            names = ", ".join(f.replace("_", " ") for f in FAULTS if f in on)
            yield f"{word} in {'every cell' if every else 'some cells'}: {names}."
    left_out = {cell_level(c, "source_left_out") for c in folder.cells} - {"", "all sources"}
    if left_out:
        yield (
            f"Rows {' and '.join(sorted(left_out))} test all films of the source left out and no others, so their figures are of other "
            "films than those of other rows."
        )
    for into, labels in folder.record.table("data").get("merge", {}).items():
        merged = "every other label" if labels == [EVERY_OTHER] else f"the labels {numbers.listed(labels)}"
        yield f"Merged: the class {into} is {merged} of the manifest, told apart in the column {GIVEN_LABEL}."
    if subset := folder.record.subset:
        yield (
            f"A subset: {numbers.count(len(folder.manifest))} films, drawn by class from those the study names ({subset['name']}); "
            "not comparable with figures of all films."
        )
    training = folder.record.table("training")
    if early := training.get("early_stopping"):
        yield f"Early stopping: training ended after {numbers.counted(early, 'epoch')} without a lower validation loss."
    if training.get("balanced_batches"):
        yield "Balanced batches: each batch of training films has the classes evenly; films of small classes come several times an epoch."
    if training.get("best_epoch"):
        yield "Best epoch: the weights are those of the epoch with the lowest validation loss."

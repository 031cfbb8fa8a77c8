"""Cautions about trials whose model did not learn, from ``learning.json`` of a run's folder (`hilum.stages.report.learned` writes it).

Convention: a caution a rule; it names the cells with the numbers of the first trial that it holds for, three cells at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hilum.artifacts.run_files import read_problems
from hilum.artifacts.run_folder import RunFolder
from hilum.report.caution import Caution
from hilum.report.result_tables import CellColumns

NAMED = 3
"""Cells that a caution names; the others are counted."""


def learning_cautions(folder: RunFolder, named: int = NAMED) -> list[Caution]:
    """What the rules found, the gravest first; nothing where the file is not there yet."""
    return [
        Caution(p.code, p.title, "limits", _where(folder, p.where, named), p.to_do)
        for p in read_problems(folder.path)
    ]


def learning_lines(runs: Sequence[Path]) -> list[str]:
    """What the rules found in runs, in a line each with one cell named; with several runs it begins with the run's name."""
    return [
        f"{f'{run.name}: ' if len(runs) > 1 else ''}{c.title} ({c.code}): {c.text}"
        for run in runs
        for c in learning_cautions(RunFolder(run), named=1)
    ]


def _where(folder: RunFolder, where: Sequence[Mapping[str, Any]], named: int) -> str:
    label, cells = CellColumns(folder).label, {c.name: c for c in folder.cells}
    by_cell: dict[str, list[Mapping[str, Any]]] = {}
    for found in where:
        by_cell.setdefault(found["cell"], []).append(found)
    words = [
        f"{label(cells[name])}, {_trials([int(f['trial']) for f in found], folder.n_trials)}: {found[0]['facts']}"
        for name, found in list(by_cell.items())[:named]
    ]
    more = len(by_cell) - named
    return (
        "; ".join(words) + (f"; and {more} more {'cell' if more == 1 else 'cells'}" if more > 0 else "") + "."
    )


def _trials(numbers: list[int], of: int) -> str:
    if len(numbers) == of > 1:
        return f"{'both' if of == 2 else f'all {of}'} trials, the first"
    if len(numbers) > 1:
        return f"{len(numbers)} of {of} trials, the first of them"
    return f"trial {numbers[0]}"

"""What each stage of a study needs besides seconds: bytes that it writes, and memory while it goes on.

Disk is counted from what is written (`hilum.workflow.sizes`). Memory is what this process has once a stage's work was tried in it, as the
stage will have it; where workers do the work, what each has once its modules are loaded, and by how much this process grew when it tried:
pages that no file backs, as the run measures them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hilum.core.memory import anonymous_bytes
from hilum.workflow import rates
from hilum.workflow.ensembles import ensembles_of
from hilum.workflow.estimate import Cost, costs
from hilum.workflow.sizes import Sizes
from hilum.workflow.state import Run

_PAGE_BYTES, _CELL_BYTES = 2_300_000, 900_000
"""Statistics, tables, figures and page of a report, and of each of its cells."""


class Room(NamedTuple):
    """What a stage needs.

    Attributes:
        disk: Bytes that it writes.
        memory: Bytes at most while it goes on, of all processes together.
    """

    disk: int
    memory: int


def costs_with_room(run: Run, sizes: Sizes) -> Iterator[tuple[Cost, Room]]:
    """Every stage of a study, in order, each with what it needs."""
    written, before = _written(run, sizes), anonymous_bytes()
    for cost in costs(run, sizes):
        memory = after = anonymous_bytes()  # its work has just been tried
        if cost.workers > 1:
            memory = before + cost.workers * (rates.memory_of_worker(cost.loads) + max(0, after - before))
        yield cost, Room(written.get(cost.stage, 0), max(memory, after))
        before = after


def _written(run: Run, sizes: Sizes) -> dict[str, int]:
    """Bytes that each stage writes."""
    n_todo, n_films = sum(len(c.films) for c in run.unprepared), max(len(run.draws.wanted), 1)
    cells = len(run.recipes) + len(ensembles_of(run))
    return {
        "prepare": sizes.prepared * n_todo // n_films,
        **{f"featurize {which.label}": n for which, n in sizes.features_of.items()},
        "train heads": 2 * sizes.heads,
        "train networks": 2 * sizes.networks,
        "score networks": sizes.scores_of_networks,
        "predict": sizes.scores_of_heads,
        "report": _PAGE_BYTES + _CELL_BYTES * cells,
    }

"""A pair of one job done twice, by hilum and by a rival, measured in turns within one run, so that what else the machine does hits both.

A ratio is the rival's seconds over hilum's: above 1 hilum is faster. It is the median over turns of the ratio within each turn.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Side = Callable[[], float | None]
"""Does the job; gives its own seconds where only a part of the call counts, else None."""


@dataclass(frozen=True)
class Pair:
    """One job, done by both.

    Attributes:
        name: Of the job, which no other pair has.
        rival: Who does it beside hilum.
        ours: hilum's way.
        theirs: The rival's way; None where it cannot be had.
        differs: What one does more or less than the other, in words.
        turns: How often both are measured.
        warm: Whether each does it once before the clock starts.
        why: Why the rival cannot be had; empty where it can.
    """

    name: str
    rival: str
    ours: Side
    theirs: Side | None
    differs: str
    turns: int = 5
    warm: bool = True
    why: str = ""


def rival_module(name: str) -> tuple[ModuleType | None, str]:
    """A rival's library; None and why where it cannot be imported."""
    try:
        return importlib.import_module(name), ""
    except Exception as e:  # whatever the import of a library raises that does not fit this environment
        return None, f"{name} cannot be imported: {type(e).__name__}: {e}"


def measured(pair: Pair, turns: int | None = None) -> dict[str, Any]:
    """A pair's row: seconds of both, medians over turns, and the ratio with each turn's."""
    row: dict[str, Any] = {"name": pair.name, "rival": pair.rival, "differs": pair.differs}
    if pair.theirs is None:
        return {**row, "missing": pair.why}
    if pair.warm:
        pair.ours(), pair.theirs()
    taken = [(_seconds(pair.ours), _seconds(pair.theirs)) for _ in range(turns or pair.turns)]
    return {**row, **summary(taken)}


def summary(taken: list[tuple[float, float]]) -> dict[str, Any]:
    """What turns come to: hilum's and the rival's seconds of each."""
    return {
        "hilum_s": statistics.median(ours for ours, _ in taken),
        "rival_s": statistics.median(theirs for _, theirs in taken),
        "ratio": statistics.median(theirs / ours for ours, theirs in taken),
        "turns": [[ours, theirs] for ours, theirs in taken],
    }


def _seconds(side: Side) -> float:
    start = time.perf_counter()
    own = side()
    return time.perf_counter() - start if own is None else own

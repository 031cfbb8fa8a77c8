"""What a stage did in a run, for the table at its end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class StageLine:
    """What a stage did in this run: items done, items found finished, seconds."""

    stage: str
    done: int = 0
    found: int = 0
    seconds: float = 0.0

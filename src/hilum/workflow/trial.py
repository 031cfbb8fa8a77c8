"""One trial of one cell, planned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.drawn_films import HELD_OUT, DrawnFilms
from hilum.training.task import TrainTask
from hilum.workflow.plan import Recipe


@dataclass(frozen=True)
class Trial:
    """One trial of one cell: its training task and what it draws.

    Attributes:
        recipe: Of its cell.
        number: From 1.
        train: The task.
        drawn: The films that it trains on and that it predicts.
        folder: Where its results lie in the run's folder.
    """

    recipe: Recipe
    number: int
    train: TrainTask
    drawn: DrawnFilms
    folder: Path

    @property
    def n_scored(self) -> dict[str, int]:
        """Part -> films that are predicted, where there are any."""
        return {p: n for p in HELD_OUT if (n := len(self.drawn.held_out(p)))}

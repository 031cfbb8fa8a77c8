"""``searches/<cell>.json`` of a run: every training that a search of a cell tried, and what it chose. Nothing is computed here.

The workspace keeps each under ``searches/`` by the digest of what it depends on (`hilum.study.search.SEARCHED`); the trainings themselves
lie among the trials, where one with the same values is found again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hilum.artifacts.header import Header, read_artefact, write_json

SEARCHES = "searches"
KIND = "search"
Value = int | float | str
"""Of something that is searched."""


@dataclass(frozen=True)
class Tried:
    """One trial of a search.

    Attributes:
        number: From 1; the first has the study's own values.
        values: What was searched -> its value.
        state: ``failed`` where a loss was no longer finite.
        score: Mean over `scores`; None where it failed.
        scores: Of the films held back, one a fold.
        seconds: That its trainings took, added up.
        reason: Why it failed; empty where it did not.
        trained: Names of its trainings in the workspace's ``trials``, one a fold.
    """

    number: int
    values: Mapping[str, Value]
    state: Literal["complete", "failed"]
    score: float | None
    scores: Sequence[float]
    seconds: float
    reason: str = ""
    trained: Sequence[str] = ()


@dataclass(frozen=True)
class Search:
    """What ``searches/<cell>.json`` says.

    Attributes:
        metric: ``loss``, or a metric's name.
        higher_is_better: Which way it is better.
        chosen_on: ``valid`` or ``folds``.
        folds: How many; 1 for the validation films.
        ranges: What was searched -> its range or its choices.
        chosen: The values of the best trial; the first of equals. Those of the study where none was better.
        seconds: That all trainings took, added up.
        tried: Every trial, in order.
    """

    header: Header
    metric: str
    higher_is_better: bool
    chosen_on: str
    folds: int
    ranges: Mapping[str, Any]
    chosen: Mapping[str, Value]
    seconds: float
    tried: Sequence[Tried]

    @property
    def own(self) -> Tried:
        """The trial with the study's own values."""
        return self.tried[0]

    @property
    def best(self) -> Tried:
        """The trial with the best score, the first of equals; the study's own where all failed."""
        return best_of(self.tried, self.higher_is_better)

    @property
    def gain(self) -> float | None:
        """By how much the best is better than the study's own values; None where those failed."""
        own, best = self.own.score, self.best.score
        return None if own is None or best is None else (best - own if self.higher_is_better else own - best)

    @property
    def failed(self) -> int:
        """Trials whose loss was no longer finite."""
        return sum(t.state == "failed" for t in self.tried)

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        write_json(path, self)

    @classmethod
    def read(cls, path: Path) -> Search:
        """Read and check.

        Raises:
            InputError: No such file, or of another kind, or a value of another type.
        """
        return read_artefact(path, KIND, cls)


def best_of(tried: Sequence[Tried], higher_is_better: bool) -> Tried:
    """The trial with the best score, the first of equals; the first of all where every one failed."""
    scored = [t for t in tried if t.score is not None]
    sign = -1.0 if higher_is_better else 1.0
    return min(scored, key=lambda t: sign * (t.score or 0.0), default=tried[0])


def search_path(run: Path, cell: str) -> Path:
    """Where the search of a cell lies in a run's folder."""
    return run / SEARCHES / f"{cell}.json"


def searches_of(run: Path, cells: Sequence[str]) -> dict[str, Search]:
    """Cell -> its search, of those cells that were searched."""
    paths = {cell: search_path(run, cell) for cell in cells}
    return {cell: Search.read(path) for cell, path in paths.items() if path.is_file()}

"""``sweep.json``: sensitivity and specificity of a run's models at the thresholds that its study names, and how their scores are spread.

It is of test films and chooses nothing: a bundle's operating point is the one that validation films chose. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.header import Header, read_artefact, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.statistics import StatisticsRow

SWEEP = "sweep.json"


class SweepRow(StatisticsRow):
    """Sensitivity or specificity of a cell where its films are called positive from `threshold` on, mean over trials."""

    cell: str
    threshold: float


@dataclass(frozen=True)
class Scores:
    """How the positive class's probability is spread over a cell's test films: films a bin, mean over trials.

    Attributes:
        positive: Of the films of the positive class.
        others: Of all others.
    """

    positive: Sequence[float]
    others: Sequence[float]


@dataclass(frozen=True)
class Sweep:
    """What ``sweep.json`` says.

    Attributes:
        rows: A row a cell, threshold and rate.
        edges: Of the bins, from 0 to 1; a bin has its lower edge, the last one both.
        scores: Cell -> its scores.
    """

    header: Header
    rows: Sequence[SweepRow]
    edges: Sequence[float]
    scores: Mapping[str, Scores]

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        rows = [row.model_dump(by_alias=True) for row in self.rows]
        write_json(path, {**members(self), "rows": rows})

    @classmethod
    def of_run(cls, folder: Path) -> Sweep | None:
        """That of a run's folder; None where the run has none.

        Raises:
            InputError: Malformed.
        """
        return read_artefact(folder / SWEEP, "sweep", cls) if (folder / SWEEP).is_file() else None

    @classmethod
    def is_of(cls, folder: Path, header: Header) -> bool:
        """Whether a run's folder has it of these inputs and options."""
        found = cls.of_run(folder)
        return found is not None and found.header == header

    def row(self, cell: str, threshold: float, metric: str) -> SweepRow | None:
        """The row of that name."""
        wanted = (cell, threshold, metric)
        return next((r for r in self.rows if (r.cell, r.threshold, r.metric) == wanted), None)

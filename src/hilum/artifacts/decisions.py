"""``decisions.json``: what acting on a run's models would be worth, beside its statistics.

Decision curves of every cell, and the predictive values at the prevalences that the study names. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.header import Header, read_artefact, write_json
from hilum.artifacts.json_parts import members

DECISIONS = "decisions.json"


@dataclass(frozen=True)
class NetBenefit:
    """Net benefit of a cell's models at each threshold, mean over trials, with its 95 % interval.

    Attributes:
        prevalence: Share of the positive class in the cell's test films, mean over trials.
        treat_all: Net benefit of acting on every film; of acting on none it is 0.
    """

    prevalence: float
    treat_all: Sequence[float]
    estimate: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Predictive:
    """PPV or NPV of a cell at a prevalence, at the operating point that validation chose.

    Attributes:
        metric: ``ppv`` or ``npv``.
        estimate: Mean over trials; None with the reason in `note`, as the interval.
    """

    cell: str
    prevalence: float
    metric: str
    estimate: float | None
    low: float | None
    high: float | None
    note: str = ""


@dataclass(frozen=True)
class Decisions:
    """What ``decisions.json`` says.

    Attributes:
        thresholds: Probabilities of the positive class from which a film is acted on.
        curves: Cell -> its curve; a cell whose test films are all of one side has none.
        predictive: At the study's prevalences.
    """

    header: Header
    thresholds: Sequence[float]
    curves: Mapping[str, NetBenefit]
    predictive: Sequence[Predictive]

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        write_json(path, members(self))

    @classmethod
    def of_run(cls, folder: Path) -> Decisions | None:
        """That of a run's folder; None where the run has none.

        Raises:
            InputError: Malformed.
        """
        return read_artefact(folder / DECISIONS, "decisions", cls) if (folder / DECISIONS).is_file() else None

    @classmethod
    def is_of(cls, folder: Path, header: Header) -> bool:
        """Whether a run's folder has it of these inputs and options."""
        found = cls.of_run(folder)
        return found is not None and found.header == header

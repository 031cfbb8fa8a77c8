"""The models of several runs that stand in one table: what each is, its figures, and each against one of them.

The figures are in ``statistics.json``, the tests in ``comparisons.json``, of a folder of their own; a system is called ``run/cell``.
Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.header import Header
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRows


@dataclass(frozen=True)
class ComparedSystems:
    """Systems that were compared with one of them.

    Attributes:
        systems: ``run/cell`` -> its run and cell, in the order of the runs.
        reference: The one that the others are compared with.
        figures: Means over trials, at the operating point where there is one.
        rows: The tests.
        header: Of the comparisons.
    """

    systems: Mapping[str, tuple[RunFolder, RunCell]]
    reference: str
    figures: StudyRows
    rows: Sequence[ComparisonRow]
    header: Header

    @property
    def folders(self) -> list[RunFolder]:
        """The runs, in order."""
        return list({id(f): f for f, _ in self.systems.values()}.values())

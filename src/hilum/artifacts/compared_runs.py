"""Runs that were compared with the first of them, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.header import Header
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder


@dataclass(frozen=True)
class ComparedRuns:
    """A comparison of runs.

    Attributes:
        folders: The runs, the reference first.
        names: What each is called.
        cells: ``run/cell`` -> each cell that was compared, or was a reference.
        rows: Of ``comparisons.json``.
        lonely: A sentence for each cell that was left out.
        header: Of ``comparisons.json``.
    """

    folders: Sequence[RunFolder]
    names: Sequence[str]
    cells: Mapping[str, RunCell]
    rows: Sequence[ComparisonRow]
    lonely: Sequence[str]
    header: Header

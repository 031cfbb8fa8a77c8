"""An evaluated run with all that its report is made from: what every section is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from matplotlib.figure import Figure

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.evaluation import Evaluation
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.study_rows import StudyRows
from hilum.augment.operation import Film
from hilum.augment.pipeline import Pipeline
from hilum.report.beside import Beside
from hilum.report.caution import Caution
from hilum.report.drawn import drawn
from hilum.report.page import Picture
from hilum.report.panel import PanelCell
from hilum.report.result_tables import CellColumns

Counterparts = Callable[[Film, Mapping[str, Pipeline], int], list[tuple[str, PanelCell]]]
"""A film, the study's pipelines and a seed -> (title, film) under another library's operations, each beside Augmentor's own."""


@dataclass(frozen=True)
class Evaluated:
    """An evaluated run.

    Attributes:
        folder: The run.
        rows: Its statistics.
        evaluation: Its matrices and curves.
        compared: The comparisons that the study names; empty for none.
        beside: What another source has to its cells.
        cautions: What a reader must know first.
        counterparts: Draws films under another library's operations, which the report itself does without.
    """

    folder: RunFolder
    rows: StudyRows
    evaluation: Evaluation
    compared: Sequence[ComparisonRow]
    beside: Beside
    cautions: Sequence[Caution]
    counterparts: Counterparts

    @property
    def figures(self) -> Path:
        """Folder of the pictures' files."""
        return self.folder.path / "figures"

    @cached_property
    def names(self) -> CellColumns:
        """The columns that name a cell."""
        return CellColumns(self.folder)

    def picture(self, fig: Figure, name: str, caption: str, alt: str, raster: bool = False) -> Picture:
        """A figure, written beside the run; see `drawn`."""
        return drawn(fig, self.figures, name, caption, alt, raster)

"""An evaluated run with all that its report is made from: what every section is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from matplotlib.figure import Figure

from hilum.artifacts.comparisons import ComparisonRow, read_comparisons
from hilum.artifacts.evaluation import Evaluation, read_checked
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import COMPARISONS, STATISTICS, SUBGROUPS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRow, StudyRows
from hilum.augment.operation import Film
from hilum.augment.pipeline import Pipeline
from hilum.report.beside import Beside
from hilum.report.caution import Caution, by_severity
from hilum.report.cautions import cautions
from hilum.report.drawn import drawn
from hilum.report.estimates import CellColumns
from hilum.report.finding_cautions import findings_cautions
from hilum.report.page import Picture
from hilum.report.panel import Lungs, PanelCell, no_lungs
from hilum.report.probed import probe_cautions
from hilum.study.several_findings import MULTILABEL

Counterparts = Callable[[Film, Mapping[str, Pipeline], int], list[tuple[str, PanelCell]]]
"""A film, the study's pipelines and a seed -> (title, film) under another library's operations, each beside Augmentor's own."""

BesideOf = Callable[["Evaluated"], Beside]
"""What another source has to an evaluated run."""


def nothing(_: Evaluated) -> Beside:
    """No source beside."""
    return Beside()


@dataclass(frozen=True)
class Evaluated:
    """An evaluated run; each of its files is read when it is first asked for.

    Attributes:
        folder: The run.
        beside_of: What another source has to its cells.
        counterparts: Draws films under another library's operations, which the report itself does without; None draws none.
        lungs: Finds the lungs of films that pictures show.
    """

    folder: RunFolder
    beside_of: BesideOf = nothing
    counterparts: Counterparts | None = None
    lungs: Lungs = no_lungs

    @cached_property
    def evaluation(self) -> Evaluation:
        """The run's matrices and curves.

        Raises:
            InputError: The run was not evaluated.
            DigestError: They, or the statistics, are of other predictions.
        """
        return read_checked(self.folder)

    @property
    def formulas(self) -> Mapping[str, str]:
        """Metric -> formula."""
        return self.evaluation.formulas

    @cached_property
    def rows(self) -> StudyRows:
        """The run's statistics."""
        return StudyRows.read(self.folder.path / STATISTICS)

    @cached_property
    def compared(self) -> list[ComparisonRow]:
        """The comparisons that the study names; empty for none."""
        path = self.folder.path / COMPARISONS
        return read_comparisons(path) if path.is_file() else []

    @cached_property
    def groups(self) -> list[ComparisonRow]:
        """Each subgroup against the rest of the test films; empty where the study names none."""
        path = self.folder.path / SUBGROUPS
        return read_comparisons(path) if path.is_file() else []

    @cached_property
    def beside(self) -> Beside:
        """What the other source has."""
        return self.beside_of(self)

    @cached_property
    def cautions(self) -> list[Caution]:
        """What a reader must know first."""
        if self.folder.task == MULTILABEL:
            return findings_cautions(self.folder)
        return by_severity([*cautions(self.folder), *probe_cautions(self.folder, self.rows)])

    @cached_property
    def names(self) -> CellColumns:
        """The columns that name a cell."""
        return CellColumns(self.folder)

    def checked(self) -> Self:
        """Itself, after it was seen that the run was evaluated and the statistics are of its own predictions (see `evaluation`)."""
        _ = self.evaluation
        return self

    def row(
        self, cell: RunCell | None, metric: str, class_: str = "", trial: int | None = None
    ) -> StudyRow | None:
        """A figure on the test films, by default of the positive class and the mean over trials; None of no cell."""
        return self.rows.find(cell.name, trial, metric, class_ or self.folder.positive) if cell else None

    def estimate(
        self, cell: RunCell | None, metric: str, class_: str = "", trial: int | None = None
    ) -> float | None:
        """The estimate of `row`; None where there is none."""
        row = self.row(cell, metric, class_, trial)
        return row.estimate if row else None

    def picture(self, fig: Figure, name: str, caption: str, alt: str, raster: bool = False) -> Picture:
        """A figure, written beside the run; see `drawn`."""
        return drawn(fig, self.folder.path / "figures", name, caption, alt, raster)

"""Numbers of another source beside a study's own: what a page prints in grey, and what its figures and tables are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hilum.report.table import Table


@dataclass(frozen=True)
class Beside:
    """What another source has to a study's cells. What is left empty is not shown.

    Attributes:
        whose: The source, as a page calls it: "the paper".
        marks: (cell name, metric) -> value that is drawn beside the study's own.
        of_marks: A sentence on them.
        figures: Figure of the study -> what it is in the source: "Figure 8".
        matrices: (title of a confusion matrix in the source, name of a cell that it is of).
        tables: The study's numbers and the source's side by side.
    """

    whose: str = ""
    marks: Mapping[tuple[str, str], float] = field(default_factory=dict)
    of_marks: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)
    matrices: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()

    def place(self, figure: str) -> str:
        """What a figure is in the source, in brackets behind a blank; empty where it is nothing there.

        >>> Beside("the paper", figures={"loss-curves": "Figure 8"}).place("loss-curves")
        ' (the paper’s Figure 8)'
        """
        return f" ({self.whose}’s {self.figures[figure]})" if figure in self.figures else ""

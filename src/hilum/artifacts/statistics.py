"""`statistics.json`: every figure with its interval, its number of films, and how it was made.

The file is a plain JSON list of rows, its header lies beside it. (metric, class, part) names a row and occurs once; in a run's file the
cell and the trial too, which is null for the cell's mean over trials. A figure that cannot be computed is a row whose `estimate` is null
and whose `note` says why: never NaN, never a missing row. Nothing is computed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hilum.artifacts.header import Header, checked, read_json, write_rows
from hilum.core.errors import InputError

RULES = 2
"""Raised when a figure, an interval or a verdict is made otherwise; rows of other rules are made again."""
AT_OPERATING_POINT = "@operating_point"
ALL_CLASSES = "all"  # the `class` of a figure that is about every class at once
MACRO = "macro"  # of a mean over classes
RESERVED = (ALL_CLASSES, MACRO)
"""What no class may be called."""
ROW: Final = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)
"""A row is frozen, and refuses what it does not know and what is no number."""


class StatisticsRow(BaseModel):
    """One figure.

    Attributes:
        metric: Name such as ``"sensitivity"``. Figures at an operating point end in ``"@operating_point"``;
            the others are for the class of the highest probability, or need no decision (the areas).
        class_: In the file ``class``: the class counted as positive, ``"all"`` (one figure of all classes), ``"macro"`` (the mean of
            the classes' figures), or the name of a contrast such as ``"tb vs adult normal"``.
        estimate: The figure (mean over trials where there are several); None, as `low` and `high`, with the reason in `note`.
        low: Lower end of the interval at `level`.
        n: Films that the figure is about (of one trial).
        n_positive: Those of the positive class; equal to `n` for ``"all"`` and ``"macro"``.
        method: How the interval was made.
        level: Nominal coverage of both intervals.
        seed: Of the resamples.
        unit: What was resampled: ``"patient"``, ``"duplicate group"`` or ``"film"``; there are `n_clusters` of them.
        standard_error: Of the mean over trials (ddof 1, over trials only); None for one trial.
        t_low: Lower end of Student's t interval over trials only (n_trials - 1 degrees of freedom).
        film_error: Standard error that comes from the films (their part common to all trials), from the resamples; None where they
            were not used.
        formula: What was divided by what.
        note: Warnings, or the reason of a null.
    """

    model_config = ROW

    metric: str
    class_: str = Field(validation_alias="class", serialization_alias="class")
    part: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int = Field(ge=0)
    n_positive: int = Field(ge=0)
    method: str
    level: float = Field(default=0.95, gt=0, lt=1)
    seed: int | None = None
    unit: str = "film"
    n_clusters: int | None = None
    n_trials: int = Field(default=1, ge=1)
    standard_error: float | None = None
    t_low: float | None = None
    t_high: float | None = None
    film_error: float | None = None
    formula: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _a_null_has_a_reason(self) -> Self:
        if (self.estimate is None or self.low is None or self.high is None) and not self.note:
            raise ValueError(f"{self.metric!r} of {self.class_!r}: a null needs its reason in `note`")
        return self

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the row: (metric, class, part)."""
        return self.metric, self.class_, self.part


def write_statistics(path: Path, rows: Iterable[StatisticsRow], header: Header) -> None:
    """Write rows as a JSON list, one row a line, with its header beside it.

    Raises:
        InputError: Two rows have the same (metric, class, part).
    """
    kept = list(rows)
    if twice := [key for key, n in Counter(row.key for row in kept).items() if n > 1]:
        raise InputError(f"{path}: the row {twice[0]!r} occurs twice; (metric, class, part) names a row")
    write_rows(path, kept, header)


class _Place(BaseModel):
    cell: str
    trial: int | None = None


class StudyRow(StatisticsRow, _Place):
    """A figure of a cell, by its name, or of one of its trials, numbered from 1; None for the mean over trials."""


class StudyRows:
    """The rows of a run's file, found by name.

    Raises:
        InputError: Two rows have one name.
    """

    def __init__(self, rows: Iterable[StudyRow]) -> None:
        self.rows = tuple(rows)
        self._index = {(r.cell, r.trial, *r.key): r for r in self.rows}
        if len(self._index) < len(self.rows):
            twice = Counter((r.cell, r.trial, *r.key) for r in self.rows).most_common(1)[0][0]
            raise InputError(
                f"statistics row {twice!r} occurs twice; (cell, trial, metric, class, part) names a row"
            )

    def find(
        self, cell: str, trial: int | None, metric: str, class_: str, part: str = "test"
    ) -> StudyRow | None:
        """The row of that name, or None."""
        return self._index.get((cell, trial, metric, class_, part))

    def value(
        self, cell: str, trial: int | None, metric: str, class_: str, part: str = "test"
    ) -> float | None:
        """The estimate of that name; None where there is no row or nothing could be computed."""
        row = self.find(cell, trial, metric, class_, part)
        return row.estimate if row else None

    def classes(self) -> tuple[str, ...]:
        """Every class or contrast that occurs, in the order of first occurrence."""
        return tuple(dict.fromkeys(r.class_ for r in self.rows))

    def write(self, path: Path, header: Header) -> None:
        """Write the rows with their header."""
        write_rows(path, self.rows, header)

    @classmethod
    def read(cls, path: Path) -> StudyRows:
        """Read and check.

        Raises:
            InputError: No such file, no list, or a row that does not fit; says which row and field.
        """
        return cls(checked(read_json(path), list[StudyRow], path))

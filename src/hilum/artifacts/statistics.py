"""`statistics.json`: every figure with its interval, its number of films, and how it was made.

The file is a plain JSON list of rows; (metric, class, part) names a row and occurs once. A figure that cannot
be computed is a row whose `estimate` is null and whose `note` says why: never NaN, never a missing row. This
module holds and checks rows; it computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hilum.artifacts.header import Header, read_json, row_lines, write_with_header
from hilum.core.errors import InputError

RULES = 2
"""Raised when a figure, an interval or a verdict is made otherwise; rows of other rules are made again."""
ALL_CLASSES = "all"  # the `class` of a figure that is about every class at once
MACRO = "macro"  # of a mean over classes
RESERVED = (ALL_CLASSES, MACRO)
"""What no class may be called."""


class StatisticsRow(BaseModel):
    """One figure.

    Attributes:
        metric: Name such as ``"sensitivity"``. Figures at an operating point end in ``"@operating_point"``;
            the others are for the class of the highest probability, or need no decision (the areas).
        class_: In the file ``class``: the class counted as positive, ``"all"`` (one figure of all classes), ``"macro"`` (the mean of
            the classes' figures), or the name of a contrast such as ``"tb vs adult normal"``.
        part: The part of the split the films are from.
        estimate: The figure (mean over trials where there are several), or None with the reason in `note`.
        low: Lower end of the interval at `level`; None with the reason in `note`.
        high: Upper end.
        n: Films that the figure is about (of one trial).
        n_positive: Those of the positive class; equal to `n` for ``"all"`` and ``"macro"``.
        method: How the interval was made.
        level: Nominal coverage of both intervals.
        seed: Seed of the resamples.
        unit: What was resampled: ``"patient"``, ``"duplicate group"`` or ``"film"``.
        n_clusters: Number of such units.
        n_trials: Trials averaged.
        standard_error: Of the mean over trials (ddof 1, over trials only); None for one trial.
        t_low: Student's t interval over trials only (n_trials - 1 degrees of freedom), lower end.
        t_high: Upper end.
        film_error: Standard error that comes from the films (their part common to all trials), from the
            resamples; None where they were not used.
        formula: What was divided by what.
        note: Warnings, or the reason of a null.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

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


def find(rows: Iterable[StatisticsRow], metric: str, class_: str, part: str | None = None) -> StatisticsRow:
    """The one row of that metric and class (and part, where given).

    Raises:
        InputError: No row, or more than one.
    """
    found = [r for r in rows if r.metric == metric and r.class_ == class_ and part in (None, r.part)]
    if len(found) != 1:
        where = f"metric {metric!r}, class {class_!r}" + (f", part {part!r}" if part is not None else "")
        raise InputError(f"expected one row with {where}; found {len(found)}")
    return found[0]


def write_statistics(path: Path, rows: Iterable[StatisticsRow], header: Header) -> None:
    """Write rows as a JSON list, one row a line, with its header beside it.

    Raises:
        InputError: Two rows have the same (metric, class, part).
    """
    kept = list(rows)
    seen: set[tuple[str, str, str]] = set()
    for row in kept:
        if row.key in seen:
            raise InputError(f"{path}: the row {row.key!r} occurs twice; (metric, class, part) names a row")
        seen.add(row.key)
    write_with_header(path, row_lines(row.model_dump(by_alias=True) for row in kept), header)


def read_statistics(path: Path) -> list[StatisticsRow]:
    """Read and check rows.

    Raises:
        InputError: Not JSON, not a list, or a row that does not fit; says which row and field.
    """
    return check_rows(read_json(path), StatisticsRow, path)


_Row = TypeVar("_Row", bound=BaseModel)


def check_rows(values: Any, kind: type[_Row], path: Path) -> list[_Row]:
    """Rows of a kind from JSON values.

    Raises:
        InputError: Not a list, or a row that does not fit; says which row and field of `path`.
    """
    if not isinstance(values, list):
        raise InputError(f"{path}: expected a list of rows, got {type(values).__name__!r}")
    rows = []
    for number, value in enumerate(values):
        try:
            rows.append(kind.model_validate(value))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in first["loc"]) or "row"
            raise InputError(
                f"{path}: row {number}, {where}: {first['msg']} (got {first['input']!r})"
            ) from error
    return rows

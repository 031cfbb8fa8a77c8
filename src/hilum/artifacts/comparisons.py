"""comparisons.json: paired differences between cells, each in the family that was named before anything ran.

A difference is `cell` minus `reference`. Within a family and metric, p-values are adjusted by Holm and intervals are simultaneous; only
the adjusted test may say "better". One training of a cell cannot be told from another by films alone, so a row of one trial has no verdict
unless both sides have the same trained weights (a digest says so). This module holds and checks rows, and says what a verdict is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, Field, model_validator

from hilum.artifacts.header import Header, checked, read_json
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import ROW

Verdict = Literal["better", "worse", "not distinguishable", "on these films, one trial", "undefined"]
ONE_TRIAL: Verdict = "on these films, one trial"
"""What stands in the place of a verdict where a cell was trained once."""
LEFT_OUT_FAMILY = "leave-one-source-out"
"""The family of ``hilum run --leave-one-source-out``, which has a section of its own."""
ALPHA = 0.05
"""Level of the adjusted test."""


def verdict_of(estimate: float, p_adjusted: float, one_training: bool) -> Verdict:
    """The verdict of a difference that has a test.

    Args:
        estimate: The difference, above 0 where it speaks for the cell.
        p_adjusted: By Holm over its family.
        one_training: Whether chance in training is not in the test although it is in the difference.

    >>> verdict_of(0.1, 0.01, False), verdict_of(-0.1, 0.01, False), verdict_of(0.1, 0.05, False), verdict_of(0.1, 0.01, True)
    ('better', 'worse', 'not distinguishable', 'on these films, one trial')
    """
    if one_training:
        return ONE_TRIAL
    if p_adjusted >= ALPHA:
        return "not distinguishable"
    return "better" if estimate > 0 else "worse"


class Pair(NamedTuple):
    """A comparison that is asked for: the names of two cells, and what differs, for tables."""

    cell: str
    reference: str
    label: str


class Secondary(BaseModel):
    """A secondary test, on one trial's pair of predictions.

    Attributes:
        test: ``McNemar (exact)``, ``McNemar, Obuchowski's clusters``, ``DeLong``, ``DeLong, Obuchowski's clusters``.
        trial: From 1.
        p: Unadjusted; None with the reason in `note`.
        note: What it compares, or why there is none.
    """

    model_config = ROW

    test: str
    trial: int
    p: float | None
    note: str = ""


class ComparisonRow(BaseModel):
    """One paired difference.

    Attributes:
        metric: As in statistics.json.
        class_: In the file ``class``.
        cell: Name of the cell; ``run/cell`` where runs are compared.
        reference: The cell that it is compared with.
        label: What differs, for tables: ``crop against baseline``.
        value: Mean over trials of `cell`; None with the reason in `note`.
        estimate: value - reference_value.
        low: Lower end of the simultaneous interval of the family and metric, at `level`.
        low_one: Lower end of the interval of this difference alone.
        p: Of the primary test, unadjusted.
        p_adjusted: By Holm over the family and metric.
        verdict: By `p_adjusted`; the metric says whether a higher figure is the better one. `ONE_TRIAL` where a cell was
            trained once and the other with other weights: p and intervals are then of these films and these trained models only.
        n_needed: Units (of `unit`) that would be needed for .8 power at the observed difference, where it is not distinguishable; None
            where it is, where the observed difference is 0, or where no number of units is enough with these trials.
        trials_needed: In that last case, the fewest trials of each cell with which it would be, were units without end.
        standard_error: Of the difference; `film_error` is its part from films, `trial_error` that from trials.
        paired: Whether both cells' trials share their test films; else the units of the union are resampled.
        method: How test and interval were made.
        level: Nominal coverage.
        seed: Of the resamples.
        unit: What was resampled; there are `n_clusters` of them.
        n_trials: Trials of each of the two.
        shared_weights: Whether both sides have the same trained weights in every trial, by digest, so that films are the only chance.
        n_family: Comparisons in the family, for this metric.
        note: Warnings, or the reason of a None.
        secondary: A trial at a time.
    """

    model_config = ROW

    family: str
    metric: str
    class_: str = Field(validation_alias="class", serialization_alias="class")
    cell: str
    reference: str
    label: str
    value: float | None
    reference_value: float | None
    estimate: float | None
    low: float | None
    high: float | None
    low_one: float | None
    high_one: float | None
    p: float | None
    p_adjusted: float | None
    verdict: Verdict
    n_needed: int | None = None
    trials_needed: int | None = None
    standard_error: float | None = None
    film_error: float | None = None
    trial_error: float | None = None
    paired: bool = True
    method: str
    level: float = 0.95
    seed: int | None = None
    unit: str = "film"
    n_clusters: int | None = None
    n_trials: int = 1
    shared_weights: bool = False
    n_family: int = 1
    note: str = ""
    secondary: list[Secondary] = []

    @model_validator(mode="after")
    def _one_trial_has_no_verdict(self) -> Self:
        if self.n_trials < 2 and not self.shared_weights and self.verdict in ("better", "worse"):
            raise ValueError(
                f"{self.label!r}, {self.metric}: one trial has no verdict {self.verdict!r}, expected {ONE_TRIAL!r}; make the file again"
            )
        return self


@dataclass(frozen=True)
class ComparedRuns:
    """Runs that were compared with the first of them, and what came of it.

    Attributes:
        names: What each run is called.
        cells: ``run/cell`` -> each cell that was compared, or was a reference.
        rows: Of ``comparisons.json``, as `header`.
        lonely: A sentence for each cell that was left out.
    """

    folders: Sequence[RunFolder]
    names: Sequence[str]
    cells: Mapping[str, RunCell]
    rows: Sequence[ComparisonRow]
    lonely: Sequence[str]
    header: Header


def read_comparisons(path: Path) -> list[ComparisonRow]:
    """Read and check rows.

    Raises:
        InputError: No such file, no list, or a row that does not fit.
    """
    return checked(read_json(path), list[ComparisonRow], path)

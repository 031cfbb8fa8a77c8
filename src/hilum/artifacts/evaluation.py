"""``evaluation.json``: what the evaluation of a run leaves beside ``statistics.json``. The report reads it, not the predictions.

It holds the unit of the intervals, the formulas, and for every trial of every cell the confusion matrix and the thinned precision-recall
and ROC curves of the positive class on the test part, how well its probabilities are calibrated, what its sets hold and its gate refuses;
and of every cell the mean curves over trials with their bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator

from hilum.artifacts.header import (
    Header,
    as_written,
    checked,
    read_csv_header,
    read_object,
    require_digest,
    write_json,
)
from hilum.artifacts.json_parts import members
from hilum.artifacts.probabilities import Calibration, Covered, Refused, Spread
from hilum.artifacts.run_files import STATISTICS
from hilum.artifacts.run_folder import STATISTICS_INPUTS, RunFolder
from hilum.core.errors import DigestError

EVALUATION = "evaluation.json"
MIXED_UNIT = "patient, else duplicate group, else film"
_DIGITS = 6  # of a drawn point
_Floats = Annotated[NDArray[np.float64], PlainValidator(lambda v: np.array(v, dtype=np.float64))]
_Counts = Annotated[NDArray[np.int64], PlainValidator(lambda v: np.array(v, dtype=np.int64))]


@dataclass(frozen=True)
class Points:
    """Points of a curve, float64 (n_points,): precision over recall, or true over false positive rate."""

    x: _Floats
    y: _Floats

    def rounded(self) -> dict[str, list[float]]:
        """As JSON-able values, rounded for drawing."""
        return {k: [round(float(v), _DIGITS) for v in values] for k, values in (("x", self.x), ("y", self.y))}


@dataclass(frozen=True)
class Band:
    """A mean curve with its pointwise 95 % interval, float64 (n_points,) each: `mean` over `x`, from `low` to `high`."""

    x: _Floats
    mean: _Floats
    low: _Floats
    high: _Floats

    def rounded(self) -> dict[str, list[float]]:
        """As JSON-able values, rounded for drawing."""
        return {name: np.round(v, _DIGITS).tolist() for name, v in members(self).items()}


@dataclass(frozen=True)
class CellCurves:
    """The mean curves of a cell over its trials; None of a kind that is not defined in each of them.

    Attributes:
        roc: True over false positive rate.
        pr: Precision over recall.
    """

    roc: Band | None
    pr: Band | None


@dataclass(frozen=True)
class Selective:
    """Errors among the films that are kept when the least certain are left out (the class of the highest probability).

    Attributes:
        aurc: Area under risk over coverage (Geifman & El-Yaniv 2017).
        risk: Share of errors (y) over share of films kept (x), thinned.
        kept: Share of films that the gate keeps; None without a gate.
        kept_risk: Share of errors among them; None without a gate, or where it keeps none.
    """

    aurc: float
    risk: Points
    kept: float | None = None
    kept_risk: float | None = None


@dataclass(frozen=True)
class TrialEvaluation:
    """What is drawn for a trial.

    Attributes:
        confusion: int64 (n_classes, n_classes), rows the truth.
        pr: None where the test part has no positive film.
        roc: None where it has none of either.
        calibration: None where the bundle has no temperature.
        selective: Errors over share of films kept.
        covered: What the sets hold; empty where the predictions have none.
        refused: What the gate refuses, by source; empty where the predictions know no strangers.
    """

    confusion: _Counts
    pr: Points | None
    roc: Points | None
    calibration: Calibration | None
    selective: Selective
    covered: tuple[Covered, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """Everything of ``evaluation.json``: the unit that intervals resample with the number of each kind of it, metric -> formula,
    (cell name, trial) -> what is drawn, cell name -> its mean curves, and cell name -> spread over trials that share films."""

    header: Header
    unit: str
    unit_counts: Mapping[str, int]
    formulas: dict[str, str]
    trials: Mapping[tuple[str, int], TrialEvaluation]
    curves: Mapping[str, CellCurves]
    spreads: Mapping[str, Spread]

    @property
    def matrices(self) -> dict[tuple[str, int], NDArray[np.int64]]:
        """(cell name, trial) -> confusion matrix."""
        return {key: t.confusion for key, t in self.trials.items()}

    def write(self, path: Path) -> None:
        """Write evaluation.json, whole or not at all."""
        cells: dict[str, dict[str, Any]] = {}
        for (cell, trial), t in self.trials.items():
            cells.setdefault(cell, {})[str(trial)] = {
                **members(t),
                "confusion": t.confusion.tolist(),
                "pr": t.pr.rounded() if t.pr else None,
                "roc": t.roc.rounded() if t.roc else None,
                "selective": {**members(t.selective), "risk": t.selective.risk.rounded()},
            }
        curves = {
            cell: {kind: band.rounded() if band else None for kind, band in members(c).items()}
            for cell, c in self.curves.items()
        }
        unit = {"name": self.unit, "counts": self.unit_counts}
        value = {"header": self.header, "unit": unit, "formulas": self.formulas, "cells": cells}
        write_json(path, {**value, "curves": curves, "spreads": self.spreads})

    @classmethod
    def read(cls, path: Path) -> Evaluation:
        """Read evaluation.json.

        Raises:
            InputError: No such file, or of another kind.
        """
        value = read_object(path)
        header = Header.from_dict(value.get("header"), "evaluation", path)
        with as_written(path):
            cells = checked(value["cells"], dict[str, dict[int, TrialEvaluation]], path)
            trials = {(cell, n): t for cell, by_trial in cells.items() for n, t in by_trial.items()}
            curves = checked(value["curves"], dict[str, CellCurves], path)
            spreads = checked(value["spreads"], dict[str, Spread], path)
            unit = value["unit"]
            return cls(header, unit["name"], unit["counts"], value["formulas"], trials, curves, spreads)


def read_checked(folder: RunFolder) -> Evaluation:
    """The evaluation of a run, if it and the statistics are of the run's own predictions.

    Raises:
        InputError: The run was not evaluated.
        DigestError: They are of other predictions, or the statistics were changed.
    """
    where = folder.path / EVALUATION
    evaluation = Evaluation.read(where)
    for name in ("predictions", "study", "splits"):
        require_digest(name, evaluation.header.inputs.get(name, ""), STATISTICS_INPUTS[name](folder), where)
    statistics = folder.path / STATISTICS
    _, provenance = read_csv_header(statistics, "statistics") if statistics.is_file() else (None, "unknown")
    if provenance != "hilum":
        raise DigestError(
            f"{statistics}: it is missing, or was changed after it was written (provenance {provenance!r}); run `hilum run` again"
        )
    return evaluation

"""What the evaluation of a run leaves beside ``statistics.json``: confusion matrices, curves and the unit of
the intervals.

Convention: ``evaluation.json`` holds a header (what it was computed from), the resampling unit with its
counts, the formulas, and for every trial of every cell the confusion matrix (rows the truth) and the thinned
precision-recall and ROC curves of the positive class on the test part, and how well its probabilities
are calibrated. The report reads these, not the
predictions. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, as_written, read_csv_header, read_json, require_digest, write_json
from hilum.artifacts.run_files import STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.core.digests import digest
from hilum.core.errors import DigestError

NAME = "evaluation.json"
MIXED_UNIT = "patient, else duplicate group, else film"
_DIGITS = 6  # of a drawn point


@dataclass(frozen=True)
class Points:
    """Points of a curve.

    Attributes:
        x: float64 (n_points,): recall, or false positive rate.
        y: float64 (n_points,): precision, or true positive rate.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def to_dict(self) -> dict[str, list[float]]:
        """As JSON-able values, rounded for drawing."""
        return {
            "x": [round(float(v), _DIGITS) for v in self.x],
            "y": [round(float(v), _DIGITS) for v in self.y],
        }

    @classmethod
    def from_dict(cls, value: dict[str, list[float]]) -> Points:
        """Read back."""
        return cls(np.array(value["x"], dtype=np.float64), np.array(value["y"], dtype=np.float64))


@dataclass(frozen=True)
class Calibration:
    """How well a trial's test probabilities are calibrated, as predicted and at the bundle's temperature, which validation films chose.

    Attributes:
        temperature: Logits are divided by it; 1 leaves them as they are.
        ece: Expected calibration error of the predicted class's probability, 0 .. 1, as predicted.
        brier: Brier score, 0 .. 2, as predicted.
        ece_at_temperature: As `ece`, at the temperature.
        brier_at_temperature: As `brier`, at the temperature.
    """

    temperature: float
    ece: float
    brier: float
    ece_at_temperature: float
    brier_at_temperature: float


@dataclass(frozen=True)
class TrialEvaluation:
    """What is drawn for a trial.

    Attributes:
        confusion: int64 (n_classes, n_classes), rows the truth.
        pr: Precision over recall; None where the test part has no positive film.
        roc: True over false positive rate; None where it has none of either.
        calibration: Of its probabilities; None where the bundle has no temperature.
    """

    confusion: NDArray[np.int64]
    pr: Points | None
    roc: Points | None
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Evaluation:
    """Everything of ``evaluation.json``.

    Attributes:
        header: What it was computed from.
        unit: What the intervals resample.
        unit_counts: How many units of each kind.
        formulas: Metric -> formula.
        trials: (cell name, trial) -> what is drawn.
    """

    header: Header
    unit: str
    unit_counts: Mapping[str, int]
    formulas: dict[str, str]
    trials: Mapping[tuple[str, int], TrialEvaluation]

    @property
    def matrices(self) -> dict[tuple[str, int], NDArray[np.int64]]:
        """(cell name, trial) -> confusion matrix."""
        return {key: t.confusion for key, t in self.trials.items()}

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        cells: dict[str, dict[str, Any]] = {}
        for (cell, trial), t in self.trials.items():
            cells.setdefault(cell, {})[str(trial)] = {
                "confusion": t.confusion.tolist(),
                "pr": t.pr.to_dict() if t.pr else None,
                "roc": t.roc.to_dict() if t.roc else None,
                "calibration": asdict(t.calibration) if t.calibration else None,
            }
        unit = {"name": self.unit, "counts": dict(self.unit_counts)}
        write_json(
            path, {"header": self.header.to_dict(), "unit": unit, "formulas": self.formulas, "cells": cells}
        )

    @classmethod
    def read(cls, path: Path) -> Evaluation:
        """Read it.

        Raises:
            InputError: No such file, or of another kind.
        """
        value = read_json(path)
        with as_written(path):
            header = Header.from_dict(value.get("header"), "evaluation", path)
            trials = {
                (cell, int(trial)): TrialEvaluation(
                    np.array(t["confusion"], dtype=np.int64),
                    Points.from_dict(t["pr"]) if t["pr"] else None,
                    Points.from_dict(t["roc"]) if t["roc"] else None,
                    Calibration(**t["calibration"]) if t.get("calibration") else None,
                )
                for cell, by_trial in value["cells"].items()
                for trial, t in by_trial.items()
            }
            counts = {str(unit): int(n) for unit, n in value["unit"]["counts"].items()}
            formulas = {str(metric): str(formula) for metric, formula in value["formulas"].items()}
            return cls(header, str(value["unit"]["name"]), counts, formulas, trials)


def read_checked(folder: RunFolder) -> Evaluation:
    """The evaluation of a run, if it and the statistics are of the run's own predictions.

    Raises:
        InputError: The run was not evaluated.
        DigestError: They are of other predictions, or the statistics were changed.
    """
    evaluation = Evaluation.read(folder.path / NAME)
    where = folder.path / NAME
    now = digest(folder.prediction_digests())
    require_digest("predictions", evaluation.header.inputs.get("predictions", ""), now, where)
    require_digest("study", evaluation.header.inputs.get("study", ""), folder.record.study_digest, where)
    splits = folder.splits_digest()
    require_digest("splits", evaluation.header.inputs.get("splits", ""), splits, where)
    statistics = folder.path / STATISTICS
    _, provenance = read_csv_header(statistics, "statistics") if statistics.is_file() else (None, "unknown")
    if provenance != "hilum":
        raise DigestError(
            f"{statistics}: it is missing, or was changed after it was written (provenance "
            f"{provenance!r}); run `hilum run` again"
        )
    return evaluation

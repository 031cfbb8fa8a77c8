"""The small files of a trial's folder: what training, prediction and the study's shared work took. Losses are in `hilum.artifacts.history`.

Convention: a trial's folder holds ``bundle/``, ``history.jsonl``, ``train.json``, ``predictions.csv``, ``predict.json``, ``seconds.json``
and, where the study asked for it, ``finder.json``; that of an ensemble has ``ensemble.json`` and no history. A fact that
an older run did not record is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from hilum.artifacts.header import Note, as_written, read_object

BUNDLE = "bundle/bundle.json"
TRAIN = "train.json"
PREDICTIONS = "predictions.csv"
PREDICT = "predict.json"
SECONDS = "seconds.json"
FINDER = "finder.json"
ENSEMBLE = "ensemble.json"
STEPS = ("prepare", "featurize", "train", "predict")
"""Steps whose seconds are counted."""


CELLS = "cells"


def trial_folder(run: Path, cell: str, trial: int) -> Path:
    """Where a trial of a cell lies in a run's folder."""
    return run / CELLS / cell / f"trial-{trial}"


@dataclass(frozen=True)
class TrainFacts(Note):
    """``train.json``.

    Attributes:
        seconds: Of training.
        steps_per_epoch: Steps of the optimiser.
        epochs: That were trained.
    """

    NOTE = TRAIN

    seconds: float = 0.0
    steps_per_epoch: int | None = None
    epochs: int | None = None


@dataclass(frozen=True)
class PredictFacts(Note):
    """``predict.json``.

    Attributes:
        seconds: Of prediction.
        constant: Whether every film got the same scores.
    """

    NOTE = PREDICT

    seconds: float = 0.0
    constant: bool = False


@dataclass(frozen=True)
class EnsembleFacts(Note):
    """``ensemble.json``.

    Attributes:
        key: Digest of all that the ensemble depends on.
        fitted_on: Part whose films its weights were fitted on; empty where nothing is fitted.
        n_fitted: Films of it.
        folds: By which its own answers of validation films were made; 0 where they needed none.
        shares: Mean weight of each member over the validation films, in the order of the bundle's members; empty where a kind has none.
    """

    NOTE = ENSEMBLE

    key: str = ""
    fitted_on: str = ""
    n_fitted: int = 0
    folds: int = 0
    shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class Seconds(Note):
    """``seconds.json``: seconds of a trial by step; a step that was not measured is not there.

    Attributes:
        alone: What it would have cost by itself.
        here: What it cost in this study, with features shared.
    """

    NOTE = SECONDS

    alone: Mapping[str, float] = field(default_factory=dict)
    here: Mapping[str, float] = field(default_factory=dict)

    @property
    def whole(self) -> float | None:
        """Of all steps alone; None where one was not measured."""
        return sum(self.alone.values()) if len(self.alone) == len(STEPS) else None

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Of a trial's folder, without steps that were not measured or are not known here; None where it has no such file."""
        if not (folder / SECONDS).is_file():
            return None
        value = read_object(folder / SECONDS)

        def steps(which: str) -> dict[str, float]:
            return {s: float(t) for s, t in (value.get(which) or {}).items() if s in STEPS and t is not None}

        with as_written(folder / SECONDS):
            return cls(steps("alone"), steps("here"))


@dataclass(frozen=True)
class FinderCurve(Note):
    """``finder.json``: a range test of the learning rate.

    Attributes:
        rates: Of each step.
        losses: Smoothed loss of each step.
        steep: Rate at which the loss falls most steeply; None, here and below, where the test ended too soon to tell.
        valley: Rate about half way down the longest valley.
        minimum: A tenth of the rate of the lowest loss.
        seconds: That the test took.
    """

    NOTE = FINDER

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    steep: float | None
    valley: float | None
    minimum: float | None
    seconds: float = field(default=0.0, compare=False)

    @property
    def suggestions(self) -> dict[str, float]:
        """Suggested rates by name; those that there are."""
        named = {"steep": self.steep, "valley": self.valley, "minimum": self.minimum}
        return {name: float(rate) for name, rate in named.items() if rate}

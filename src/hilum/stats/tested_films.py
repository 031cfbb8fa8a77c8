"""The test films of a trial: its predictions of them, what an interval resamples, and its scores as comparisons take them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.core.errors import InputError
from hilum.stats.resampling_unit import ResamplingUnit, resampling_unit
from hilum.stats.scored_films import ScoredFilms

PART = "test"


@dataclass(frozen=True)
class TestedFilms:
    """The test films of a trial of a cell.

    Attributes:
        predictions: Of these films alone.
        unit: What an interval resamples.
        scored: Their scores.
    """

    predictions: Predictions
    unit: ResamplingUnit
    scored: ScoredFilms


def tested_films(folder: RunFolder, cell: RunCell, trial: int) -> TestedFilms:
    """Read a trial's test films.

    Raises:
        InputError: None of them has probabilities; or as `RunFolder.predictions`.
        DigestError: As `RunFolder.predictions`.
    """
    films = folder.predictions(cell, trial).of_part(PART)
    if not len(films):
        raise InputError(
            f"{folder.predictions_path(cell, trial)}: no film of part {PART!r} has probabilities"
        )
    unit = resampling_unit(films)
    scored = ScoredFilms(
        films.y_index(), films.probabilities, np.array(unit.labels), films.image_ids,
        weights=folder.trained_weights(cell, trial),
    )  # fmt: skip
    return TestedFilms(films, unit, scored)

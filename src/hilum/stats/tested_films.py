"""The test films of a trial: its predictions of them, what an interval resamples, and its scores as comparisons take them.

Between runs, films with one id are one film, and units that share a film are one unit (`tested_together`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hilum.artifacts.evaluation import MIXED_UNIT
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.core.errors import InputError
from hilum.core.progress import progress
from hilum.stats.resampling_unit import ResamplingUnit, joined_labels, resampling_unit
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


def tested_together(
    cells: Mapping[str, tuple[RunFolder, RunCell]],
) -> tuple[dict[str, list[ScoredFilms]], str]:
    """The trials of cells of several runs, their units' labels agreeing between runs; and the unit's name.

    Raises:
        InputError: As `tested_films`.
        DigestError: As `tested_films`.
    """
    read: list[tuple[str, TestedFilms]] = []
    with progress("read", sum(f.n_trials for f, _ in cells.values()), "trials") as step:
        for name, (folder, cell) in cells.items():
            for trial in folder.trials:
                read.append((name, tested_films(folder, cell, trial)))
                step()
    labels_of = joined_labels([(t.predictions.image_ids, t.unit.labels) for _, t in read])
    scored: dict[str, list[ScoredFilms]] = {}
    for (name, tested), labels in zip(read, labels_of, strict=True):
        scored.setdefault(name, []).append(replace(tested.scored, clusters=np.array(labels)))
    units = {t.unit.name for _, t in read}
    return scored, units.pop() if len(units) == 1 else MIXED_UNIT

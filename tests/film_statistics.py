"""The statistics of one set of films, each film its own unit unless the test says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hilum.artifacts.statistics import StatisticsRow
from hilum.stats.contrasts import Contrast
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics


def film_statistics(
    y_true: ArrayLike,
    y_score: ArrayLike,
    classes: Sequence[str],
    positive: str,
    clusters: ArrayLike | None = None,
    threshold: float | None = None,
    contrasts: Sequence[Contrast] = (),
    **more: Any,
) -> list[StatisticsRow]:
    """Of one trial; `more` are arguments of `cell_statistics`."""
    true, score = np.asarray(y_true), np.asarray(y_score)
    own = np.arange(len(true)) if clusters is None else np.asarray(clusters)
    films = ScoredFilms(true, score, own, threshold=threshold, contrasts=contrasts)
    return cell_statistics([films], classes, positive, **more)

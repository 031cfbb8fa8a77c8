"""What a kind of ensemble is given and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Said = NDArray[np.float64]
"""What members say of films: log-probabilities, (n_films, n_members, n_classes)."""
Arrays = Mapping[str, NDArray[Any]]
"""The weights of an ensemble by name."""


@dataclass(frozen=True)
class Fitting:
    """Films that weights are fitted on: they have labels, which films to be answered have not.

    Attributes:
        said: What the members say of them.
        labels: Class indices, (n,).
        groups: Of each film what may not be divided: its patient, with copies; (n,).
        watched: Other films with labels on which an epoch is chosen, where a kind does that.
    """

    said: Said
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    watched: Fitting | None = None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.said.shape[2])

    def take(self, which: NDArray[np.intp]) -> Fitting:
        """Some of the films."""
        return Fitting(self.said[which], self.labels[which], self.groups[which], self.watched)


@dataclass(frozen=True)
class Kind:
    """What computes a kind of ensemble.

    Attributes:
        words: What it is, for a table.
        fit: (table, films, seed) -> weights.
        logits: (table, weights, what members say) -> logits, (n, K).
        cost: (members, classes) -> parameters that are fitted, and multiply-adds of a film.
        weights: (table, weights, what members say) -> weight of each member for each film, (n, M); None of a kind that has none.
    """

    words: str
    fit: Callable[[Any, Fitting, int], dict[str, NDArray[Any]]]
    logits: Callable[[Any, Arrays, Said], NDArray[np.float64]]
    cost: Callable[[int, int], tuple[int, int]]
    weights: Callable[[Any, Arrays, Said], NDArray[np.float64]] | None = None

"""Answers of the films that weights are fitted on, by weights that were fitted without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import InputError
from hilum.core.seeding import key_entropy
from hilum.core.text import counted
from hilum.ensembles.fitting import Arrays, Fitting, Said


def fewest_groups(labels: NDArray[np.int64], groups: NDArray[np.str_], n_classes: int) -> tuple[int, int]:
    """The class with the fewest groups of films, and how many it has.

    >>> fewest_groups(np.array([0, 0, 1, 1]), np.array(["a", "b", "c", "c"]), 2)
    (1, 1)
    """
    counts = [len(np.unique(groups[labels == k])) for k in range(n_classes)]
    return int(np.argmin(counts)), min(counts)


def out_of_fold(
    films: Fitting,
    folds: int,
    seed: int,
    fit: Callable[[Fitting, int], Arrays],
    logits: Callable[[Arrays, Said], NDArray[Any]],
) -> tuple[NDArray[np.float64], int]:
    """Logits of films by weights that were fitted on the films of other groups.

    Args:
        films: All of them.
        folds: As many as there are, at most: no more than the fewest groups of a class.
        seed: Of the folds; the fit of fold k draws by a seed of its own.
        fit: (films, seed) -> weights.
        logits: (weights, what members say) -> logits.

    Returns:
        Logits in the films' order, (n, K), and the number of folds.

    Raises:
        InputError: A class has fewer than two groups.
    """
    k, least = fewest_groups(films.labels, films.groups, films.n_classes)
    n = min(folds, least)
    if n < 2:
        raise InputError(
            f"class {k} has films of {counted(least, 'patient')} among those that an ensemble's weights are fitted on; expected two or more"
        )
    from sklearn.model_selection import StratifiedGroupKFold  # late: it loads pandas where that is installed

    divided = StratifiedGroupKFold(n, shuffle=True, random_state=key_entropy(seed, "folds") % 2**32)
    found = np.full((len(films.labels), films.n_classes), np.nan)
    for fold, (others, own) in enumerate(divided.split(found, films.labels, films.groups)):
        arrays = fit(films.take(others), key_entropy(seed, "fold", fold) % 2**63)
        found[own] = logits(arrays, films.said[own])
    return found, n

"""How several models' probabilities become one: a module a kind of ensemble, and what all of them share.

Convention: what a member says of n films among K classes is the logarithm of its probabilities, and M members are one array, float64 (n,
M, K), in the order of the bundle's members. What an ensemble says is logits, float64 (n, K), whose softmax is its probabilities, so that
thresholds, temperature, sets and strangers are those of any model. Fitting sees films with labels (`Fitting`) and nothing else; films to
be answered have none. To add a kind: its table in `hilum.study.ensembles`, a module here, and an entry in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from hilum.core.errors import InputError
from hilum.ensembles import flannel, mean, stacked, weighted
from hilum.ensembles.fitting import Arrays, Fitting, Kind, Said
from hilum.ensembles.folds import out_of_fold
from hilum.study.ensembles import Ensemble

KINDS: Mapping[str, Kind] = {
    "mean": Kind("mean of the members' probabilities", mean.fit, mean.logits, mean.cost, mean.weights_of_members),
    "weighted": Kind(
        "weighted mean of the members' probabilities", weighted.fit, weighted.logits, weighted.cost, weighted.weights_of_members
    ),
    "stacked": Kind("logistic regression on the members' log-probabilities", stacked.fit, stacked.logits, stacked.cost),
    "flannel": Kind(
        "members weighed film by film by FLANNEL's module", flannel.fit, flannel.logits, flannel.cost, flannel.weights_of_members
    ),
}  # fmt: skip
"""Kind -> what computes it."""


def said(logits: NDArray[np.floating]) -> Said:
    """What a member says, from its logits (n, K): the logarithm of its probabilities."""
    return np.asarray(log_softmax(np.asarray(logits, np.float64), axis=1))


def fitted(table: Ensemble, films: Fitting, seed: int) -> Arrays:
    """The weights of an ensemble; none of a kind that is not fitted.

    Args:
        table: Its table of the study.
        films: What its members say of the films that it is fitted on.
        seed: Of everything that is drawn.
    """
    return KINDS[table.kind].fit(table, films, seed)


def combined(table: Ensemble, arrays: Arrays, members: Said) -> NDArray[np.float64]:
    """Logits of an ensemble, (n, K).

    Raises:
        InputError: Its weights are of other members or classes.
    """
    try:
        return KINDS[table.kind].logits(table, arrays, members)
    except (KeyError, ValueError) as e:
        _, m, k = members.shape
        raise InputError(
            f"the weights of the ensemble {table.name!r} ({table.kind}) do not fit its {m} members and {k} classes; make it again"
        ) from e


def fitted_out_of_fold(
    table: Ensemble, films: Fitting, seed: int, folds: int
) -> tuple[NDArray[np.float64], int]:
    """Logits of films by weights that were fitted without their groups, (n, K), and the number of folds that there were."""
    return out_of_fold(
        films, folds, seed, lambda part, k: fitted(table, part, k), lambda a, s: combined(table, a, s)
    )


__all__ = ["KINDS", "Arrays", "Fitting", "Kind", "Said", "combined", "fitted", "fitted_out_of_fold", "said"]

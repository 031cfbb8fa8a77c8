"""What a bundle's thresholds make of films, however their scores came about: decision, sets of classes, strangers; and how the last two
thresholds are chosen.

The gate of a frozen backbone is Mahalanobis' distance of its features (of a map, of its mean), brought to length 1, to the nearest class of
training films; of a network that was trained as a whole, and where training films are too few, it is the energy of the logits. Its
threshold is the limit that a film of a new patient passes with probability .05 or less, by the rule of `hilum.stats.conformal`: chosen on
validation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import FeatureRows
from hilum.core.errors import InputError
from hilum.stats.conformal import LEVELS, chosen_limits, patients_needed, set_text, sets_of, upper_limit
from hilum.stats.strangers import Gaussian, energy, unit

ACCEPTED = 95
"""Per cent of validation patients that the gate accepts."""
FITTED = 1000
"""Training films that the gate is fitted on, at most."""
_POOLED = 256  # maps at once

Scores = Callable[[NDArray[np.float64], NDArray[np.float32] | None], NDArray[np.float64]]
"""Logits and pooled features (None of a whole network) -> how strange each film is, (n_films,)."""


def probabilities(logits: torch.Tensor) -> NDArray[np.float64]:
    """Softmax in double precision, shape (n, n_classes)."""
    return np.asarray(torch.softmax(logits.double(), dim=1).cpu().numpy(), dtype=np.float64)


@dataclass(frozen=True)
class Judged:
    """Films as a bundle judges them.

    Attributes:
        probabilities: At temperature 1, (n_films, n_classes).
        positive: Whether the positive class reaches the operating point, (n_films,).
        columns: Column of `hilum.artifacts.predictions.JUDGED` -> a text a film.
    """

    probabilities: NDArray[np.float64]
    positive: NDArray[np.bool_]
    columns: dict[str, tuple[str, ...]]


def gate_of(bundle: Bundle, folder: Path) -> Scores | None:
    """How strange films are to a bundle; None where it has no gate.

    Raises:
        InputError: What it needs is not there.
        DigestError: It is not what bundle.json says.
    """
    if not bundle.gate:
        return None
    arrays = bundle.gate_arrays(folder)
    return _scores(Gaussian.of(arrays) if arrays else None)


def _scores(gaussian: Gaussian | None) -> Scores:
    if gaussian is None:
        return lambda logits, _: energy(logits)
    return lambda _, features: gaussian.scores(unit(np.zeros((0, 1)) if features is None else features))


def judge(
    bundle: Bundle, gate: Scores | None, logits: NDArray[np.float64], features: NDArray[np.float32] | None
) -> Judged:
    """Judge films.

    Args:
        bundle: Its thresholds.
        gate: Of `gate_of`.
        logits: (n_films, n_classes).
        features: Pooled, (n_films, n_features); None of a whole network.
    """
    p = probabilities(torch.from_numpy(logits))
    positive = p[:, bundle.classes.index(bundle.positive)] >= bundle.operating_point["threshold"]
    columns: dict[str, tuple[str, ...]] = {}
    for level in LEVELS if bundle.conformal else ():
        least = bundle.conformal["least"][str(level)]
        held = sets_of(p, [least[c] for c in bundle.classes])
        columns[f"set_{level}"] = tuple(set_text(h, bundle.classes) for h in held)
    if gate is not None:
        found, limit = gate(logits, features), bundle.gate["threshold"]
        columns["stranger"] = tuple(str(int(limit is not None and s > limit)) for s in found)
        columns["stranger_score"] = tuple(f"{s:.6g}" for s in found)
    return Judged(p, positive, columns)


def pooled(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Features as the gate takes them, float32 (n_films, n_features): vectors as they are, maps as their mean."""
    found = np.asarray(features, dtype=np.float32)
    return found if found.ndim == 2 else found.reshape(*found.shape[:2], -1).mean(axis=2)


def pooled_rows(rows: FeatureRows) -> NDArray[np.float32]:
    """`pooled` of stored features."""
    return np.concatenate([pooled(rows.take(slice(k, k + _POOLED))) for k in range(0, len(rows), _POOLED)])


@dataclass(frozen=True)
class Seen:
    """Films that are judged, or that thresholds are chosen on: class numbers, logits, pooled features (None of a whole network) and the
    label of each film's patient."""

    labels: NDArray[np.int64]
    logits: NDArray[np.float64]
    features: NDArray[np.float32] | None
    patients: NDArray[np.str_]


def choose(
    bundle: Bundle, folder: Path, valid: Seen, train: tuple[NDArray[np.float32], NDArray[np.int64]] | None
) -> tuple[Bundle, Scores]:
    """Choose the thresholds of sets and gate on validation films and write them into the bundle, which is there.

    Args:
        bundle: As training left it.
        folder: Its own.
        valid: The validation films.
        train: Pooled features and class numbers of training films; None of a whole network.
    """
    gaussian = None
    if train is not None:
        with suppress(InputError):  # too few training films, or all alike: the energy is left
            gaussian = Gaussian.fitted(unit(train[0]), train[1])
    scores = _scores(gaussian)
    limit = upper_limit(scores(valid.logits, valid.features), valid.patients, ACCEPTED)
    least = chosen_limits(
        valid.labels, probabilities(torch.from_numpy(valid.logits)), valid.patients, bundle.classes
    )
    gate = {
        "score": "energy" if gaussian is None else "mahalanobis",
        "of": "logits" if gaussian is None else "features of length 1",
        "threshold": None if math.isinf(limit) else limit,
        "accepted": ACCEPTED / 100,
        "chosen_on": "valid",
        "n_patients": len(np.unique(valid.patients)),
        "n_needed": patients_needed(ACCEPTED),
        "n_train": 0 if gaussian is None or train is None else len(train[0]),
    }
    judged = replace(bundle, conformal=least, gate=gate)
    return judged.complete(folder, gaussian.arrays if gaussian else {}), scores

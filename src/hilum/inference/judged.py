"""What a bundle's thresholds make of films, however their scores came about: decision, sets of classes, strangers; and how the last two
thresholds are chosen.

The gate is Mahalanobis' distance of a film's shape (`hilum.imaging.shape`) to the nearest class of training films. A shape is of the
prepared film at 64 x 64: it tells views, other pictures and films that lie askew, and next to nothing of how sharply a film was stored
(features of a backbone refuse up to six times as many frontal films of other hospitals, `benchmarks/strangers.py`). It needs no
network, so that every bundle has such a gate, one that was trained as a whole too. Its threshold is the limit that a film of a new patient
passes with probability .05 or less, by the rule of `hilum.stats.conformal`: chosen on validation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.drawn_films import DrawnFilms
from hilum.artifacts.finding_labels import UNKNOWN
from hilum.core.errors import InputError
from hilum.imaging.shape import SHAPE_RULES
from hilum.inference.shapes import Shapes
from hilum.models.heads import two_logits
from hilum.stats.calibration import apply_temperature
from hilum.stats.conformal import LEVELS, chosen_limits, patients_needed, set_text, sets_of, upper_limit
from hilum.stats.strangers import Gaussian
from hilum.study.several_findings import MULTILABEL, ONE_CLASS, Task

ACCEPTED = 95
"""Per cent of validation patients that the gate accepts."""
GATE = f"shape {SHAPE_RULES}"
"""What a gate sees, as bundles and the keys of runs name it."""


def probabilities(logits: torch.Tensor, task: Task = ONE_CLASS) -> NDArray[np.float64]:
    """Softmax in double precision, shape (n, n_classes); of several findings the sigmoid of each."""
    z = logits.double()
    p = torch.sigmoid(z) if task == MULTILABEL else torch.softmax(z, dim=1)
    return np.asarray(p.cpu().numpy(), dtype=np.float64)


def temperatures(bundle: Bundle) -> dict[str, Any]:
    """What a bundle's logits are divided by, as its record has it: ``temperature``, or ``temperatures`` by finding; empty without any."""
    kinds: Mapping[str, Callable[[Any], Any]] = {"temperature": float, "temperatures": dict}
    return {key: of(bundle.calibration[key]) for key, of in kinds.items() if key in bundle.calibration}


def has_temperature(bundle: Bundle) -> bool:
    """Whether a bundle has a temperature, or one a finding."""
    return bool(temperatures(bundle))


def at_temperature(bundle: Bundle, logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of logits (n, n_classes) at the bundle's temperature, of several findings at each one's own."""
    found = temperatures(bundle)
    if bundle.task == MULTILABEL:
        return probabilities(
            torch.from_numpy(logits / [found["temperatures"][f] for f in bundle.classes]), MULTILABEL
        )
    return apply_temperature(logits, found["temperature"])


@dataclass(frozen=True)
class Judged:
    """Films as a bundle judges them.

    Attributes:
        probabilities: At temperature 1, (n_films, n_classes).
        positive: Whether the positive class reaches the operating point, (n_films,); of several findings each its own,
            (n_films, n_findings).
        columns: Column of `hilum.artifacts.predictions.JUDGED` -> a text a film.
    """

    probabilities: NDArray[np.float64]
    positive: NDArray[np.bool_]
    columns: dict[str, tuple[str, ...]]


def gate_of(bundle: Bundle, folder: Path) -> Gaussian | None:
    """What tells how strange films are to a bundle; None where it has no gate.

    Raises:
        InputError: What it needs is not there, or its gate is one of an earlier hilum.
        DigestError: It is not what bundle.json says.
    """
    if not bundle.gate:
        return None
    if bundle.gate["of"] != GATE:
        raise InputError(
            f"{folder}: expected a gate of {GATE!r}, got one of {bundle.gate['of']!r}, which an earlier hilum made; run its study again: "
            "features and trials are found, and a bundle with today's gate is made of them"
        )
    return Gaussian.of(bundle.gate_arrays(folder))


def judge(bundle: Bundle, gate: Gaussian | None, logits: NDArray[np.float64], shapes: Shapes) -> Judged:
    """Judge films.

    Args:
        bundle: Its thresholds.
        gate: Of `gate_of`.
        logits: (n_films, n_classes).
        shapes: Of the prepared films; not looked at without a gate.
    """
    p = probabilities(torch.from_numpy(logits), bundle.task)
    if bundle.task == MULTILABEL:
        positive = p >= np.array(bundle.thresholds)
    else:
        positive = p[:, bundle.classes.index(bundle.positive)] >= bundle.operating_point["threshold"]
    columns: dict[str, tuple[str, ...]] = {}
    for level in LEVELS if bundle.conformal else ():
        least = bundle.conformal["least"][str(level)]
        held = sets_of(p, [least[c] for c in bundle.classes])
        columns[f"set_{level}"] = tuple(set_text(h, bundle.classes) for h in held)
    if gate is not None:
        found, limit = gate.scores(shapes), bundle.gate["threshold"]
        columns["stranger"] = tuple(str(int(limit is not None and s > limit)) for s in found)
        columns["stranger_score"] = tuple(f"{s:.6g}" for s in found)
    return Judged(p, positive, columns)


def patients_of(drawn: DrawnFilms, image_ids: Sequence[str]) -> NDArray[np.str_]:
    """Of each film what may not be divided: its group in the split, else its patient, else itself."""
    return np.array([drawn.facts[i].group or drawn.facts[i].patient_id or i for i in image_ids])


@dataclass(frozen=True)
class Seen:
    """Films that are judged, or that thresholds are chosen on: class numbers (of several findings what is known of each), logits, shapes
    and the label of each film's patient."""

    labels: NDArray[np.int64]
    logits: NDArray[np.float64]
    shapes: Shapes
    patients: NDArray[np.str_]

    def of_finding(self, k: int) -> Seen:
        """The films of which a finding is known, asked for it alone: 1 with it, 0 without, and two logits."""
        rows = self.labels[:, k] != UNKNOWN
        z = two_logits(self.logits[rows], k)
        return Seen(self.labels[rows, k], z, self.shapes[rows], self.patients[rows])


def choose(
    bundle: Bundle, folder: Path, valid: Seen, train: tuple[Shapes, NDArray[np.int64]]
) -> tuple[Bundle, Gaussian | None]:
    """Choose the thresholds of sets and gate on validation films and write them into the bundle, which is there.

    Args:
        bundle: As training left it.
        folder: Its own.
        valid: The validation films; of several findings no sets are chosen on them, since a set is one of classes.
        train: Shapes and class numbers of training films; too few of them, or films that do not differ, make no gate.
    """
    least: dict[str, Any] = {}
    if bundle.task != MULTILABEL:
        shares = probabilities(torch.from_numpy(valid.logits))
        least = chosen_limits(valid.labels, shares, valid.patients, bundle.classes)
    try:
        gaussian = Gaussian.fitted(*train)
    except InputError:
        return replace(bundle, conformal=least, gate={}).complete(folder, {}), None
    limit = upper_limit(gaussian.scores(valid.shapes), valid.patients, ACCEPTED)
    gate = {
        "score": "mahalanobis",
        "of": GATE,
        "threshold": None if math.isinf(limit) else limit,
        "accepted": ACCEPTED / 100,
        "chosen_on": "valid",
        "n_patients": len(np.unique(valid.patients)),
        "n_needed": patients_needed(ACCEPTED),
        "n_train": len(train[0]),
    }
    return replace(bundle, conformal=least, gate=gate).complete(folder, gaussian.arrays), gaussian

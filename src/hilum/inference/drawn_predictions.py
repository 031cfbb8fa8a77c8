"""Predictions of the films that a trial of a study drew, as its bundle judged them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.drawn_films import DrawnFilms
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.inference.findings import decision_text
from hilum.inference.judged import Judged

CONSTANT = 1e-6
"""A model whose probabilities differ by less than this over all films says the same of every film."""


def says_one_thing(probabilities: NDArray[np.float64]) -> bool:
    """Whether every film, (n, n_classes), got the same scores."""
    return bool(np.ptp(probabilities, axis=0).max() < CONSTANT)


def predictions_of(
    drawn: DrawnFilms,
    films: Mapping[str, Sequence[str]],
    judged: Mapping[str, Judged],
    values: NDArray[np.float64],
    bundle: Bundle,
    header: Header,
) -> Predictions:
    """A table of predictions.

    Args:
        drawn: What the trial drew; it knows the films' classes and patients.
        films: Part -> image_ids.
        judged: Part -> its films as they were judged, in the same order.
        values: Probabilities that are written, (n_films, n_classes), a part after another.
        bundle: What judged them.
        header: Of the table.
    """
    ids = tuple(i for of_part in films.values() for i in of_part)
    of_parts = [judged[part] for part in films]
    return Predictions(
        image_ids=ids,
        patient_ids=tuple(drawn.facts[i].patient_id for i in ids),
        parts=tuple(part for part, of_part in films.items() for _ in of_part),
        y_true=tuple(drawn.facts[i].label for i in ids),
        probabilities=values,
        classes=bundle.classes,
        groups=tuple(drawn.facts[i].group for i in ids),
        operating_point=tuple(decision_text(bundle, p) for j in of_parts for p in j.positive),
        errors=("",) * len(ids),
        header=header,
        judged={name: tuple(t for j in of_parts for t in j.columns[name]) for name in of_parts[0].columns},
    )

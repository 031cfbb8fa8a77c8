"""The rule of the source: a film's probabilities are the class shares of its source among the training films. It looks at no film."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.drawn_films import HELD_OUT, DrawnFilms
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.trial_files import PredictFacts


def shares_by_source(
    sources: Sequence[str], labels: Sequence[str], classes: Sequence[str]
) -> Mapping[str, NDArray[np.float64]]:
    """Class shares of each source with one film more of every class (Laplace): shape (n_classes,), of an unknown source all alike.

    >>> shares_by_source(["a", "a"], ["x", "x"], ["x", "y"])["a"].tolist()
    [0.75, 0.25]
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for source, label in zip(sources, labels, strict=True):
        counts[source][label] += 1
    found = defaultdict[str, NDArray[np.float64]](lambda: np.full(len(classes), 1 / len(classes)))
    for source, n in counts.items():
        found[source] = np.array([n[c] + 1 for c in classes]) / (n.total() + len(classes))
    return found


def predict_by_source(
    drawn: DrawnFilms, sources: Mapping[str, str], classes: Sequence[str], positive: str, out: Path
) -> None:
    """Write predictions.csv of a trial's films of valid and test.

    Args:
        drawn: What the trial drew; a training film counts once, however often it was drawn.
        sources: image_id -> its source.
        classes: The study's.
        positive: The positive one.
        out: predictions.csv; predict.json goes beside it.
    """
    start = time.perf_counter()
    train = sorted({f.image_id for f in drawn.parts["train"]})
    shares = shares_by_source([sources[i] for i in train], [drawn.facts[i].label for i in train], classes)
    films = [(part, f.image_id) for part in HELD_OUT for f in drawn.held_out(part)]
    facts = [drawn.facts[i] for _, i in films]
    values = np.stack([shares[sources[i]] for _, i in films])
    Predictions(
        image_ids=tuple(i for _, i in films),
        patient_ids=tuple(f.patient_id for f in facts),
        parts=tuple(part for part, _ in films),
        y_true=tuple(f.label for f in facts),
        probabilities=values,
        classes=tuple(classes),
        groups=tuple(f.group for f in facts),
        operating_point=("",) * len(films),
        errors=("",) * len(films),
        header=Header(
            "predictions",
            inputs={"split": drawn.header.inputs["split"]},
            options={
                "path": "class shares of the film's source among the training films",
                "positive": positive,
            },
        ),
    ).write(out)
    PredictFacts(round(time.perf_counter() - start, 4), bool(np.ptp(values, axis=0).max() == 0)).write(
        out.parent
    )

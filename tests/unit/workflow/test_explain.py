"""Which test films a study explains: by class in turn, the most confident right and the most confident wrong."""

import numpy as np

from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.workflow.explain import chosen_films


def test_the_most_confident_right_of_each_class_then_wrong_then_the_next() -> None:
    rows = {  # id: (part, class, p(covid))
        "a": ("test", "covid", 0.9), "b": ("test", "covid", 0.8), "c": ("test", "covid", 0.1), "d": ("test", "normal", 0.2),
        "e": ("test", "normal", 0.2), "f": ("test", "normal", 0.7), "g": ("valid", "covid", 0.99), "h": ("test", "normal", 0.75),
    }  # fmt: skip
    p = np.array([r[2] for r in rows.values()])
    n = len(rows)
    predictions = Predictions(
        tuple(rows), ("",) * n, tuple(r[0] for r in rows.values()), tuple(r[1] for r in rows.values()), np.stack([p, 1 - p], 1),
        ("covid", "normal"), ("",) * n, ("",) * n, ("",) * n, Header("predictions"),
    )  # fmt: skip
    assert chosen_films(predictions, 99) == ["a", "d", "c", "h", "b", "e", "f"]
    assert chosen_films(predictions, 3) == ["a", "d", "c"]

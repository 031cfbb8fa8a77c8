"""The rule of the source: class shares of the film's source among the training films, against a count by hand and scikit-learn's."""

from pathlib import Path

import numpy as np
from sklearn.dummy import DummyClassifier

from hilum.artifacts.drawn_films import DrawnFilm, DrawnFilms, FilmFacts
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.stages.source_rule import predict_by_source, shares_by_source

CLASSES = ("covid", "normal", "viral")


def test_shares_are_those_of_a_dummy_classifier_of_each_source_with_one_film_more_of_every_class() -> None:
    rng = np.random.default_rng(3)
    sources, labels = rng.choice(["a", "b", "c"], 200), rng.choice(CLASSES, 200, p=[0.2, 0.5, 0.3])
    found = shares_by_source(sources.tolist(), labels.tolist(), CLASSES)
    for source in "abc":
        y = [*labels[sources == source], *CLASSES]
        prior = DummyClassifier(strategy="prior").fit(np.zeros((len(y), 1)), y)
        assert list(prior.classes_) == list(CLASSES)
        np.testing.assert_allclose(found[source], prior.predict_proba(np.zeros((1, 1)))[0])


def test_predictions_of_valid_and_test_films_by_hand(tmp_path: Path) -> None:
    label = {"t1": "covid", "t2": "covid", "t3": "normal", "v1": "normal", "e1": "covid", "e2": "viral"}
    source = {"t1": "a", "t2": "a", "t3": "b", "v1": "b", "e1": "a", "e2": "new"}
    parts = {"train": ["t1", "t1", "t2", "t3"], "valid": ["v1"], "test": ["e1", "e2"]}  # t1 was drawn twice
    drawn = DrawnFilms(
        Header("prepared", {"split": "s"}),
        {p: [DrawnFilm(i, 0, i, []) for i in ids] for p, ids in parts.items()},
        {i: FilmFacts(c, f"patient {i}", f"group {i}") for i, c in label.items()},
        (),
    )
    out = tmp_path / "predictions.csv"
    predict_by_source(drawn, source, CLASSES, "covid", out)
    found = Predictions.read(out)
    assert found.image_ids == ("v1", "e1", "e2")
    assert found.parts == ("valid", "test", "test")
    assert found.y_true == ("normal", "covid", "viral")
    assert found.groups == ("group v1", "group e1", "group e2")
    np.testing.assert_allclose(
        found.probabilities, [[1 / 4, 2 / 4, 1 / 4], [3 / 5, 1 / 5, 1 / 5], [1 / 3] * 3], atol=1e-8
    )
    assert (tmp_path / "predict.json").is_file()

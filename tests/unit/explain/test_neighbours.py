"""The nearest training films are scikit-learn's by cosine distance, each film once."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from hilum.explain.neighbours import Neighbours, directions


class Backbone:
    """A backbone whose feature of a film is its two columns."""

    def features(self, films, _batch):
        import torch

        return torch.from_numpy(films.reshape(len(films), -1).astype(np.float32))


def test_they_are_scikit_learns_each_film_once() -> None:
    rng = np.random.default_rng(0)
    features = rng.integers(1, 256, (40, 6))
    films = [(f"f{k % 30}", "covid" if k % 2 else "normal", "s") for k in range(40)]  # ten were drawn twice
    n = Neighbours(directions(features), films, Backbone(), 4, "key")
    asked = rng.integers(1, 256, (3, 2, 3)).astype(np.uint8)
    oracle = NearestNeighbors(n_neighbors=40, metric="cosine").fit(features)
    distances, order = oracle.kneighbors(asked.reshape(3, -1))
    for got, d, o in zip(n.of(list(asked), 5), distances, order, strict=True):
        expected: dict[str, float] = {}
        for k, at in zip(o, d, strict=True):
            expected.setdefault(films[k][0], at)
        names = list(expected)[:5]
        assert [g.image_id for g in got] == names
        assert np.allclose([g.distance for g in got], [expected[i] for i in names], atol=2e-5)
    assert n.of([], 5) == []


def test_maps_are_averaged_over_their_places_first() -> None:
    maps = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float16)
    plain = maps.astype(np.float32).mean((2, 3))
    assert np.allclose(directions(maps), plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-6)

"""Filters of the first convolution, and the most active maps of a stage."""

import numpy as np
import pytest
import torch

from explained_models import film, random_bundle
from hilum.core.errors import InputError
from hilum.explain.filters import feature_maps, first_filters
from hilum.explain.network import explained


def test_a_filter_is_what_a_grey_film_meets(tmp_path) -> None:
    model = explained(random_bundle(tmp_path, "squeezenet1_0"))
    filters = first_filters(model)
    assert filters.shape == (96, 7, 7)
    grey = torch.rand(1, 7, 7, generator=torch.Generator().manual_seed(0)).mul(255)
    conv = model.network.body.net[0]
    x = (grey[:, None] / 255 - model.network.mean) / model.network.std
    black = (torch.zeros(1, 1, 7, 7) - model.network.mean) / model.network.std
    change = (conv(x) - conv(black)).flatten().numpy()
    assert np.abs((filters * (grey[0].numpy() / 255)).sum((1, 2)) - change).max() < 1e-4


def test_the_most_active_maps_of_a_stage_come_first(tmp_path) -> None:
    model = explained(random_bundle(tmp_path, "squeezenet1_0"))
    maps, channels = feature_maps(model, film(), "fire 2-4", 5)
    assert maps.shape == (5, 14, 14)
    seen = model.network.body.net[:6]((model.tensor(film()) / 255 - model.network.mean) / model.network.std)[
        0
    ]
    means = seen.mean((1, 2)).numpy()
    assert channels == list(np.argsort(-means, kind="stable")[:5])
    assert np.allclose(maps[0], seen[channels[0]].numpy(), atol=1e-5)
    with pytest.raises(
        InputError, match="unknown stage 'fire 2-5' of squeezenet1_0; did you mean 'fire 2-4'"
    ):
        feature_maps(model, film(), "fire 2-5")

"""What is explained is the network that the bundle predicts with, at the last map of whatever backbone."""

import numpy as np
import pytest
import torch
from torch import nn

from explained_models import film, random_bundle
from hilum.core.errors import HilumError, InputError
from hilum.explain.network import Explained, explained, last_map
from hilum.inference.predictor import Predictor

LAST_MAPS = {
    "squeezenet1_0": (512, 3, 3),
    "densenet121": (1024, 2, 2),
    "tf_efficientnet_lite0": (1280, 2, 2),
}


def output_of(model: Explained, pixels) -> torch.Tensor:
    seen = []
    hook = model.layer.register_forward_hook(lambda _m, _a, out: seen.append(out))
    model.net(model.tensor(pixels))
    hook.remove()
    return seen[0]


@pytest.mark.parametrize(
    "name", [n if n == "squeezenet1_0" else pytest.param(n, marks=pytest.mark.slow) for n in LAST_MAPS]
)
def test_the_layer_is_the_last_map_before_the_tap(tmp_path, name) -> None:
    model = explained(random_bundle(tmp_path, name))
    out = output_of(model, film())
    assert out.shape[1:] == LAST_MAPS[name]
    body = model.network.body
    features = model.network.features(model.tensor(film())[:, 0])
    assert torch.equal(features, out if features.ndim == 4 else out.mean((2, 3))), type(body)
    assert not any(getattr(m, "inplace", False) for m in model.net.modules())


@pytest.mark.parametrize("network", ["frozen", "whole"])
def test_its_answers_are_the_predictors(tmp_path, network) -> None:
    folder = random_bundle(tmp_path, "squeezenet1_0", network=network)
    model = explained(folder)
    model.require_same(film())
    ours = model.net(model.tensor(film())).softmax(1).numpy()
    theirs = Predictor(folder).passed(film()[None]).softmax(1).numpy()
    assert np.abs(ours - theirs).max() < 1e-5
    assert model.probabilities(film()) == pytest.approx(theirs[0], abs=1e-7)


def test_another_network_than_the_predictors_is_refused(tmp_path) -> None:
    model = explained(random_bundle(tmp_path, "squeezenet1_0"))
    with torch.no_grad():
        model.network.head.conv.weight *= 1.5
    with pytest.raises(HilumError, match="differ from the predictor's by"):
        model.require_same(film())


class Tokens(nn.Module):
    """A transformer as small as one can be: patches of 8 px, `before` tokens, attention, and the first token or the mean."""

    def __init__(self, before: int, of_first: bool) -> None:
        super().__init__()
        self.patches, self.before, self.of_first = nn.Conv2d(3, 16, 8, 8), before, of_first
        self.norm1, self.attention, self.norm2 = (
            nn.LayerNorm(16),
            nn.MultiheadAttention(16, 2, batch_first=True),
            nn.LayerNorm(16),
        )

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([x.new_ones(len(x), self.before, 16), x], 1)
        y = self.norm1(x)
        x = self.norm2(x + self.attention(y, y, y, need_weights=False)[0])
        return x[:, 0] if self.of_first else x[:, self.before :].mean(1)


@pytest.mark.parametrize(("before", "of_first"), [(1, True), (5, True), (0, False), (4, False)])
def test_of_a_transformer_it_is_the_last_tokens_that_the_answer_depends_on(
    tmp_path, before, of_first
) -> None:
    network = explained(random_bundle(tmp_path, "squeezenet1_0")).network
    network.body = Tokens(before, of_first).eval()
    chosen = network.body.norm1 if of_first else network.body.norm2
    tokens, maps = [], []
    chosen.register_forward_hook(lambda _m, _a, out: tokens.append(out))
    plain = network.features(torch.from_numpy(film()[None]))
    layer = last_map(network, (64, 64))
    layer.register_forward_hook(lambda _m, _a, out: maps.append(out))
    tokens.clear()
    assert torch.equal(network.features(torch.from_numpy(film()[None])), plain)
    assert maps[0].shape == (1, 16, 8, 8)
    assert torch.equal(maps[0][0, :, 2, 3], tokens[0][0, before + 2 * 8 + 3])


class Last(nn.Module):
    """A network whose last map has its channels last, as a Swin transformer's."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 8, 8), nn.LayerNorm(16)

    def forward(self, x):
        return self.norm(self.conv(x).permute(0, 2, 3, 1)).mean((1, 2))


def test_channels_that_come_last_are_put_first_and_a_network_without_a_map_is_refused(tmp_path) -> None:
    network = explained(random_bundle(tmp_path, "squeezenet1_0")).network
    network.body = Last().eval()
    maps = []
    last_map(network, (64, 64)).register_forward_hook(lambda _m, _a, out: maps.append(out))
    features = network.features(torch.from_numpy(film()[None]))
    assert maps[0].shape == (1, 16, 8, 8)
    assert torch.allclose(maps[0].mean((2, 3)), features, atol=1e-6)
    network.body = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 4))
    with pytest.raises(InputError, match="has no map to explain"):
        last_map(network, (64, 64))

"""Heat maps against captum used plainly, on torchvision's own network: three channels, normalised by hand, no part of hilum in between."""

import numpy as np
import pytest
import torch
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr import IntegratedGradients, LayerGradCam, Lime, Occlusion
from torch import nn
from torchvision.models import squeezenet1_0

from explained_models import film, random_bundle
from hilum.core.seeding import key_entropy
from hilum.explain.methods import heat_map
from hilum.explain.network import explained
from hilum.explain.perturbed import patches

MEAN, STD = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The bundle's model, and the same network put together from torchvision alone."""
    model = explained(random_bundle(tmp_path_factory.mktemp("bundle"), "squeezenet1_0"))
    plain = nn.Sequential(
        squeezenet1_0().features, nn.Conv2d(512, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).eval()
    plain[0].load_state_dict(model.network.body.net.state_dict())
    plain[1].load_state_dict({k.removeprefix("conv."): v for k, v in model.network.head.state_dict().items()})
    return model, plain, int(model.probabilities(film()).argmax())


def normalised(grey: torch.Tensor) -> torch.Tensor:
    return (grey.expand(-1, 3, -1, -1) / 255 - MEAN) / STD


X = torch.from_numpy(film().astype(np.float32))[None, None]
BLANK = normalised(torch.full_like(X, float(X.mean())))


def close(ours: np.ndarray, theirs: torch.Tensor, most: float = 1e-4) -> bool:
    """Relative to the largest value."""
    other = theirs.detach().sum(1)[0].numpy()
    assert np.ptp(other) > 0
    return bool(np.abs(ours - other).max() <= most * np.abs(other).max())


def test_grad_cam(both) -> None:
    model, plain, target = both
    coarse = LayerGradCam(plain, plain[0][12]).attribute(
        normalised(X).requires_grad_(), target, relu_attributions=True
    )
    theirs = nn.functional.interpolate(coarse, (64, 64), mode="bilinear")
    assert close(heat_map(model, film(), target, "grad-cam"), theirs)


def test_integrated_gradients_of_grey_are_the_sum_over_channels(both) -> None:
    model, plain, target = both
    theirs = IntegratedGradients(plain).attribute(normalised(X), BLANK, target, n_steps=12)
    other = theirs.detach().sum(1)[0].numpy()
    ours = heat_map(model, film(), target, "integrated-gradients", steps=12)
    # on the way from a blank film max pooling meets ties, which rounding decides, and that goes with the number of threads
    assert np.median(np.abs(ours - other)) <= 1e-4 * np.abs(other).max()
    assert np.linalg.norm(ours - other) <= 2e-2 * np.linalg.norm(other)


def test_occlusion_one_window_at_a_time(both) -> None:
    model, plain, target = both
    theirs = Occlusion(plain).attribute(normalised(X), (3, 24, 24), (3, 16, 16), BLANK, target)
    # captum gives a window's fall to each pixel of each channel
    assert close(heat_map(model, film(), target, "occlusion"), theirs[:, :1])


def test_lime_with_the_same_patches_and_draws(both) -> None:
    model, plain, target = both

    def likeness(_x, _covered, shown, **_) -> torch.Tensor:
        ones = torch.ones_like(shown, dtype=torch.float32)
        distance = 1 - nn.functional.cosine_similarity(shown.float(), ones, dim=1)
        return torch.exp(-(distance**2) / (2 * 0.25**2))

    torch.manual_seed(key_entropy(5, "lime") % 2**63)
    numbers = patches(X, 9)
    theirs = Lime(plain, SkLearnRidge(alpha=1.0), likeness).attribute(
        normalised(X), BLANK, target, feature_mask=numbers, n_samples=40
    )
    ours = heat_map(model, film(), target, "lime", seed=5, samples=40, patches=9)
    assert close(ours, theirs[:, :1])
    assert len(np.unique(ours)) == int(numbers.max()) + 1

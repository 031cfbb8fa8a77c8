"""End to end on a network of each family, with random weights: the film's own size, the checks, the predictor's answer."""

import numpy as np
import pytest

from explained_models import film, random_bundle
from hilum.explain.checks import Asked, checked
from hilum.explain.methods import METHODS, heat_map
from hilum.explain.network import explained

SIDES = {
    "squeezenet1_0": 64,
    "densenet121": 64,
    "tf_efficientnet_lite0": 64,
    "timm/vit_tiny_patch16_224": 224,
    "timm/swin_tiny_patch4_window7_224": 224,
    "torchvision/vit_b_16": 224,
}
FEW = {
    "integrated-gradients": {"steps": 4, "batch": 4},
    "occlusion": {"window_px": 32, "stride_px": 32},
    "lime": {"samples": 16, "patches": 9},
    "rise": {"masks": 16},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SIDES)
def test_every_method_and_check_works_on_every_family(tmp_path, name) -> None:
    side = SIDES[name]
    model = explained(random_bundle(tmp_path, name, side))
    pixels = film(side)
    target = int(model.probabilities(pixels).argmax())
    truth = np.zeros((side, side), bool)
    truth[side // 4 : side // 2, side // 4 : side // 2] = True
    for method in METHODS:
        made = heat_map(model, pixels, target, method, **FEW.get(method, {}))
        assert made.shape == (side, side)
        assert np.ptp(made) > 0, method
    asked = Asked(
        model,
        pixels,
        target,
        "grad-cam",
        heat_map(model, pixels, target, "grad-cam"),
        lungs=truth,
        truth=truth,
    )
    found = {r.name: r for r in checked(asked)}
    assert len(found) == 8
    assert all(np.isfinite(r.value) for r in found.values() if r.value is not None)
    assert 0 <= found["randomised"].value <= 1
    assert found["deletion-insertion"].also["of"] == 9

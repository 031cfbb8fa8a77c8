"""Methods that follow the gradient of the class's logit, by captum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from captum.attr import IntegratedGradients, LayerActivation, LayerGradCam, LayerGradientXActivation
from torch import Tensor

from hilum.explain.methods import baseline
from hilum.explain.network import Explained

Options = Mapping[str, Any]


def grad_cam(model: Explained, film: Tensor, target: int, _seed: int, _options: Options) -> Tensor:
    """(1, 1, h', w'), at least 0."""
    return cast(Tensor, LayerGradCam(model.net, model.layer).attribute(film, target, relu_attributions=True))


def layer_cam(model: Explained, film: Tensor, target: int, _seed: int, _options: Options) -> Tensor:
    """(1, 1, h', w'), at least 0."""
    slopes = LayerGradientXActivation(model.net, model.layer, multiply_by_inputs=False).attribute(
        film, target
    )
    with torch.no_grad():
        values = LayerActivation(model.net, model.layer).attribute(film)
    return cast(Tensor, (slopes.relu() * values).sum(1, keepdim=True).relu())


def integrated_gradients(model: Explained, film: Tensor, target: int, _seed: int, options: Options) -> Tensor:
    """(h, w)."""
    found = IntegratedGradients(model.net).attribute(
        film, baseline(options["baseline"], film), target, n_steps=options["steps"], internal_batch_size=options["batch"]
    )  # fmt: skip
    return cast(Tensor, found)[0, 0]

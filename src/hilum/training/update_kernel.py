"""The compiled loops that move weights: torch's Adam, AdamW and SGD in one pass over a head's weights. Importing this module compiles them,
or reads numba's cache on disk.

Every weight goes by itself, so that neither its place nor its company changes a bit. Formulas and order are those of torch's
``_single_tensor_adam`` and ``_single_tensor_sgd`` (https://github.com/pytorch/pytorch/blob/v2.9.0/torch/optim/adam.py,
https://github.com/pytorch/pytorch/blob/v2.9.0/torch/optim/sgd.py), where each is a dozen passes.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

Weights = NDArray[np.float32]
_READ, _WRITTEN = array(numba.float32, 1), array(numba.float32, 1, written=True)
_F: Final = numba.float32


@compiled(numba.void(_WRITTEN, _READ, _WRITTEN, _WRITTEN, *[_F] * 9), error_model="numpy")
def adam(
    weights: Weights, gradient: Weights, first: Weights, second: Weights, rate: float, shrink: float, l2: float, limit: float,
    new_first: float, beta2: float, new_second: float, root: float, eps: float,
) -> None:  # fmt: skip
    """One step of Adam or AdamW, in place.

    Args:
        weights: (n,).
        gradient: (n,).
        first: Running mean of the gradient, (n,).
        second: Of its square.
        rate: Learning rate / (1 - beta1^t).
        shrink: What weights are multiplied by first: 1 - learning rate * decay of AdamW, else 1.
        l2: Decay that is added to the gradient: Adam's, else 0.
        limit: Gradients are clipped to this at most, either way, before the decay.
        new_first: 1 - beta1.
        beta2: As it is called.
        new_second: 1 - beta2.
        root: sqrt(1 - beta2^t).
        eps: Added below the line.
    """
    for i in range(len(weights)):
        g = gradient[i]
        g = limit if g > limit else (-limit if g < -limit else g)
        w = weights[i] * shrink
        g = g + l2 * w
        m = first[i] + new_first * (g - first[i])
        v = second[i] * beta2 + new_second * g * g
        first[i], second[i] = m, v
        weights[i] = w - rate * (m / (np.sqrt(v) / root + eps))


@compiled(numba.void(_WRITTEN, _READ, _WRITTEN, *[_F] * 4), error_model="numpy")
def sgd(
    weights: Weights,
    gradient: Weights,
    velocity: Weights,
    rate: float,
    l2: float,
    limit: float,
    momentum: float,
) -> None:
    """One step of SGD with momentum, in place; arguments as of `adam`."""
    for i in range(len(weights)):
        g = gradient[i]
        g = limit if g > limit else (-limit if g < -limit else g)
        v = momentum * velocity[i] + (g + l2 * weights[i])
        velocity[i] = v
        weights[i] -= rate * v

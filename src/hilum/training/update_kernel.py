"""The compiled loops that move weights: torch's Adam, AdamW and SGD in one pass over a head's weights. Importing this module compiles them,
or reads numba's cache on disk.

Every weight goes by itself, so that neither its place nor its company changes a bit. Formulas and order are those of torch's
``_single_tensor_adam`` and ``_single_tensor_sgd`` (https://github.com/pytorch/pytorch/blob/v2.9.0/torch/optim/adam.py,
https://github.com/pytorch/pytorch/blob/v2.9.0/torch/optim/sgd.py), where each is a dozen passes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

Weights = NDArray[np.float32]
_READ, _WRITTEN = array(numba.float32, 1), array(numba.float32, 1, written=True)


class AdamStep(NamedTuple):
    """What a step of Adam or AdamW is taken with.

    Attributes:
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

    rate: np.float32
    shrink: np.float32
    l2: np.float32
    limit: np.float32
    new_first: np.float32
    beta2: np.float32
    new_second: np.float32
    root: np.float32
    eps: np.float32


class SgdStep(NamedTuple):
    """What a step of SGD is taken with: the learning rate, decay that is added to the gradient, what gradients are clipped to, momentum."""

    rate: np.float32
    l2: np.float32
    limit: np.float32
    momentum: np.float32


_ADAM: Final = numba.types.NamedUniTuple(numba.float32, len(AdamStep._fields), AdamStep)  # type: ignore[no-untyped-call]
_SGD: Final = numba.types.NamedUniTuple(numba.float32, len(SgdStep._fields), SgdStep)  # type: ignore[no-untyped-call]


@compiled(numba.void(_WRITTEN, _READ, _WRITTEN, _WRITTEN, _ADAM), error_model="numpy")
def adam(weights: Weights, gradient: Weights, first: Weights, second: Weights, how: AdamStep) -> None:
    """One step of Adam or AdamW, in place.

    Args:
        weights: (n,).
        gradient: (n,).
        first: Running mean of the gradient, (n,).
        second: Of its square.
        how: The step.
    """
    for i in range(len(weights)):
        g = gradient[i]
        g = how.limit if g > how.limit else (-how.limit if g < -how.limit else g)
        w = weights[i] * how.shrink
        g = g + how.l2 * w
        m = first[i] + how.new_first * (g - first[i])
        v = second[i] * how.beta2 + how.new_second * g * g
        first[i], second[i] = m, v
        weights[i] = w - how.rate * (m / (np.sqrt(v) / how.root + how.eps))


@compiled(numba.void(_WRITTEN, _READ, _WRITTEN, _SGD), error_model="numpy")
def sgd(weights: Weights, gradient: Weights, velocity: Weights, how: SgdStep) -> None:
    """One step of SGD with momentum, in place; arguments as of `adam`."""
    for i in range(len(weights)):
        g = gradient[i]
        g = how.limit if g > how.limit else (-how.limit if g < -how.limit else g)
        v = how.momentum * velocity[i] + (g + how.l2 * weights[i])
        velocity[i] = v
        weights[i] -= how.rate * v

"""The compiled loop under `anatomy.noise`, and how loops of this room are compiled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hilum.core.compiled import compiled

# Division by a constant may become a product and a product and a sum one instruction: films agree between
# machines to the last grey but for a rare rounding
compiled_fast = compiled(error_model="numpy", fastmath={"arcp", "contract", "nsz", "nnan", "ninf"})


@compiled_fast
def spread(coarse: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Stretch noise along its first axis to `size` by a cubic B-spline, keeping its deviation."""
    knots, width = coarse.shape
    out = np.zeros((size, width), np.float32)
    for i in range(size):
        at = i * (knots - 1) / (size - 1)
        first = int(at) - 1
        total = 0.0
        for k in range(max(first, 0), min(first + 4, knots)):
            d = abs(at - k)
            weight = 2 / 3 - d * d + d * d * d / 2 if d < 1.0 else max(2.0 - d, 0.0) ** 3 / 6
            total += weight * weight
            for j in range(width):
                out[i, j] += np.float32(weight) * coarse[k, j]
        for j in range(width):
            out[i, j] *= np.float32(1.0 / math.sqrt(total))
    return out

"""The compiled loops of heads on maps: logits of a batch, and gradients of the weights. Importing this module compiles them, or reads
numba's cache on disk.

A batch is read as it is stored. Four channels of a film at a time become float32, with dropout, in a buffer that stays in the L1 cache, and
go through all heads that train side by side; a batch in float32 would be 13 MB, written and read several times. Each head's sums are taken
by the same instructions in the same order however many heads there are. Sums may be reordered once, by the compiler, into those of a vector
register: another processor may round otherwise, as it does in torch.
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic
from numpy.typing import NDArray

from hilum.core.compiled import array, compiled

_OPTIONS: Final = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}
_BITS: Final = ir.IntType(32)
_ROWS: Final = 4
"""Channels at once: a partial sum is loaded and stored a quarter as often."""


def _signatures(*rest: Any) -> list[Any]:
    """Of maps stored in 16 bits and in 32."""
    maps = (array(kind, 2) for kind in (numba.uint16, numba.uint32))
    return [numba.void(m, array(numba.uint8, 2), numba.float32, *rest) for m in maps]


@intrinsic
def _as_float(_: Any, bits: Any) -> tuple[Any, Any]:
    """The float32 of a float16's bits, or of a float32's, finite. A processor that has no instruction for it (x86 before 2012, which has no
    F16C) moves the bits and multiplies by the power of 2 between the two biases of IEEE 754's exponents, 127 and 15."""

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (value,) = arguments
        if signature.args[0].bitwidth == 32:
            return builder.bitcast(value, ir.FloatType())
        triple, _, features = target.codegen().magic_tuple()
        if "+f16c" in features or not triple.startswith("x86_64"):
            return builder.fpext(builder.bitcast(value, ir.HalfType()), ir.FloatType())
        wide = builder.zext(value, _BITS)
        sign = builder.shl(builder.and_(wide, _BITS(0x8000)), _BITS(16))
        rest = builder.shl(builder.and_(wide, _BITS(0x7FFF)), _BITS(13))
        moved = builder.bitcast(builder.or_(sign, rest), ir.FloatType())
        return builder.fmul(moved, ir.Constant(ir.FloatType(), 2.0 ** (127 - 15)))

    return numba.float32(bits), generate


@compiled(**_OPTIONS)
def _unpack(
    maps: NDArray[Any], kept: NDArray[np.uint8], factor: np.float32, values: NDArray[np.float32]
) -> None:
    """A stretch of a film's map as float32: 0 where nothing is kept, else what is stored times the factor."""
    for i in range(len(maps)):
        value = _as_float(maps[i]) * factor  # type: ignore[call-arg]
        values[i] = value if kept[i] else np.float32(0)


@compiled(
    _signatures(
        array(numba.float32, 3), array(numba.float32, 2), numba.boolean, array(numba.float32, 3, written=True),
        array(numba.float32, 4, written=True),
    ),
    **_OPTIONS,
)  # fmt: skip
def forward(
    maps: NDArray[Any], kept: NDArray[np.uint8], factor: np.float32, weight: NDArray[np.float32],
    bias: NDArray[np.float32], rectified: bool, logits: NDArray[np.float32], slope: NDArray[np.float32],
) -> None:  # fmt: skip
    """Logits of P heads of C outputs: the mean over S places of what 1 x 1 convolutions give, through a ReLU where `rectified`.

    Args:
        maps: The stored bits of K channels of S places, (n, K * S).
        kept: 1 where a value is kept, else 0, of the same shape.
        factor: What values that are kept are multiplied by.
        weight: (P, C, K).
        bias: (P, C).
        rectified: Whether there is a ReLU.
        logits: Written: (P, n, C).
        slope: Written: the slope of the ReLU at each place, 0 or 1, (P, n, C, S).
    """
    n_heads, n_classes, n_channels = weight.shape
    size = slope.shape[3]
    sums = np.empty((n_heads, n_classes, size), np.float32)
    x = np.empty((_ROWS, size), np.float32)
    for f in range(len(maps)):
        for p in range(n_heads):
            for c in range(n_classes):
                sums[p, c] = bias[p, c]
        for k in range(0, n_channels, _ROWS):
            rows = min(_ROWS, n_channels - k)
            here = slice(k * size, (k + rows) * size)
            x[rows:] = 0
            _unpack(maps[f, here], kept[f, here], factor, x[:rows].reshape(rows * size))
            for p in range(n_heads):
                for c in range(n_classes):
                    w0 = weight[p, c, k]
                    w1 = weight[p, c, k + 1] if rows > 1 else np.float32(0)
                    w2 = weight[p, c, k + 2] if rows > 2 else np.float32(0)
                    w3 = weight[p, c, k + 3] if rows > 3 else np.float32(0)
                    row = sums[p, c]
                    for s in range(size):
                        row[s] += w0 * x[0, s] + w1 * x[1, s] + w2 * x[2, s] + w3 * x[3, s]
        for p in range(n_heads):
            for c in range(n_classes):
                total = np.float32(0)
                for s in range(size):
                    on = np.float32(sums[p, c, s] > 0 or not rectified)
                    slope[p, f, c, s] = on
                    total += on * sums[p, c, s]
                logits[p, f, c] = total / np.float32(size)


@compiled(
    _signatures(
        array(numba.float32, 4), array(numba.float32, 3), array(numba.float32, 3, written=True), array(numba.float32, 2, written=True)
    ),
    **_OPTIONS,
)  # fmt: skip
def backward(
    maps: NDArray[Any], kept: NDArray[np.uint8], factor: np.float32, slope: NDArray[np.float32],
    of_logits: NDArray[np.float32], of_weight: NDArray[np.float32], of_bias: NDArray[np.float32],
) -> None:  # fmt: skip
    """Gradients of the weights of P heads from those of their logits; the batch and the slopes are those of `forward`.

    Args:
        maps: As in `forward`, and so `kept` and `factor`.
        slope: Written by `forward`.
        of_logits: Gradients of the logits, (P, n, C).
        of_weight: Written: (P, C, K).
        of_bias: Written: (P, C).
    """
    n_heads, n_classes, n_channels = of_weight.shape
    size = slope.shape[3]
    of_sums = np.empty((n_heads, n_classes, size), np.float32)
    x = np.empty((_ROWS, size), np.float32)
    of_weight[:] = 0
    of_bias[:] = 0
    for f in range(len(maps)):
        for p in range(n_heads):
            for c in range(n_classes):
                each, total = of_logits[p, f, c] / np.float32(size), np.float32(0)
                for s in range(size):
                    of_sums[p, c, s] = each * slope[p, f, c, s]
                    total += of_sums[p, c, s]
                of_bias[p, c] += total
        for k in range(0, n_channels, _ROWS):
            rows = min(_ROWS, n_channels - k)
            here = slice(k * size, (k + rows) * size)
            x[rows:] = 0
            _unpack(maps[f, here], kept[f, here], factor, x[:rows].reshape(rows * size))
            for p in range(n_heads):
                for c in range(n_classes):
                    t0, t1, t2, t3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
                    row = of_sums[p, c]
                    for s in range(size):
                        t0 += row[s] * x[0, s]
                        t1 += row[s] * x[1, s]
                        t2 += row[s] * x[2, s]
                        t3 += row[s] * x[3, s]
                    of_weight[p, c, k] += t0
                    if rows > 1:
                        of_weight[p, c, k + 1] += t1
                    if rows > 2:
                        of_weight[p, c, k + 2] += t2
                    if rows > 3:
                        of_weight[p, c, k + 3] += t3

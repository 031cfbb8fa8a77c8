"""The loops that describe and align films against the plain formula: they are written for speed, and must not differ. Equations are held
to 1e-5, for the products of pixels are of single precision there."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.imaging.align_kernel import _equations
from hilum.imaging.copy_kernel import box_sums, sample
from hilum.imaging.copy_views import affine

F32 = NDArray[np.float32]


def film(size: int, seed: int = 0) -> F32:
    return np.random.default_rng(seed).integers(0, 256, (size, size)).astype(np.float32)


@pytest.mark.parametrize(("size", "reach"), [(64, 2), (64, 7), (32, 4), (32, 5), (4, 7)])
def test_sums_over_squares_are_those_of_whole_numbers(size: int, reach: int) -> None:
    x, across, out = film(size), np.empty((size, size), np.float32), np.empty((size, size), np.float32)
    box_sums(x, reach, across, out)
    for i, j in product(range(size), repeat=2):
        inside = x[max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1]
        assert out[i, j] == inside.sum(dtype=np.int64)


@pytest.mark.parametrize("place", [affine(), affine(7, 0.85, 0.1, -0.2), affine(-12, 1.3, mirrored=True)])
@pytest.mark.parametrize(("size", "of"), [(64, 64), (32, 64)])
def test_a_film_is_sampled_as_the_formula_says(place: F32, size: int, of: int) -> None:
    x, out, inside = film(of), np.empty((size, size), np.float32), np.empty((size, size), np.float32)
    sample(x, place, out, inside)
    at = (np.arange(size) + np.float64(0.5)) * np.float64(np.float32(2 / size)) - 1
    y, x_ = np.meshgrid(at, at, indexing="ij")
    a, b, c, d, e, f = place.astype(np.float64)
    v = (a * y + b * x_ + c + 1) * (of / 2) - 0.5
    u = (d * y + e * x_ + f + 1) * (of / 2) - 0.5
    assert np.array_equal(inside, (v >= -0.5) & (v <= of - 0.5) & (u >= -0.5) & (u <= of - 0.5))
    v, u = (np.clip(w, 0, np.float64(np.float32(of - 1.001))) for w in (v, u))
    k, t = v.astype(int), u.astype(int)
    top = x[k, t] + (x[k, t + 1] - x[k, t]) * (u - t)
    low = x[k + 1, t] + (x[k + 1, t + 1] - x[k + 1, t]) * (u - t)
    assert np.array_equal(out, (top + (low - top) * (v - k)).astype(np.float32))


@pytest.mark.parametrize("size", [32, 64])
def test_the_equations_of_a_step_are_the_plain_loop_over_pixels(size: int) -> None:
    a, moved = film(size) / 99, film(size, 1) / 99
    inside = (film(size, 2) > 9).astype(np.float32)
    hessian, pull = np.empty((6, 6)), np.empty(6)
    _equations(a, moved, inside, hessian, pull)
    expected, right = _plain(a.astype(float), moved.astype(float), inside.astype(float))
    np.testing.assert_allclose(hessian, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(pull, right, rtol=1e-5, atol=1e-6 * np.abs(right).max())


def _plain(a: NDArray[Any], moved: NDArray[Any], inside: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    size, tiny = len(a), 1e-6
    gain = (inside * a * moved).sum() / (tiny + (inside * moved**2).sum())
    unit = (1.5 * (tiny + (inside * abs(a - gain * moved)).sum()) / (tiny + inside.sum())) ** 2
    hessian, pull = np.zeros((6, 6)), np.zeros(6)
    for i, j in product(range(1, size - 1), repeat=2):
        y, x = (i + 0.5) * 2 / size - 1, (j + 0.5) * 2 / size - 1
        gy = gain * (moved[i + 1, j] - moved[i - 1, j]) * size / 4
        gx = gain * (moved[i, j + 1] - moved[i, j - 1]) * size / 4
        row = np.array([gy * y, gy * x, gy, gx * y, gx * x, gx])
        e = a[i, j] - gain * moved[i, j]
        near = inside[i - 1, j] * inside[i + 1, j] * inside[i, j - 1] * inside[i, j + 1]
        w = near / (1 + e * e / unit) ** 2
        hessian += w * np.outer(row, row)
        pull += w * e * row
    return hessian + 2e-3 * (tiny + np.trace(hessian)) * np.eye(6), pull

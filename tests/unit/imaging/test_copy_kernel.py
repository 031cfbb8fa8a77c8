"""The loops that describe and align films against the plain formula, which they are to be within what single precision leaves: they are
written for speed."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.imaging.copy_kernel import DIRECTIONS, VIEW_PX, _edges, box_sums, sample
from hilum.imaging.copy_views import affine
from hilum.imaging.step_kernel import SUMS, _columns, _equations, newton_step

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
    np.testing.assert_allclose(out, top + (low - top) * (v - k), atol=255 * of * 1e-6)


def test_directions_of_edges_are_those_of_the_arc_tangent() -> None:
    x = film(VIEW_PX) - film(VIEW_PX, 1)
    x[:, 9], x[:, 11], x[9], x[11] = 3, 3, 5, 5  # edges along both axes, and places without one
    length, turn = np.zeros(VIEW_PX, np.float32), np.zeros(VIEW_PX, np.float32)
    for i in range(1, VIEW_PX - 1):
        _edges(x, i, length, turn)
        down, across = (x[i + 1] - x[i - 1])[1:-1], x[i, 2:] - x[i, :-2]
        np.testing.assert_allclose(length[1:-1], np.hypot(down, across), rtol=1e-6)
        expected = np.arctan2(down, across) / np.pi * DIRECTIONS % DIRECTIONS
        apart = np.abs(turn[1:-1] - expected)
        assert np.minimum(apart, DIRECTIONS - apart).max() < 1e-6 * DIRECTIONS


@pytest.mark.parametrize("size", [32, 64])
def test_the_equations_of_a_step_are_the_plain_loop_over_pixels(size: int) -> None:
    a, moved = film(size) / 99, film(size, 1) / 99
    inside = (film(size, 2) > 9).astype(np.float32)
    sums, equations, step = np.empty(SUMS, np.float32), np.empty((6, 7)), np.empty(6)
    _columns(a, moved, inside, sums)
    _equations(sums, size, equations)
    expected, right = _plain(a.astype(float), moved.astype(float), inside.astype(float))
    np.testing.assert_allclose(equations[:, :6], expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(equations[:, 6], right, rtol=1e-5, atol=1e-5 * np.abs(right).max())
    newton_step(a, moved, inside, sums, equations.copy(), step)
    np.testing.assert_allclose(step, np.linalg.solve(equations[:, :6], equations[:, 6]), rtol=1e-9)


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

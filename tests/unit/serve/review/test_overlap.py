"""The overlap of regions: by hand, and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask

from hilum.serve.review.overlap import GRID, Overlap, covered, intersection_over_union, overlaps
from hilum.serve.review.records import Answer, Region


def box(x0: float, y0: float, x1: float, y1: float) -> Region:
    return Region(kind="rectangle", points=((x0, y0), (x1, y1)))


def drew(reader: str, n: int, *regions: Region) -> Answer:
    return Answer(
        id=n, n=n, reader=reader, known=False, verdict="label", label="covid", regions=regions, comment="", informed=False,
        at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def share(first: list[Region], second: list[Region]) -> float:
    return intersection_over_union(covered(first), covered(second))


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ([box(0, 0, 0.5, 0.5)], [box(0, 0, 0.5, 0.5)], 1),
        ([box(0, 0, 0.5, 0.5)], [box(0.5, 0.5, 0, 0)], 1),
        ([box(0, 0, 0.5, 1)], [box(0.25, 0, 0.75, 1)], 1 / 3),
        ([box(0, 0, 0.5, 1)], [box(0.5, 0, 1, 1)], 0),
        ([box(0, 0, 0.5, 1), box(0.25, 0, 0.75, 1)], [box(0, 0, 0.75, 1)], 1),
        ([box(0, 0, 1, 1)], [Region(kind="polygon", points=((0, 0), (1, 0), (0, 1)))], 0.5),
        ([box(0.5, 0.5, 0.5, 0.5)], [box(0, 0, 1, 1)], 0),
    ],
)
def test_rectangles_and_triangles_by_hand(first: list[Region], second: list[Region], wanted: float) -> None:
    assert share(first, second) == pytest.approx(wanted, abs=1.5 / GRID)


def test_an_outline_covers_what_scikit_image_says() -> None:
    rng = np.random.default_rng(3)
    for _ in range(8):
        turn = np.sort(rng.uniform(0, 2 * np.pi, 40))
        far = rng.uniform(0.1, 0.45, 40)
        points = np.stack([0.5 + far * np.cos(turn), 0.5 + far * np.sin(turn)], axis=1)
        mine = covered([Region(kind="polygon", points=tuple(map(tuple, points.tolist())))])
        other = polygon2mask((GRID, GRID), points[:, ::-1] * GRID - 0.5)
        assert (mine != other).mean() < 1e-5


def test_an_outline_that_crosses_itself_covers_what_it_goes_round_twice() -> None:
    ring = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
    twice = Region(kind="polygon", points=(*ring, *ring))
    assert share([twice], [Region(kind="polygon", points=ring)]) == 1


def test_the_mean_is_of_films_on_which_both_drew() -> None:
    half, whole = box(0, 0, 0.5, 1), box(0, 0, 1, 1)
    counted = {
        "A": {1: drew("A", 1, half), 2: drew("A", 2, half), 3: drew("A", 3, half), 4: drew("A", 4), 5: drew("A", 5, half)},
        "B": {1: drew("B", 1, whole), 2: drew("B", 2, half), 3: drew("B", 3), 4: drew("B", 4)},
        "C": {4: drew("C", 4)},
        "D": {3: drew("D", 3), 5: drew("D", 5)},
    }  # fmt: skip
    units = {n: f"patient {n}" for n in range(1, 6)}
    found = overlaps(counted, units)
    low, high = found[0].low, found[0].high
    assert found == [Overlap("A", "B", 0.75, low, high, 2, 1), Overlap("A", "D", None, None, None, 0, 2)]
    assert (low, high) == (pytest.approx(0.5, abs=0.01), 1)  # of two films it says next to nothing
    (one, _) = overlaps(counted, dict.fromkeys(units, "patient 1"))
    assert (one.mean, one.low, one.high) == (0.75, None, None)


def test_the_interval_of_the_mean_is_a_plain_bootstraps_of_patients_a_little_wider() -> None:
    rng = np.random.default_rng(4)
    ends = rng.uniform(0.2, 1, 120)
    counted = {
        "A": {n: drew("A", n, box(0, 0, 1, 1)) for n in range(120)},
        "B": {n: drew("B", n, box(0, 0, 1, end)) for n, end in enumerate(ends)},
    }
    (found,) = overlaps(counted, {n: f"patient {n // 3}" for n in range(120)})
    by_patient = (np.rint(ends * GRID) / GRID).reshape(40, 3).mean(axis=1)
    means = by_patient[rng.integers(0, 40, (20_000, 40))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    assert found.mean == pytest.approx(ends.mean(), abs=1 / GRID)
    assert found.low is not None
    assert found.high is not None
    wider = (found.high - found.low) / (high - low)
    assert wider == pytest.approx(1.0448, rel=0.06)  # t with 39 degrees by sqrt(40 / 39), over z
    assert (found.low + found.high) / 2 == pytest.approx((low + high) / 2, abs=0.004)

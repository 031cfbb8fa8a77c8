"""Films that may be copies are proposed: planted ones by every way in which a copy is made."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import AffineTransform, warp
from tests.planted_copies import WAYS, Film, planted

from hilum.core.engine import Local
from hilum.core.seeding import generator
from hilum.imaging import copy_views
from hilum.imaging.copy_kernel import sample
from hilum.imaging.copy_views import affine, inverse, matrix
from hilum.imaging.duplicates import sketch
from hilum.stages.duplicates import near_copies
from hilum.synthetic.phantom import LABELS, draw

N, COPIED = 48, 4


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return [draw(LABELS[k % len(LABELS)], generator(7, "film", k), 160).pixels for k in range(N)]


@pytest.mark.parametrize("lists", [False, True])
def test_planted_copies_of_every_kind_are_found_and_nothing_else(
    films: list[Film], lists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of each way for each of four films; once with every window compared, once with lists of windows as for many films."""
    if lists:
        monkeypatch.setattr(copy_views, "_FLAT_BELOW", 500)
    names = [f"{k:02d}" for k in range(N)]
    sketches = [sketch(f) for f in films]
    for w, way in enumerate(WAYS):
        own = range(w * 2 % N, w * 2 % N + 2)
        names += [f"{k:02d} {way}" for k in own]
        sketches += [sketch(f) for f in planted([films[k] for k in own], way)]
    pairs = near_copies(names, np.stack(sketches), Local(0))
    assert {(p.first, p.second) for p in pairs} == {(n[:2], n) for n in names[N:]}
    said = {p.second[3:]: p.differs for p in pairs}
    assert said["mirrored"] == "mirrored"
    assert said["inverted"] == "inverted"
    assert said["cropped to 70 % of each side"].startswith("cropped to 7")
    assert said["turned by 10 degrees"].startswith(("turned 10 degrees", "turned 9 degrees"))
    assert "painted on" in said["a box"]


@pytest.mark.parametrize("n", [0, 1])
def test_no_pair_among_fewer_than_two(n: int) -> None:
    assert near_copies(["a"][:n], np.zeros((n, 64, 64), np.uint8), Local(0)) == []


def test_two_films_are_always_compared(films: list[Film]) -> None:
    copies = [sketch(films[0]), sketch(planted(films[:1], "turned by 5 degrees")[0])]
    (pair,) = near_copies(["a", "b"], np.stack(copies), Local(0))
    assert abs(pair.turned_deg) == pytest.approx(5, abs=0.5)


def test_sampling_is_that_of_scikit_image(films: list[Film]) -> None:
    film = sketch(films[0]).astype(np.float32)
    place = affine(8, 0.6, 0.05, -0.1, mirrored=True)
    out, inside = np.empty((32, 32), np.float32), np.empty((32, 32), np.float32)
    sample(film, place, out, inside)
    y, x = place[:3], place[3:]  # scikit-image has x first, in pixels of centres
    unit = np.array([[2 / 32, 0, 1 / 32 - 1], [0, 2 / 32, 1 / 32 - 1], [0, 0, 1]])
    there = np.array([[32, 0, 31.5], [0, 32, 31.5], [0, 0, 1]])
    ours = np.array([[x[1], x[0], x[2]], [y[1], y[0], y[2]], [0, 0, 1]])
    expected = warp(film, AffineTransform(there @ ours @ unit), output_shape=(32, 32), order=1, mode="edge")
    assert inside.all()
    np.testing.assert_allclose(out, expected, atol=1e-2)


def test_maps_are_undone() -> None:
    place = affine(5, 0.8, 0.1, -0.2, mirrored=True)[None]
    np.testing.assert_allclose(matrix(place) @ matrix(inverse(place)), np.eye(3)[None], atol=1e-6)

"""Films laid on one another: what was done to a copy is measured and undone; different films stay different."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from tests.planted_copies import cropped, gamma

from hilum.core.seeding import generator
from hilum.imaging.copy_views import Proposals, affine, best_of_each, inverse
from hilum.imaging.duplicates import Alignment, align, sketch, trim
from hilum.synthetic.phantom import LABELS, draw_patient

Film = NDArray[np.uint8]


def phantom(k: int) -> Film:
    return draw_patient(
        LABELS[k % len(LABELS)], generator(7, "patient", k), generator(7, "film", k), 224
    ).pixels


FILMS = [phantom(k) for k in range(6)]


def laid(a: Film, b: Film, start: NDArray[np.float32]) -> Alignment:
    pair = Proposals(np.array([0]), np.array([1]), start[None], np.ones(1, np.float32))
    return align(np.stack([sketch(a), sketch(b)]), pair)


@settings(max_examples=25, deadline=None)
@given(
    k=st.integers(0, 5),
    turn=st.floats(-10, 10),
    side=st.floats(0.7, 1),
    mirrored=st.booleans(),
    inverted=st.booleans(),
    power=st.floats(0.6, 1.6),
    off=st.tuples(
        st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.floats(-3.5, 3.5), st.floats(-0.05, 0.05)
    ),
)
def test_what_was_done_is_measured_from_a_start_near_it(
    k: int, turn: float, side: float, mirrored: bool, inverted: bool, power: float, off: tuple[float, ...]
) -> None:
    """The start is as wrong as the nearest of the maps that are looked through can be."""
    film = FILMS[k]
    image = Image.fromarray(gamma(film[:, ::-1] if mirrored else film, power)).rotate(
        -turn, Image.Resampling.BICUBIC
    )
    edge = round(224 * (1 - side) / 2)
    copy = np.asarray(image.crop((edge, edge, 224 - edge, 224 - edge)))
    side = 1 - 2 * edge / 224
    copy = 255 - copy if inverted else copy
    start = affine(turn + off[2], (1 + off[3]) / side, off[0], off[1], mirrored)
    whole, part = film, copy
    if trim(copy).shape != copy.shape or trim(film).shape != film.shape:
        return  # a border was cut off: the map is another
    found = laid(whole, part, start)
    assert found.detail[0] > 0.93
    assert (bool(found.mirrored[0]), bool(found.correlation[0] < 0)) == (mirrored, inverted)
    assert found.turned_deg[0] == pytest.approx(turn, abs=0.5)
    assert found.scale[0] == pytest.approx(side, abs=0.02)
    assert found.copies[0]


def test_different_films_are_no_copies_wherever_one_begins() -> None:
    sketches = np.stack([sketch(f) for f in FILMS])
    a, b = np.triu_indices(len(FILMS), 1)
    for start in (affine(), affine(7), affine(-7, mirrored=True), affine(0, 0.75, 0.1, -0.1)):
        found = align(sketches, Proposals(a, b, np.tile(start, (len(a), 1)), np.ones(len(a), np.float32)))
        assert not found.copies.any()
        assert found.detail.max() < 0.9


def test_the_answer_is_the_same_from_either_film() -> None:
    film, part = FILMS[0], cropped(FILMS[0], 0.8, np.random.default_rng(0))
    start = affine(0, 0.8)
    there, back = laid(part, film, start), laid(film, part, inverse(start[None])[0])
    assert there.detail[0] == back.detail[0] > 0.97
    assert there.scale[0] == pytest.approx(1 / back.scale[0], abs=1e-3)
    assert back.scale[0] == pytest.approx(0.8, abs=0.01)


def test_what_is_painted_is_left_out_and_its_share_said() -> None:
    film = FILMS[1].copy()
    film[20:76, 40:110] = 255
    found = laid(FILMS[1], film, affine())
    assert found.detail[0] > 0.98
    assert 56 * 70 / 224**2 < found.painted[0] < 0.16  # and a rim around it
    assert found.copies[0]


def test_a_film_painted_over_by_half_is_no_copy_any_more() -> None:
    film = FILMS[1].copy()
    film[:, :112] = np.random.default_rng(0).integers(0, 256, (224, 112))
    assert not laid(FILMS[1], film, affine()).copies[0]


def test_flat_films_are_no_copies() -> None:
    found = laid(np.full((64, 64), 9, np.uint8), np.full((64, 64), 200, np.uint8), affine())
    assert (found.correlation[0], found.detail[0], bool(found.copies[0])) == (0, 0, False)


def test_a_pair_found_twice_is_kept_from_where_it_was_nearest() -> None:
    turn = affine(7)
    twice = Proposals(
        np.array([3, 5]), np.array([5, 3]), np.stack([affine(), turn]), np.array([0.5, 0.8], np.float32)
    )
    kept = best_of_each([twice])
    assert (kept.first.tolist(), kept.second.tolist(), kept.score.tolist()) == ([3], [5], [np.float32(0.8)])
    assert kept.start[0] == pytest.approx(inverse(turn[None])[0])


def test_trim_takes_constant_borders_and_no_more_than_a_quarter() -> None:
    rng = np.random.default_rng(0)
    film = rng.integers(0, 256, (40, 50), dtype=np.uint8)
    framed = np.pad(film, ((3, 7), (10, 0)), constant_values=12)
    assert np.array_equal(trim(framed), film)
    assert np.array_equal(trim(film), film)
    assert trim(np.zeros((40, 40), np.uint8)).shape == (40, 40)
    assert trim(np.pad(film, ((100, 0), (0, 0)))).shape[0] > 40

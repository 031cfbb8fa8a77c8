"""Copies planted among synthetic films are found, whatever was done to them; different films are not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.seeding import generator
from hilum.imaging.duplicates import CORRELATION, DETAIL, Proposals, align, propose, sketch, trim
from hilum.synthetic.phantom import LABELS, draw_patient

Film = NDArray[np.uint8]
N, PATIENTS = 60, 45


def jpeg(film: Film, quality: int) -> Film:
    out = io.BytesIO()
    Image.fromarray(film).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out))


def resized(film: Film, height_px: int, width_px: int) -> Film:
    return np.asarray(Image.fromarray(film).resize((width_px, height_px), Image.Resampling.BICUBIC))


def levels(film: Film, gain: float, offset: float) -> Film:
    return np.clip(film * gain + offset, 0, 255).astype(np.uint8)


def cropped(film: Film, top: float, bottom: float, left: float, right: float) -> Film:
    h, w = film.shape
    return film[round(top * h) : h - round(bottom * h), round(left * w) : w - round(right * w)]


COPIES: dict[str, Callable[[Film], Film]] = {
    "jpeg 40": lambda f: jpeg(f, 40),
    "half size": lambda f: resized(f, 112, 112),
    "squashed": lambda f: resized(f, 224, 160),
    "flatter and brighter": lambda f: levels(f, 0.7, 40),
    "gamma 1.4": lambda f: (255 * (f / 255) ** 1.4).astype(np.uint8),
    "cropped unevenly": lambda f: cropped(f, 0.05, 0.0, 0.01, 0.04),
    "cropped all round": lambda f: cropped(f, 0.05, 0.05, 0.05, 0.05),
    "black frame": lambda f: np.pad(f, ((20, 12), (0, 30))),
    "white frame": lambda f: np.pad(f, 15, constant_values=255),
    "all at once": lambda f: jpeg(levels(cropped(resized(f, 180, 200), 0.03, 0.02, 0.0, 0.03), 0.85, 20), 60),
}


@pytest.fixture(scope="module")
def films() -> list[Film]:
    """60 films of 45 patients: the first 15 have two."""
    out = []
    for k in range(N):
        patient = generator(7, "patient", k % PATIENTS)
        out.append(
            draw_patient(LABELS[k % PATIENTS % len(LABELS)], patient, generator(7, "film", k), 224).pixels
        )
    return out


def confirmed(sketches: Film) -> set[tuple[int, int]]:
    proposals = propose(sketches)
    found = align(sketches, proposals)
    good = (found.correlation >= CORRELATION) & (found.detail >= DETAIL)
    return {(int(a), int(b)) for a, b in zip(proposals.first[good], proposals.second[good], strict=True)}


def test_films_of_different_patients_are_no_copies(films: list[Film]) -> None:
    """Two synthetic films of one patient have one anatomy to the pixel; a split joins them anyway."""
    assert {b - a for a, b in confirmed(np.stack([sketch(f) for f in films]))} <= {PATIENTS}


@pytest.mark.parametrize("name", COPIES)
def test_planted_copies_are_found_and_nothing_else(films: list[Film], name: str) -> None:
    sketches = np.stack([sketch(f) for f in films] + [sketch(COPIES[name](f)) for f in films[:20]])
    found = confirmed(sketches)
    assert found >= {(k, N + k) for k in range(20)}
    assert {b - a for a, b in found} <= {N, PATIENTS, N - PATIENTS}


def test_proposals_do_not_depend_on_the_order_of_films(films: list[Film]) -> None:
    sketches = np.stack([sketch(f) for f in films[:30]] + [sketch(jpeg(f, 30)) for f in films[:5]])
    order = np.random.default_rng(0).permutation(len(sketches))
    pairs = {frozenset((int(order[a]), int(order[b]))) for a, b in confirmed(sketches[order])}
    assert pairs == {frozenset(p) for p in confirmed(sketches)}


@pytest.mark.parametrize("n", [0, 1])
def test_no_pair_among_fewer_than_two(n: int) -> None:
    assert len(propose(np.zeros((n, 64, 64), np.uint8)).first) == 0


def test_two_films_are_always_compared_and_flat_ones_are_no_copies() -> None:
    sketches = np.stack([np.full((64, 64), 9, np.uint8), np.full((64, 64), 200, np.uint8)])
    proposals = propose(sketches)
    assert (proposals.first.tolist(), proposals.second.tolist()) == ([0], [1])
    found = align(sketches, proposals)
    assert found.correlation.tolist() == [0.0]
    assert found.detail.tolist() == [0.0]


def test_alignment_undoes_a_known_crop(films: list[Film]) -> None:
    """Correlation of whole sketches is spoiled by a crop; after alignment it is that of resampling."""
    whole, part = sketch(films[0]), sketch(cropped(films[0], 0.06, 0.02, 0.0, 0.05))
    before = np.corrcoef(whole.ravel(), part.ravel())[0, 1]
    pair = Proposals(np.array([0]), np.array([1]), np.ones(1, np.float32))
    found = align(np.stack([whole, part]), pair)
    assert before < 0.97
    assert found.correlation[0] > 0.99
    assert found.overlap[0] == pytest.approx(0.92 * 0.95, abs=0.03)


def test_trim_takes_constant_borders_and_no_more_than_a_quarter() -> None:
    rng = np.random.default_rng(0)
    film = rng.integers(0, 256, (40, 50), dtype=np.uint8)
    framed = np.pad(film, ((3, 7), (10, 0)), constant_values=12)
    assert np.array_equal(trim(framed), film)
    assert np.array_equal(trim(film), film)
    assert trim(np.zeros((40, 40), np.uint8)).shape == (40, 40)
    assert trim(np.pad(film, ((100, 0), (0, 0)))).shape[0] > 40

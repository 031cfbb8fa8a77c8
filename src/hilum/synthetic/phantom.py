"""Synthetic chest films of four classes, drawn from a seed: for the demo, the tests and the documentation.

A film is the brightness of a stylised chest (`anatomy`) with the sign of its class (`signs`), seen by an X-ray set that is never quite the
same: exposure, contrast, tilt, distance, grain, a collimator's border, a side marker. What belongs to the patient comes from one
generator and what belongs to the film from another, so films of one patient look alike and differ as real ones do. Nothing but the sign
depends on the class. They teach a network nothing about patients: whatever is made from them says "synthetic".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count as numbers_from
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import InputError
from hilum.core.files import write_text
from hilum.core.seeding import generator
from hilum.core.tables import table_text
from hilum.imaging import png
from hilum.synthetic.anatomy import Plane, noise, sample_anatomy
from hilum.synthetic.confounders import Confounder
from hilum.synthetic.signs import LABELS, sample_sign

__all__ = ["LABELS", "Phantom", "draw", "draw_patient", "draw_signs", "films_of", "make_films"]

SHARES = {"bacterial": 0.13, "covid": 0.21, "normal": 0.54, "viral": 0.12}
"""Class -> share of the films of `make_films`: normal most, as in the paper."""
SEVERAL_FILMS_SHARE = 0.25
VISIBLE = 0.03
"""A brightening above this belongs to the sign's mask: 8 of 256 greys before gain and gamma."""
COLUMNS = ("path", "label", "patient_id", "view", "age_group")

Key = tuple[str | int, ...]
_TONE_STEPS = 4096
_R = ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#")


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic film.

    Attributes:
        pixels: Shape (height, width), uint8, 0 = black.
        lung_mask: The same shape, bool: where lung is seen, the heart and mediastinum left out.
        sign_mask: The same shape, bool: where the sign brightens the film visibly; within `lung_mask`.
        facts: What was drawn: label, age_group, view, tilt_degrees, gamma, strength of the sign and more.
    """

    pixels: NDArray[np.uint8]
    lung_mask: NDArray[np.bool_]
    sign_mask: NDArray[np.bool_]
    facts: dict[str, float | str] = field(default_factory=dict)


def draw(label: str, rng: np.random.Generator, size_px: int = 256) -> Phantom:
    """Draw one film of one patient of a class; everything is drawn from one generator.

    >>> film = draw("covid", generator(1, "example"), 64)
    >>> film.pixels.shape, film.pixels.dtype.name, bool((film.sign_mask <= film.lung_mask).all())
    ((64, 64), 'uint8', True)
    """
    return draw_patient(label, rng, rng, size_px)


def draw_patient(
    label: str, patient_rng: np.random.Generator, film_rng: np.random.Generator, size_px: int = 256
) -> Phantom:
    """Draw a film of a patient.

    Args:
        label: One of `LABELS`.
        patient_rng: Anatomy and disease are drawn from it; a generator of the same key gives the same patient.
        film_rng: Exposure, tilt, grain and so on are drawn from it.
        size_px: Side of the square film, 32 or more.

    Raises:
        InputError: For an unknown label or a smaller film.
    """
    return draw_signs((label,), patient_rng, film_rng, size_px)


def draw_signs(
    labels: Sequence[str], patient_rng: np.random.Generator, film_rng: np.random.Generator, size_px: int = 256
) -> Phantom:
    """Draw a film of a patient who may have the signs of several diseases; arguments are those of `draw_patient`, `labels` one or more."""
    if size_px < 32:
        raise InputError(f"a synthetic film has at least 32 px a side, got {size_px!r}")
    from hilum.synthetic.kernel import render  # compiles

    anatomy, streaks = sample_anatomy(patient_rng)
    signs = [sample_sign(label, patient_rng, size_px) for label in labels]
    drawn = {k: v for _, facts in signs for k, v in facts.items()}
    tilt_degrees, placing = _place(film_rng)
    brightening = np.zeros((size_px, size_px), np.float32)
    absorption, lung, of_sign = (np.empty((size_px, size_px), np.float32) for _ in range(3))
    for sign, _ in signs:
        seen = sign._replace(strength=sign.strength * film_rng.uniform(0.85, 1.15))
        render(anatomy, streaks, placing, seen, (absorption, lung, of_sign))
        brightening += of_sign
    pixels, exposure = _expose(absorption, brightening, film_rng)
    lung_mask = lung > 0.5
    facts: dict[str, float | str] = {
        "label": "|".join(labels),
        "age_group": "child" if anatomy.child else "adult",
        "tilt_degrees": tilt_degrees,
        **exposure,
        **drawn,
    }
    return Phantom(pixels, lung_mask, lung_mask & (brightening > VISIBLE), facts)


def make_films(
    out_dir: Path, n_films: int, seed: int, size_px: int = 256, confounder: Confounder | None = None
) -> Path:
    """Write a data set of synthetic films, ``<class>/P0001_1.png``, and last ``films.csv`` with the columns `COLUMNS`; returns its path.

    Every film is drawn from (seed, patient, film), so it does not depend on the others or on their number. `n_films` are shared out over
    the classes as in `SHARES`; one patient in four has two or three films. Films of an earlier call are written over. With a `confounder`
    a shortcut is planted in them; nothing else of them changes.

    Raises:
        InputError: For fewer films than classes.
    """
    if n_films < len(SHARES):
        raise InputError(f"expected at least {len(SHARES)} films, one a class, got {n_films!r}")
    rows: list[tuple[object, ...]] = []
    n_patients = 0
    for label, count in _counts(n_films).items():
        (out_dir / label).mkdir(parents=True, exist_ok=True)
        n_done, n_patient = 0, 0
        while n_done < count:
            n_patient += 1
            n_patients += 1
            patient_id = f"P{n_patients:04d}"
            key: Key = ("phantom", label, n_patient)
            is_on = confounder is not None and confounder.is_on(seed, label, n_patient)
            if confounder is not None and confounder.kind == "age":
                key = _key_of_age(seed, key, is_on)
            for n_film in range(1, min(films_of(generator(seed, *key, "films")), count - n_done) + 1):
                film = draw_patient(label, generator(seed, *key), generator(seed, *key, n_film), size_px)
                path, pixels = f"{label}/{patient_id}_{n_film}.png", film.pixels
                if confounder is not None and is_on:
                    pixels = confounder.planted(pixels, generator(seed, *key, n_film, "confounder"))
                (out_dir / path).write_bytes(png.write(pixels))
                rows.append((path, label, patient_id, film.facts["view"], film.facts["age_group"]))
                n_done += 1
    write_text(out_dir / "films.csv", table_text(COLUMNS, rows))
    return out_dir / "films.csv"


def _key_of_age(seed: int, key: Key, child: bool) -> Key:
    """The first key after a patient's own whose patient is a child, or is not."""
    return next(
        k
        for k in ((*key, n) for n in numbers_from())
        if sample_anatomy(generator(seed, *k))[0].child == child
    )


def _counts(n_films: int) -> dict[str, int]:
    """Films of each class: the shares rounded, at least one, normal taking what is left."""
    counts = {label: max(1, round(share * n_films)) for label, share in SHARES.items() if label != "normal"}
    counts["normal"] = n_films - sum(counts.values())
    return dict(sorted(counts.items()))


def films_of(rng: np.random.Generator) -> int:
    """How many films a patient has: one in four has two or three."""
    return int(rng.integers(2, 4)) if rng.random() < SEVERAL_FILMS_SHARE else 1


def _place(rng: np.random.Generator) -> tuple[float, tuple[float, float, float, float, float]]:
    """How the patient stands, aslant and off centre: the tilt, and (cos, sin, nearness, right, down)."""
    tilt_degrees = float(rng.normal(0.0, 1.8))
    nearness = float(rng.uniform(0.98, 1.03))
    right, down = float(rng.normal(0.0, 0.015)), float(rng.normal(0.0, 0.015))
    turn = math.radians(tilt_degrees)
    return tilt_degrees, (math.cos(turn), math.sin(turn), nearness, right, down)


def _expose(
    absorption: Plane, brightening: Plane, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], dict[str, float | str]]:
    """Turn brightness into a film: gain, an uneven field, gamma, grain, a collimator's border, a marker."""
    from hilum.synthetic.kernel import develop  # compiles

    gain, offset = float(rng.uniform(0.85, 1.15)), np.float32(rng.normal(0.0, 0.03))
    gamma, grain = float(rng.uniform(0.75, 1.35)), float(rng.uniform(0.008, 0.030))
    uneven = noise(rng, absorption.shape, (3, 3)) * np.float32(rng.uniform(0.0, 0.04)) + offset
    tone = (255.0 * np.linspace(0.0, 1.0, _TONE_STEPS) ** gamma).astype(np.float32)
    specks = rng.standard_normal(absorption.shape, np.float32) * np.float32(255.0 * grain)
    pixels = np.empty(absorption.shape, np.uint8)
    develop(absorption, brightening, uneven, specks, gain, tone, pixels)
    view = "AP" if rng.random() < 0.3 else "PA"
    if rng.random() < 0.25:
        _collimate(pixels, rng)
    if rng.random() < 0.5:
        _mark(pixels, rng)
    return pixels, {"view": view, "gain": gain, "gamma": gamma, "grain": grain}


def _collimate(pixels: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Darken a border, of its own width on each side."""
    size_px = pixels.shape[0]
    top, bottom, left, right = (rng.uniform(0.0, 0.05, 4) * size_px).astype(int)
    shade = int(rng.integers(0, 20))
    pixels[:top], pixels[size_px - bottom :] = shade, shade
    pixels[:, :left], pixels[:, size_px - right :] = shade, shade


def _mark(pixels: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Put an R, the marker of the patient's right, into the upper corner on that side."""
    size_px = pixels.shape[0]
    glyph = _glyph(max(1, size_px // 128)) * np.uint8(rng.integers(200, 256))
    height, width = glyph.shape
    top, left = (rng.uniform(0.04, 0.12, 2) * size_px).astype(int)
    spot = pixels[top : top + height, left : left + width]
    np.maximum(spot, glyph, out=spot)


@lru_cache(maxsize=8)
def _glyph(scale: int) -> NDArray[np.uint8]:
    letter = np.array([[c == "#" for c in row] for row in _R], np.uint8)
    return np.kron(letter, np.ones((scale, scale), np.uint8))

"""A film stored once more, in every way that the search for copies must see through."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Film = NDArray[np.uint8]
Chance = np.random.Generator
Way = Callable[[Film, Chance], Film]


def jpeg(film: Film, quality: int) -> Film:
    out = io.BytesIO()
    Image.fromarray(film).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out))


def resized(film: Film, height_px: int, width_px: int) -> Film:
    return np.asarray(Image.fromarray(film).resize((width_px, height_px), Image.Resampling.BICUBIC))


def cropped(film: Film, side: float, chance: Chance) -> Film:
    """A window anywhere of that share of each side."""
    h, w = (round(n * side) for n in film.shape)
    y, x = chance.integers(0, film.shape[0] - h + 1), chance.integers(0, film.shape[1] - w + 1)
    return film[y : y + h, x : x + w]


def turned(film: Film, degrees: float, chance: Chance) -> Film:
    """To either side, corners black."""
    sign = chance.choice([-1, 1])
    return np.asarray(Image.fromarray(film).rotate(sign * degrees, Image.Resampling.BICUBIC))


def gamma(film: Film, power: float) -> Film:
    return np.round(255 * (film / 255.0) ** power).astype(np.uint8)


def window(film: Film) -> Film:
    """The darkest and the brightest tenth clipped."""
    low, high = np.percentile(film, [10, 90])
    return np.clip((film - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)


def text(film: Film, chance: Chance) -> Film:
    """Two lines of large letters."""
    image = Image.fromarray(film)
    h, w = film.shape
    font = ImageFont.load_default(size=round(h * 0.09))
    for words in ("PORTABLE 12:45", "SUPINE L"):
        at = chance.uniform(0, 0.4) * w, chance.uniform(0, 0.85) * h
        ImageDraw.Draw(image).text(at, words, fill=255, font=font)
    return np.asarray(image)


def box(film: Film, chance: Chance) -> Film:
    """A black, grey or white box over 10 to 25 % by 15 to 35 % of the film."""
    out = film.copy()
    h, w = round(film.shape[0] * chance.uniform(0.1, 0.25)), round(film.shape[1] * chance.uniform(0.15, 0.35))
    y, x = chance.integers(0, film.shape[0] - h), chance.integers(0, film.shape[1] - w)
    out[y : y + h, x : x + w] = chance.choice([0, 128, 255])
    return out


WAYS: dict[str, Way] = {
    "JPEG of quality 60": lambda f, _: jpeg(f, 60),
    "half the size": lambda f, _: resized(f, f.shape[0] // 2, f.shape[1] // 2),
    "squashed to 70 % of its width": lambda f, _: resized(f, f.shape[0], round(f.shape[1] * 0.7)),
    "black borders of 10 %": lambda f, _: np.pad(f, [(n // 10, n // 10) for n in f.shape]),
    "mirrored": lambda f, _: f[:, ::-1],
    "inverted": lambda f, _: 255 - f,
    "turned by 2 degrees": lambda f, c: turned(f, 2, c),
    "turned by 5 degrees": lambda f, c: turned(f, 5, c),
    "turned by 10 degrees": lambda f, c: turned(f, 10, c),
    "cropped to 85 % of each side": lambda f, c: cropped(f, 0.85, c),
    "cropped to 70 % of each side": lambda f, c: cropped(f, 0.70, c),
    "gamma .6": lambda f, _: gamma(f, 0.6),
    "gamma 1.6": lambda f, _: gamma(f, 1.6),
    "a tenth clipped at both ends": lambda f, _: window(f),
    "two lines of text": text,
    "a box": box,
    "mirrored and turned by 2 to 10 degrees": lambda f, c: turned(f[:, ::-1], c.uniform(2, 10), c),
}


def planted(films: Sequence[Film], way: str, quality: int = 85) -> list[Film]:
    """A copy of each film, stored as JPEG; always the same."""
    chance = np.random.default_rng(list(WAYS).index(way))
    return [jpeg(np.ascontiguousarray(WAYS[way](f, chance)), quality) for f in films]

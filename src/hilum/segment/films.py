"""Films and their lung masks as the network sees them: squashed to 128 x 128."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.masks import SIDE_PX
from hilum.core.seeding import generator
from hilum.imaging.resize import resize
from hilum.segment.network import CONVENTIONS, LUNGS
from hilum.synthetic.phantom import LABELS, draw

PHANTOMS: Final = "phantoms"
"""What the source of synthetic films is called."""
_PHANTOM_PX: Final = 256


def squashed(film: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A decoded film as the network sees it, uint8 (128, 128)."""
    return resize(film, SIDE_PX, SIDE_PX, "bilinear")


def coverage(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A source's own mask of any size: the share of each pixel of the squashed film that is lung, 0 to 255; uint8 (128, 128).

    Above half of its greatest value is lung, whether that is 1 or 255.
    """
    lung = mask > int(mask.max()) // 2
    return resize(np.where(lung, 255, 0).astype(np.uint8), SIDE_PX, SIDE_PX, "bilinear")


@dataclass(frozen=True, eq=False)
class LungFilms:
    """Films with known lungs.

    Attributes:
        names: Names that are not shared; what is drawn for a film follows from its name.
        pixels: uint8 (n, 128, 128).
        masks: uint8 (n, 128, 128), share of a pixel that is lung, 0 to 255.
        sources: Of each film.
        groups: What may not be divided: a patient, or copies; of each film.
        conventions: int64 (n,), by which each mask is drawn: place in `CONVENTIONS`.
    """

    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    sources: tuple[str, ...]
    groups: tuple[str, ...]
    conventions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.names)

    def take(self, which: NDArray[np.int64]) -> LungFilms:
        """Some of the films, in the order asked."""

        def some(words: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(words[k] for k in which.tolist())

        return LungFilms(
            some(self.names),
            self.pixels[which],
            self.masks[which],
            some(self.sources),
            some(self.groups),
            self.conventions[which],
        )


def joined(sets: list[LungFilms]) -> LungFilms:
    """All films of several sets."""
    return LungFilms(
        tuple(n for s in sets for n in s.names),
        np.concatenate([s.pixels for s in sets]),
        np.concatenate([s.masks for s in sets]),
        tuple(n for s in sets for n in s.sources),
        tuple(n for s in sets for n in s.groups),
        np.concatenate([s.conventions for s in sets]),
    )


def phantoms(n_films: int, seed: int) -> LungFilms:
    """Synthetic films, whose lungs are known exactly, the heart left out; each of a patient of its own."""
    drawn = [draw(LABELS[k % len(LABELS)], generator(seed, PHANTOMS, k), _PHANTOM_PX) for k in range(n_films)]
    names = tuple(f"{PHANTOMS}/{seed}-{k}" for k in range(n_films))
    return LungFilms(
        names,
        np.stack([squashed(p.pixels) for p in drawn]),
        np.stack([coverage(p.lung_mask.astype(np.uint8)) for p in drawn]),
        (PHANTOMS,) * n_films,
        names,
        np.full(n_films, list(CONVENTIONS).index(LUNGS), np.int64),
    )

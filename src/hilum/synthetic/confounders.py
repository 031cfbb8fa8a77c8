"""Planted shortcuts: something on a synthetic film that is no disease and goes with the class, of a known kind and strength.

A share of the patients of the positive class has it, and the rest of the share of the others: at 1 it says the class, at 0 too (the other
way round), at .5 nothing. What is planted follows from (seed, patient), so it is on all films of a patient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import require_known
from hilum.core.seeding import generator

Film = NDArray[np.uint8]
ConfounderKind = Literal["marker", "border", "resolution", "age", "grain"]
CONFOUNDERS = get_args(ConfounderKind)
_GLYPH = np.array([[1, 0, 0, 0]] * 4 + [[1, 1, 1, 1]], np.uint8)  # an L
_GLYPH_SHARE, _BORDER_SHARE, _BORDER_GREY = 0.08, 0.03, 70
_SMALLER, _GRAIN = 0.8, 14.0


@dataclass(frozen=True)
class Confounder:
    """A shortcut to plant.

    Attributes:
        kind: ``marker``, a bright letter in the lower right corner; ``border``, a grey frame; ``resolution``, fewer pixels; ``age``, the
            patient is a child (who does not have it is an adult); ``grain``, the noise of another device.
        share: Of the patients of the positive class that have it; of the others 1 - share.
        positive: The class.

    Raises:
        InputError: No such kind.
    """

    kind: ConfounderKind
    share: float
    positive: str = "covid"

    def __post_init__(self) -> None:
        require_known(self.kind, CONFOUNDERS, "no such confounder")

    def is_on(self, seed: int, label: str, n_patient: int) -> bool:
        """Whether a patient of a class has it."""
        share = self.share if label == self.positive else 1 - self.share
        return bool(generator(seed, "confounder", label, n_patient).random() < share)

    def planted(self, film: Film, rng: np.random.Generator) -> Film:
        """The film with it; age is the patient's and changes nothing here."""
        return _PLANT[self.kind](film, rng) if self.kind in _PLANT else film


def _marker(film: Film, rng: np.random.Generator) -> Film:
    out, side = film.copy(), film.shape[0]
    scale = max(1, round(_GLYPH_SHARE * side / len(_GLYPH)))
    glyph = np.kron(_GLYPH, np.ones((scale, scale), np.uint8)) * np.uint8(rng.integers(220, 256))
    spot = out[-len(glyph) - 1 : -1, -glyph.shape[1] - 1 : -1]
    np.maximum(spot, glyph, out=spot)
    return out


def _border(film: Film, rng: np.random.Generator) -> Film:
    wide = max(1, round(_BORDER_SHARE * film.shape[0]))
    out = np.full_like(film, _BORDER_GREY + rng.integers(-5, 6))
    out[wide:-wide, wide:-wide] = film[wide:-wide, wide:-wide]
    return out


def _resolution(film: Film, _: np.random.Generator) -> Film:
    side = round(_SMALLER * film.shape[0])
    return np.asarray(Image.fromarray(film).resize((side, side), Image.Resampling.BOX))


def _grain(film: Film, rng: np.random.Generator) -> Film:
    specks = rng.standard_normal(film.shape, np.float32) * np.float32(_GRAIN)
    return np.clip(film + specks + 0.5, 0, 255).astype(np.uint8)


_PLANT: Mapping[str, Callable[[Film, np.random.Generator], Film]] = {
    "marker": _marker,
    "border": _border,
    "resolution": _resolution,
    "grain": _grain,
}

"""One map of one film with its checks; and what a service needs to make it: bytes to a judged map."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.explanations import FilmMap
from hilum.artifacts.manifest import FilmRow
from hilum.core.errors import require_known
from hilum.explain import checks
from hilum.explain.methods import heat_map
from hilum.explain.network import Explained, explained
from hilum.explain.seen import Seeing, SeenFilm
from hilum.imaging.decode import decode
from hilum.imaging.film import DecodedFilm
from hilum.segment.segmenter import Segmenter
from hilum.study.explanations import CHECKS, METHODS, settled

FAITHFUL = tuple(name for name, check in CHECKS.items() if check.required)
"""The checks that say whether a map shows anything of the model."""


def mapped(
    model: Explained, seen: SeenFilm, target: int, asked: str, options: Mapping[str, Any], names: Sequence[str], seed: int = 0
) -> tuple[NDArray[np.float32], FilmMap]:  # fmt: skip
    """The map of a film and what its checks say.

    Args:
        model: Whose answer is explained.
        seen: The film, with lungs and marks where they are known.
        target: Number of the class.
        asked: The method as it was asked for; its name is the word before the colon.
        options: Of the method.
        names: The checks.
        seed: Of all that is drawn.
    """
    name = asked.partition(":")[0]
    start = time.perf_counter()
    heat = heat_map(model, seen.film, target, name, seed, **options)
    seconds = time.perf_counter() - start
    of_map = checks.Asked(model, seen.film, target, name, heat, seed, options, seen.lungs, seen.found)
    return heat, FilmMap.judged(asked, model.classes[target], checks.checked(of_map, names), seconds)


@dataclass(frozen=True, eq=False)
class MappedFilm:
    """A map, ready to be shown.

    Attributes:
        film: The film as the model saw it, uint8 (height, width).
        values: float32 (height, width), in the method's units.
        signed: Whether values below zero speak against the class.
        of: Its method, class, checks and verdict.
        probabilities: What the bundle answers of the film, in its own precision.
    """

    film: NDArray[np.uint8]
    values: NDArray[np.float32]
    signed: bool
    of: FilmMap
    probabilities: NDArray[np.float64]


class Mapper:
    """Makes maps of films for a bundle, one at a time.

    Args:
        folder: The bundle.
        device: ``cpu`` or ``cuda``.

    Raises:
        InputError, DigestError, UnsafeError: As `hilum.explain.network.explained`.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.model = explained(folder, device)
        own = self.model.predictor.segmenter
        self.seeing = Seeing(
            self.model.predictor.pipeline.certain, own, own or Segmenter.shipped(), masks=False
        )

    def map(
        self, film: bytes | DecodedFilm, method: str = "grad-cam", target: str = "", names: Sequence[str] = tuple(CHECKS), seed: int = 0
    ) -> MappedFilm:  # fmt: skip
        """The map of a film.

        Args:
            film: The film's file, or what was decoded of it.
            method: A name of `METHODS`.
            target: The class; empty for the one of the highest probability.
            names: Checks that are made.
            seed: Of all that is drawn.

        Raises:
            FilmError: The film cannot be read, or its lungs are needed and not found.
            InputError: No such method, class or check.
        """
        options = settled(method, {})
        if target:
            require_known(target, self.model.classes, "the model has no class")
        seen = self.seeing.film(
            decode(film) if isinstance(film, bytes) else film, FilmRow("film", "", "", "", "", "", ""), ()
        )
        probabilities = self.model.probabilities(seen.film)
        k = self.model.classes.index(target) if target else int(np.argmax(probabilities))
        values, of = mapped(self.model, seen, k, method, options, names, seed)
        return MappedFilm(seen.film, values, METHODS[method].signed, of, probabilities)

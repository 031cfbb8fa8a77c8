"""Bytes to a film that is ready for a bundle's network: what can be done in a process without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hilum.augment.pipeline import Pipeline
from hilum.core.errors import FilmError
from hilum.imaging.shape import shape_of
from hilum.inference.opened import Opened, open_film, prepare


@dataclass(frozen=True)
class Opener:
    """Opens films for a bundle; picklable.

    Attributes:
        pipeline: The bundle's; None where preparing needs a network (lungs), and is left to the reader.
        pixels: Keep the decoded film where it is not needed for preparing.
    """

    pipeline: Pipeline | None
    pixels: bool = False

    def __call__(self, name: str, data: bytes | FilmError) -> Opened:
        """The film, or why there is none."""
        return self.of(open_film(name, data, flags=True))

    def of(self, film: Opened) -> Opened:
        """A film that was decoded, prepared where that needs no network."""
        if film.pixels is None or self.pipeline is None:
            return film
        made = prepare(film.pixels, self.pipeline)
        kept = film.pixels if self.pixels else None
        if isinstance(made, str):
            return replace(film, pixels=kept, error=made, words=made)
        return replace(film, pixels=kept, prepared=made, shape=shape_of(made))

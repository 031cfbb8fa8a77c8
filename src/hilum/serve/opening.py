"""What the processes that open films do: bytes that nobody trusts to a film, without torch and without a network."""

from __future__ import annotations

import io

from hilum.core.seeding import generator
from hilum.imaging.film import at_most
from hilum.inference.opened import Opened, open_film
from hilum.inference.opener import Opener

LOST = "cannot be opened"
"""The reason of a film that ended the process that opened it, or took too long."""


def ready() -> None:
    """Have all imported and compiled that the first film needs."""
    from PIL import Image

    from hilum.synthetic.phantom import LABELS, draw

    for kind in ("PNG", "JPEG"):
        data = io.BytesIO()
        Image.fromarray(draw(LABELS[0], generator(0, "ready")).pixels).save(data, kind)
        open_film("", data.getvalue(), flags=True)


def opened(opener: Opener, name: str, data: bytes, pixels: int) -> Opened:
    """A film, opened for a bundle.

    Args:
        opener: The bundle's.
        name: What the client calls the film.
        data: Its bytes.
        pixels: How many it may have.
    """
    with at_most(pixels):
        return opener(name, data)

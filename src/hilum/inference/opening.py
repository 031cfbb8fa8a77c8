"""What the processes that open films do: bytes that nobody trusts to a film, without torch and without a network.

The service and the node call `opened` through `hilum.core.workers.Workers`, whose processes have a limit of memory and of seconds, and
never in their own process.
"""

from __future__ import annotations

import io

from hilum.core.digests import sha256_bytes
from hilum.core.seeding import generator
from hilum.core.workers import WorkerLost
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


def unopened(name: str, data: bytes, error: WorkerLost | MemoryError) -> Opened:
    """A film that ended the process that opened it, took too long, or wanted more memory than a film may.

    Args:
        name: What the client calls the film.
        data: Its bytes.
        error: What its opening ended with.
    """
    sha = sha256_bytes(data)
    if isinstance(error, MemoryError):
        return Opened(name, sha, error="too large", words="the film takes more memory than a film may")
    return Opened(name, sha, error=LOST, words=f"the film cannot be opened: {error}")

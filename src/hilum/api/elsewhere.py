"""`hilum.workspace_at`: a workspace at an address (``s3://bucket/folder``) as a folder here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hilum.api.view import AnyPath
from hilum.core.address import Address, address_in
from hilum.core.digests import SHORT, sha256_bytes
from hilum.core.errors import InputError
from hilum.core.mirror import Mirror, brought, mirrored

MIRRORS, BOUND = "HILUM_MIRROR", "HILUM_MIRROR_GIB"
"""Variables: the folder below which mirrors lie, and how many GiB of large files one may hold."""
USUAL_GIB = 20.0


@contextmanager
def workspace_at(address: str, *, mirror: AnyPath | None = None, gib: float | None = None) -> Iterator[Path]:
    """A folder that stands for a workspace at an address: give it to `hilum.run` and the others as their workspace.

    What is written in it within the block is at the address before it counts as done, and what is there is brought when it is needed.

    >>> with hilum.workspace_at("memory://bucket/ws", mirror="mirrored") as workspace:
    ...     workspace.name
    'mirrored'

    Args:
        address: As fsspec has it: ``s3://bucket/folder``, ``gs://bucket/folder``, or ``file:///folder`` for one that machines share.
        mirror: The folder here; None for one of the address below ``HILUM_MIRROR``, or else below the user's cache.
        gib: GiB of large files that may be here at once; None for ``HILUM_MIRROR_GIB``, or else 20.

    Raises:
        InputError: It cannot be reached, read and written; said before anything else is done.
        MissingExtraError: The extra ``remote`` is not installed.
    """
    found = opened(address, mirror, gib)
    with mirrored(found):
        yield found.root


def opened(address: str, mirror: AnyPath | None = None, gib: float | None = None) -> Mirror:
    """The mirror of a workspace, after its address was tried out and the files right in it were brought; see `workspace_at`."""
    url = address_in(address)
    if url is None:
        raise InputError(
            f"expected an address such as s3://bucket/folder, got {address!r}; a folder is used as it is"
        )
    is_new = Address(url).require()
    root = Path(mirror) if mirror is not None else _place(url)
    root.mkdir(parents=True, exist_ok=True)
    found = Mirror(root.resolve(), url, int((gib if gib is not None else _bound()) * 2**30))
    if is_new:
        found.empty()
    with mirrored(found):
        brought(found.root, below=False)
    return found


def _place(url: str) -> Path:
    named = os.environ.get(MIRRORS)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(named) if named else Path(cache) / "hilum" / "mirrors") / sha256_bytes(url.encode())[:SHORT]


def _bound() -> float:
    text = os.environ.get(BOUND, "")
    try:
        value = float(text or USUAL_GIB)
    except ValueError:
        value = -1.0
    if not 0 <= value < 2**30:
        raise InputError(f"{BOUND}: expected a number of GiB, got {text!r}")
    return value

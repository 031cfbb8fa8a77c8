"""`hilum.workspace_at`: a workspace at an address (``s3://bucket/folder``) as a folder here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hilum.api.view import AnyPath
from hilum.core.address import Address, address_in
from hilum.core.errors import InputError
from hilum.core.mirror import Mirror, brought, mirrored
from hilum.core.mirror_places import bound_gib, place_of


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
    root = Path(mirror) if mirror is not None else place_of(url)
    root.mkdir(parents=True, exist_ok=True)
    found = Mirror(root.resolve(), url, int((gib if gib is not None else bound_gib()) * 2**30))
    if is_new:
        found.empty()
    with mirrored(found):
        brought(found.root, below=False)
    return found

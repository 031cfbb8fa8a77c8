"""The packages that the node needs beyond hilum's own, asked for before anything is imported that needs them."""

from __future__ import annotations

from importlib.util import find_spec

from hilum.core.errors import MissingExtraError


def require_extra(*packages: str) -> None:
    """Refuse to go on without some packages of the extra ``node``.

    Raises:
        MissingExtraError: One is not installed.

    >>> require_extra("json")
    """
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(package, "node")

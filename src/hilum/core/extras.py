"""Optional parts of hilum: whether what a command needs is installed."""

from __future__ import annotations

from importlib.util import find_spec

from hilum.core.errors import MissingExtraError


def require_extra(extra: str, *modules: str) -> None:
    """Refuse a command whose extra is not installed.

    Args:
        extra: Of `pyproject.toml`.
        modules: What it brings.

    Raises:
        MissingExtraError: One of them cannot be found; says how to install the extra.

    >>> require_extra("node", "json")
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtraError(module, extra)

"""Where a machine keeps its mirrors of workspaces at addresses, and how much of one it holds: what its own variables say, so that another
machine's may be elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from hilum.core.digests import SHORT, sha256_bytes
from hilum.core.errors import InputError

MIRRORS, BOUND = "HILUM_MIRROR", "HILUM_MIRROR_GIB"
"""Variables: the folder below which mirrors lie, and how many GiB of large files one may hold."""
USUAL_GIB = 20.0


def place_of(url: str) -> Path:
    """The folder of this machine that mirrors an address."""
    named = os.environ.get(MIRRORS)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(named) if named else Path(cache) / "hilum" / "mirrors") / sha256_bytes(url.encode())[:SHORT]


def bound_gib() -> float:
    """How many GiB of large files a mirror of this machine may hold.

    Raises:
        InputError: The variable has no such number.
    """
    text = os.environ.get(BOUND, "")
    try:
        value = float(text or USUAL_GIB)
    except ValueError:
        value = -1.0
    if not 0 <= value < 2**30:
        raise InputError(f"{BOUND}: expected a number of GiB, got {text!r}")
    return value

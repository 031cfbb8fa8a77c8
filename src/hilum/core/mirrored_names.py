"""What the name of a workspace's file says of how a mirror treats it: the one place of `core` that knows the folders of a workspace."""

from __future__ import annotations

from pathlib import PurePosixPath

LARGE_BYTES = 2**20
OPENED_LATE = frozenset({".npy", ".npz", ".safetensors", ".checkpoint", ".best"})
"""Endings of files that are asked for by `at_hand` wherever they are opened; so is all that is in `OPENED_LATE_IN`."""
INDEX = ".ids.npy"
"""The ending of an array that says what there is, and is looked for."""
OPENED_LATE_IN = frozenset({"prepared", "films"})
NAMED_BY_DIGEST = frozenset(
    {"prepared", "features", "masks", "trials", "searches", "duplicates", "audits", "films"}
)
"""Folders of a workspace in which a name stands for one content, but for names that begin with a dot."""
HERE_ONLY = frozenset({"finished"})
"""Folders of a workspace whose files say something of this machine alone."""


def is_large(name: str, size: int) -> bool:
    """Whether a file is brought when it is opened, and counts for the bound.

    >>> is_large("features/a/b.npy", 2**21), is_large("runs/r/report.html", 2**23), is_large("features/a/b.ids.npy", 2**21)
    (True, False, False)
    """
    if size < LARGE_BYTES or name.endswith(INDEX):
        return False
    return PurePosixPath(name).suffix in OPENED_LATE or name.split("/")[0] in OPENED_LATE_IN


def is_named_by_digest(name: str) -> bool:
    """Whether a name stands for one content.

    >>> is_named_by_digest("trials/ab12/train.json"), is_named_by_digest("trials/.ab12.checkpoint"), is_named_by_digest("runs/r/run.json")
    (True, False, False)
    """
    parts = name.split("/")
    return parts[0] in NAMED_BY_DIGEST and not any(p.startswith(".") for p in parts)

"""Digests: how hilum knows that two things are the same. SHA-256 throughout, lower-case hex."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.columns import blocks

SHORT = 16  # hex digits used in folder and file names


def sha256_bytes(data: bytes) -> str:
    """Digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Digest of a file's bytes, read in blocks."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def pixels_sha256(pixels: NDArray[Any]) -> str:
    """Digest of an array: its dtype, shape and values in C order.

    >>> a = np.zeros((2, 3), np.uint8)
    >>> pixels_sha256(a) == pixels_sha256(a.reshape(3, 2))
    False
    """
    h = hashlib.sha256(f"{pixels.dtype.str}{pixels.shape}".encode())
    h.update(np.ascontiguousarray(pixels).data)
    return h.hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces, so that equal values give equal text. NaN is refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of_lists(*lists: Iterable[Any]) -> str:
    """`digest` of a list of long lists, of whose text only some rows are in memory.

    >>> digest_of_lists([1, 2], "ab") == digest([[1, 2], ["a", "b"]])
    True
    """
    found = hashlib.sha256(b"[")
    for n, values in enumerate(lists):
        found.update(b",[" if n else b"[")
        for k, block in enumerate(blocks(values)):
            found.update(("," * bool(k) + canonical_json(block)[1:-1]).encode())
        found.update(b"]")
    found.update(b"]")
    return found.hexdigest()


def digest(value: Any) -> str:
    """Digest of a JSON-able value.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return sha256_bytes(canonical_json(value).encode())

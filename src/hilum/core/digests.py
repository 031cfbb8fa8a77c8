"""Digests: how hilum knows that two things are the same. SHA-256 throughout, lower-case hex."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def digest(value: Any) -> str:
    """Digest of a JSON-able value.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return sha256_bytes(canonical_json(value).encode())

"""Digests agree with hashlib and tell apart what is different."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from hilum.core.digests import canonical_json, digest, pixels_sha256, sha256_file


def test_file_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert sha256_file(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_pixels_digest_sees_dtype_shape_and_order() -> None:
    a = np.arange(6, dtype=np.uint8).reshape(2, 3)
    others = [a.reshape(3, 2), a.astype(np.uint16), a[::-1].copy()]
    assert len({pixels_sha256(x) for x in [a, *others]}) == 4
    assert pixels_sha256(np.asfortranarray(a)) == pixels_sha256(a)


def test_canonical_json_refuses_nan() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json({"x": float("nan")})


def test_digest_is_of_the_canonical_text() -> None:
    assert digest({"b": 1, "a": "é"}) == hashlib.sha256('{"a":"é","b":1}'.encode()).hexdigest()

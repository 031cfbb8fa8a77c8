"""Rows of a shard that is at an address only, by ranged reads, equal those of the whole file."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.artifacts import shards
from hilum.artifacts.features import FeatureRows
from hilum.artifacts.shards import opened, opened_all
from hilum.core import files
from hilum.core.address import Address
from hilum.core.mirror import Mirror, mirrored
from s3_server import BUCKET, s3_server

RNG = np.random.default_rng(2)
SHARDS = {
    "vectors.npy": RNG.normal(size=(256, 40)).astype(np.float32),
    "maps.npy": RNG.normal(size=(64, 8, 3, 3)).astype(np.float16),
    "films.npy": RNG.integers(0, 256, (50, 12, 12), np.uint8),
}


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """An empty mirror of an address on the server that has the shards."""
    root = tmp_path_factory.mktemp("mirrors").resolve()
    url = f"s3://{BUCKET}/shards"
    with s3_server():
        with mirrored(Mirror(root / "made", url, 2**30)):
            for name, array in SHARDS.items():
                with files.writing(root / "made" / name) as part, part.open("wb") as f:
                    np.save(f, array)
        with mirrored(Mirror(root / "empty", url, 2**30)) as empty:
            yield empty


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(SHARDS)), st.data())
def test_a_few_rows_equal_those_of_the_whole(far: Mirror, name: str, data: st.DataObject) -> None:
    whole = SHARDS[name]
    rows = data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=len(whole) // 8 - 1))
    found = opened(far.root / name, set(rows))
    assert not (far.root / name).exists()
    assert (found.shape, found.dtype) == (whole.shape, whole.dtype)
    for row in rows:
        assert found[row].tobytes() == whole[row].tobytes()


def test_only_what_is_needed_is_asked_for(far: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows one after another are one request; the bytes are those of the rows, and of the file's head once."""
    asked: list[tuple[int, int]] = []
    real = Address.ranges

    def watched(self: Address, name: str, which: list[tuple[int, int]]) -> list[bytes]:
        asked.extend(which)
        return real(self, name, which)

    monkeypatch.setattr(Address, "ranges", watched)
    opened(far.root / "vectors.npy", {7, 3, 4, 5})
    head, *rest = asked
    assert head == (0, 4096)
    assert [(b - a) // 160 for a, b in rest] == [3, 1]
    assert rest[0][0] == 128 + 3 * 160


def test_rows_of_several_shards_in_any_order(far: Mirror) -> None:
    where = str(far.root / "vectors.npy")
    rows = FeatureRows([(where, 9), (where, 2), (where, 9)])
    assert np.array_equal(rows.take(slice(0, 3)), SHARDS["vectors.npy"][[9, 2, 9]])
    assert not Path(where).exists()


def test_most_rows_bring_the_shard(far: Mirror) -> None:
    path = far.root / "films.npy"
    (found,) = opened_all({str(path): range(30)})
    assert isinstance(found, np.ndarray)
    assert isinstance(found.base, np.memmap)
    assert np.array_equal(found, SHARDS["films.npy"])
    path.unlink()


def test_a_shard_that_is_nowhere_is_not_there(far: Mirror) -> None:
    with pytest.raises(FileNotFoundError):
        opened(far.root / "none.npy", {1})


def test_shards_of_which_much_is_needed_are_read_ahead_where_they_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(shards.os, "posix_fadvise", lambda fd, *_: asked.append(os.fstat(fd).st_ino))
    paths = []
    for name, array in SHARDS.items():
        np.save(tmp_path / name, array)
        paths.append(str(tmp_path / name))
    needed = {path: range(len(np.load(path)) // 4) for path in paths[:2]} | {paths[2]: range(12)}
    opened_all(needed)
    assert asked == [Path(path).stat().st_ino for path in paths[:2]]
    sizes = sum(Path(path).stat().st_size for path in paths[:2])
    monkeypatch.setattr(shards, "available_bytes", lambda: 2 * sizes - 1)
    opened_all(needed)
    assert len(asked) == 2

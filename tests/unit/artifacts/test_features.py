"""The feature store finds features by digest, shares shards, and reads them back as they were."""

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.features import FeatureRows, FeatureSpec, FeatureStore
from hilum.core.errors import InputError

SPEC = FeatureSpec(
    "net", "tap", "0" * 64, (0.5,), (0.5,), "fp32", 4, (8, 8), "cpu: x", 1, {"torch": "1"}, "float32"
)


def digests(n: int, start: int = 0) -> list[str]:
    return [f"{k:064x}" for k in range(start, start + n)]


def test_round_trip_in_any_order_and_twice(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, SPEC)
    values = np.random.default_rng(0).random((5, 3)).astype(np.float32)
    store.write("one", digests(3), values[:3], seconds=1.5)
    store.write("two", digests(2, 3), values[3:], seconds=0.5)
    rows = FeatureRows(FeatureStore(tmp_path, SPEC).locations([digests(5)[k] for k in (4, 0, 4, 2)]))
    assert np.array_equal(rows.take(slice(None)), values[[4, 0, 4, 2]])
    assert np.array_equal(rows.take(np.array([1])), values[[0]])
    assert store.seconds_per_film() == pytest.approx(2.0 / 5)


@pytest.mark.parametrize("name", ["net", "timm/net"])
def test_a_store_is_found_again_by_backbone_and_digest(tmp_path: Path, name: str) -> None:
    spec = replace(SPEC, backbone=name)
    FeatureStore(tmp_path, spec).write("one", digests(1), np.ones((1, 3), np.float32), seconds=1)
    store = FeatureStore.kept(tmp_path, name, spec.digest)
    assert store.spec == spec
    assert not store.missing(digests(1))
    with pytest.raises(InputError, match=r"spec\.json"):
        FeatureStore.kept(tmp_path, name, "0" * 64)


def test_missing_keeps_order_and_drops_doubles(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, SPEC)
    store.write("one", digests(1), np.zeros((1, 3)), seconds=1)
    assert store.missing([digests(3)[k] for k in (2, 0, 2, 1)]) == [digests(3)[2], digests(3)[1]]


@pytest.mark.parametrize(
    "change",
    [
        {"precision": "bf16"},
        {"state_sha256": "1" * 64},
        {"versions": {"torch": "2"}},
        {"batch": 8},
        {"threads": 2},
    ],
)
def test_whatever_features_depend_on_has_a_store_of_its_own(
    tmp_path: Path, change: dict[str, object]
) -> None:
    FeatureStore(tmp_path, SPEC).write("one", digests(1), np.zeros((1, 3)), seconds=1)
    other = FeatureStore(tmp_path, replace(SPEC, **change))  # type: ignore[arg-type]
    assert other.missing(digests(1)) == digests(1)


def test_a_shard_without_its_ids_does_not_count(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, SPEC)
    store.write("one", digests(2), np.zeros((2, 3)), seconds=1)
    (store.folder / "one.ids.npy").unlink()  # as if killed before the last rename
    assert FeatureStore(tmp_path, SPEC).missing(digests(2)) == digests(2)


def _write(root: Path, k: int) -> None:
    store = FeatureStore(root, SPEC)
    for n in range(20):
        store.write(f"s{n}", digests(4, 4 * n), np.full((4, 3), n), seconds=k)


def test_two_processes_that_write_the_same_do_no_harm(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_write, args=(tmp_path, k)) for k in range(2)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    assert [p.exitcode for p in processes] == [0, 0]
    store = FeatureStore(tmp_path, SPEC)
    got = FeatureRows(store.locations(digests(80))).take(slice(None))
    assert np.array_equal(got[:, 0], np.repeat(np.arange(20), 4))

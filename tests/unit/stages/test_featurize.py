"""Only what is missing is computed; features that are not finite are refused."""

import pickle
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hilum.artifacts.features import FeatureRows, FeatureSpec, FeatureStore
from hilum.artifacts.header import Header
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.core.digests import pixels_sha256
from hilum.core.engine import Engine, Local
from hilum.core.errors import HilumError
from hilum.core.progress import Step, no_progress
from hilum.core.seeding import generator
from hilum.models.backbone import FrozenBackbone
from hilum.models.machine import threads
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.stages import featurize as stage
from hilum.stages.featurize import Featurizer, FeaturizeTask, plan

SPEC = FeatureSpec("squeezenet1_0", "t", "0", (0.0,), (1.0,), "fp32", 4, (48, 48), "cpu", 1, {}, "float16")


def prepared(folder: Path, n: int) -> tuple[PreparedStore, list[str]]:
    store = PreparedStore(folder)
    films = [generator(1, "film", k).integers(0, 256, (48, 48), dtype=np.uint8) for k in range(n)]
    digests = [pixels_sha256(f) for f in films]
    rows = [PreparedRow(str(k), Wanted("p", "train", 1), d, []) for k, d in enumerate(digests)]
    store.write("k" * 16, Header("prepared"), rows, dict(zip(digests, films, strict=True)), 1.0)
    store.read("k" * 16)
    return store, digests


def network() -> FrozenBackbone:
    return FrozenBackbone(backbone("squeezenet1_0"), RANDOM)


def featurize(
    store: FeatureStore,
    films: PreparedStore,
    digests: list[str],
    load: Callable[[], FrozenBackbone],
    step: Step = no_progress,
    engine: Engine | None = None,
) -> int:
    """As a study does it."""
    tasks = plan(store.missing(digests), films)
    featurizer = Featurizer(store, load, step, behind=engine is None)
    return sum((engine or Local(1)).map(featurizer, tasks, alone=int(engine is None)))


def test_what_is_there_is_not_computed_again(tmp_path: Path) -> None:
    films, digests = prepared(tmp_path / "p", 10)
    store = FeatureStore(tmp_path / "f", SPEC)
    steps: list[int] = []
    assert featurize(store, films, digests[:6], network, steps.append) == 6
    assert sum(steps) == 6
    assert featurize(store, films, digests, network) == 4

    def never() -> FrozenBackbone:
        raise AssertionError("nothing is missing")

    assert featurize(store, films, digests, never) == 0
    assert [Featurizer(store, never)(task) for task in plan(digests[:6], films)] == [0], (
        "another process was faster"
    )
    got = FeatureRows(store.locations(digests)).take(slice(None))
    with threads(SPEC.threads):
        expected = network().features(FeatureRows(films.locations(digests[:4])).take(slice(None)), 4).numpy()
    assert np.array_equal(got[:4], expected.astype(np.float16))
    assert not list(store.folder.glob(".*"))


def test_features_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    films, digests = prepared(tmp_path / "p", 3)
    store = FeatureStore(tmp_path / "f", SPEC)

    def broken() -> FrozenBackbone:
        net = network()
        real = net.features

        def features(pixels: np.ndarray, batch: int) -> torch.Tensor:
            y = real(pixels, batch).clone()
            y[1] = torch.inf
            return y

        net.features = features  # type: ignore[method-assign]
        return net

    with pytest.raises(HilumError, match=r"1 of 3 films have features of squeezenet1_0 that are not finite"):
        featurize(store, films, digests, broken)
    assert FeatureStore(tmp_path / "f", SPEC).missing(digests) == digests


def test_a_shard_is_a_task_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small enough to travel, and of the same bits and file names in processes of their own."""
    monkeypatch.setattr(stage, "SHARD", 4)
    monkeypatch.setenv(
        "OMP_NUM_THREADS", "1"
    )  # of the processes: the number of threads is part of a feature's key
    films, digests = prepared(tmp_path / "p", 10)
    here, there = FeatureStore(tmp_path / "here", SPEC), FeatureStore(tmp_path / "there", SPEC)
    with threads(1):
        assert featurize(here, films, digests, network) == 10
    assert featurize(there, films, digests, network, engine=Local(2)) == 10
    shards = [p.name for p in sorted(here.folder.glob("*.npy"))]
    assert len(shards) == 6
    assert [p.name for p in sorted(there.folder.glob("*.npy"))] == shards
    assert all((here.folder / name).read_bytes() == (there.folder / name).read_bytes() for name in shards)
    monkeypatch.undo()
    task = FeaturizeTask(
        {f"{k:064x}": (f"/work/prepared/{'a' * 16}.244x244.npy", k) for k in range(stage.SHARD)}, last=True
    )
    assert len(pickle.dumps((Featurizer(here, network), task))) < 64 * 1024


def test_a_backbone_is_loaded_once_and_checked_with_the_last_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "SHARD", 4)
    films, digests = prepared(tmp_path / "p", 10)
    loaded: list[FrozenBackbone] = []

    def moving() -> FrozenBackbone:
        loaded.append(network())
        weight = next(loaded[0]._net.parameters())
        weight.data[0] += 1
        return loaded[0]

    with pytest.raises(HilumError, match="a frozen weight of squeezenet1_0 moved"):
        featurize(FeatureStore(tmp_path / "f", SPEC), films, digests, moving)
    assert len(loaded) == 1
    assert FeatureStore(tmp_path / "f", SPEC).missing(digests) == []


class SlowBackbone:
    """Stands for a backbone: a film's feature is its first pixel; it takes its time, and counts who has been through."""

    b, at_once = SimpleNamespace(name="slow"), 1

    def __init__(self) -> None:
        self.films: Counter[int] = Counter()
        self.now = self.most_at_once = 0
        self.guard = threading.Lock()

    def features(self, pixels: np.ndarray, batch: int) -> torch.Tensor:
        assert len(pixels) <= batch
        with self.guard:
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
            self.films.update(int(film[0, 0]) for film in pixels)
        time.sleep(0.05)
        with self.guard:
            self.now -= 1
        return torch.from_numpy(pixels[:, 0, :2].astype(np.float32))

    def check_unchanged(self) -> None:
        pass


def test_two_that_want_the_same_films_at_once_compute_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a store of its own, as two processes have; the lock of a shard is a file's, so threads stand for processes."""
    monkeypatch.setattr(stage, "SHARD", 4)
    films = [np.full((48, 48), k, np.uint8) for k in range(12)]
    digests = [pixels_sha256(f) for f in films]
    rows = [PreparedRow(str(k), Wanted("p", "train", 1), d, []) for k, d in enumerate(digests)]
    store = PreparedStore(tmp_path / "p")
    store.write("k" * 16, Header("prepared"), rows, dict(zip(digests, films, strict=True)), 1.0)
    slow, start = SlowBackbone(), threading.Barrier(2)

    def work(_: int) -> int:
        mine, features = PreparedStore(tmp_path / "p"), FeatureStore(tmp_path / "f", SPEC)
        mine.read("k" * 16)
        start.wait()
        return featurize(features, mine, digests, lambda: slow)  # type: ignore[arg-type, return-value]

    with ThreadPoolExecutor(2) as pool:
        computed = list(pool.map(work, range(2)))
    assert sum(computed) == 12
    assert slow.films == Counter(range(12))
    assert slow.most_at_once == 1
    got = FeatureRows(FeatureStore(tmp_path / "f", SPEC).locations(digests)).take(slice(None))
    assert got[:, 0].tolist() == list(range(12))


def test_a_shard_is_written_while_the_next_is_computed_and_its_lock_is_held_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "SHARD", 4)
    films, digests = prepared(tmp_path / "p", 12)
    store = FeatureStore(tmp_path / "f", SPEC)
    real, going, computed = store.write, threading.Event(), []

    def slowly(name: str, of: list[str], features: np.ndarray, seconds: float) -> None:
        assert going.wait(10)  # set by the shard after it
        assert list(store.folder.glob(".*.lock"))
        real(name, of, features, seconds)

    class Counted(SlowBackbone):
        def features(self, pixels: np.ndarray, batch: int) -> torch.Tensor:
            computed.append(len(store.missing(digests)))
            if len(computed) == 2:
                going.set()
            return super().features(pixels, batch)

    monkeypatch.setattr(store, "write", slowly)
    assert featurize(store, films, digests, Counted) == 12  # type: ignore[arg-type]
    assert computed[:2] == [12, 12]  # the second was computed before the first was there
    assert store.missing(digests) == []
    assert not list(store.folder.glob(".*"))


def test_a_shard_that_cannot_be_written_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "SHARD", 4)
    films, digests = prepared(tmp_path / "p", 8)
    store = FeatureStore(tmp_path / "f", SPEC)

    def full(*_: object) -> None:
        raise HilumError("no room")

    monkeypatch.setattr(store, "write", full)
    with pytest.raises(HilumError, match="no room"):
        featurize(store, films, digests, SlowBackbone)  # type: ignore[arg-type]
    assert store.missing(digests) == digests

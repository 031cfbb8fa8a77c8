"""featurize: prepared films -> features of a frozen backbone, for those that have none yet.

A task is a shard, 256 films in the order given. A shard that is there is not made again, and two processes that want the same shard wait
for each other. Non-finite features are refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hilum.artifacts.features import FeatureRows, FeatureSpec, FeatureStore, film_key
from hilum.artifacts.prepared import PreparedStore
from hilum.core.digests import digest
from hilum.core.errors import HilumError
from hilum.core.files import lock
from hilum.core.progress import Step, no_progress
from hilum.models.backbone import FeatureNetwork
from hilum.models.machine import made_ready, threads

SHARD = 256
"""Films a shard: the unit that is repeated after a kill."""


@dataclass(frozen=True)
class FeaturizeTask:
    """One shard.

    Attributes:
        locations: Digest of a prepared film's pixels -> (array file, row) where they lie.
        last: Whether it is the last shard: the backbone is then checked not to have moved.
    """

    locations: dict[str, tuple[str, int]]
    last: bool


def plan(missing: Sequence[str], prepared: PreparedStore) -> list[FeaturizeTask]:
    """Cut films that have no features yet into shards; they are named by the digest of their prepared pixels, each once."""
    shards = [missing[k : k + SHARD] for k in range(0, len(missing), SHARD)]
    return [
        FeaturizeTask(dict(zip(shard, prepared.locations(shard), strict=True)), last=shard is shards[-1])
        for shard in shards
    ]


class Featurizer:
    """Computes the features of shards. It keeps its backbone from one task to the next, and travels to another process without it.

    Args:
        store: Where features go.
        load: Makes the backbone; called only if something is missing.
        step: Told of films done, where they are done in the process that gave it.
        behind: Write a shard while the next one is computed; the last task waits for all. For one that is given the tasks one after
            another, in the process that made it: where it travels, a task that is done is written.
    """

    def __init__(
        self,
        store: FeatureStore,
        load: Callable[[], FeatureNetwork],
        step: Step = no_progress,
        behind: bool = False,
    ) -> None:
        self._store, self._load, self._step = store, load, step
        self._network: FeatureNetwork | None = None
        self._writer = ThreadPoolExecutor(1, "features written") if behind else None
        self._writing: Future[None] | None = None

    def __reduce__(self) -> tuple[type[Featurizer], tuple[FeatureStore, Callable[[], FeatureNetwork]]]:
        return Featurizer, (self._store, self._load)

    def __call__(self, task: FeaturizeTask) -> int:
        """Do one task; returns how many films were computed here: those that still have no features.

        Raises:
            HilumError: A feature is not finite, or a weight of the backbone moved.
        """
        shard = list(task.locations)
        lock_path = self._store.lock_path(digest(shard)[:16])
        with ExitStack() as held:
            held.callback(lock_path.unlink, missing_ok=True)
            held.enter_context(lock(lock_path))
            self._store.refresh()
            todo = self._store.missing(shard)
            self._step(len(shard) - len(todo))
            if todo:
                if self._network is None:
                    made_ready()
                    self._network = self._load()
                spec, began = self._store.spec, time.perf_counter()
                films = FeatureRows([task.locations[d] for d in todo])
                own = spec.threads or torch.get_num_threads()  # as its key has them, wherever this is
                with threads(own):
                    features = _extract(self._network, films, spec, self._step)
                self._write(held.pop_all(), todo, features, time.perf_counter() - began)
        if task.last:
            self._wait()
            if self._network is not None:
                self._network.check_unchanged()
        return len(todo)

    def _write(self, held: ExitStack, digests: list[str], features: NDArray[Any], seconds: float) -> None:
        """Write a shard, whose lock is `held` until then."""

        def work() -> None:
            with held:
                self._store.write(digest(digests)[:16], digests, features, seconds)

        if self._writer is None:
            work()
        else:
            self._wait()  # so that no more than two shards are in memory
            self._writing = self._writer.submit(work)

    def _wait(self) -> None:
        """Wait for the shard that is being written."""
        if self._writing is not None:
            self._writing.result()
            self._writing = None


def keep_vectors(store: FeatureStore, image_ids: Sequence[str], vectors: NDArray[np.float32]) -> int:
    """Keep vectors that were made elsewhere, shape (n, C), for those films that have none yet; returns how many these are."""
    keys = [film_key(i) for i in image_ids]
    missing = set(store.missing(keys))
    rows = [k for k, key in enumerate(keys) if key in missing]
    if rows:
        found = [keys[k] for k in rows]
        store.write(digest(found)[:16], found, vectors[rows], 0.0)
    return len(rows)


def _ahead(films: FeatureRows, batch: int) -> Iterator[NDArray[np.uint8]]:
    """Read batches one ahead of the backbone, so that it does not wait for the disk."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        following = reader.submit(films.take, slice(0, batch))
        for k in range(batch, len(films) + batch, batch):
            pixels = following.result()
            if k < len(films):
                following = reader.submit(films.take, slice(k, k + batch))
            yield pixels


def _extract(network: FeatureNetwork, films: FeatureRows, spec: FeatureSpec, step: Step) -> NDArray[Any]:
    """Features of one shard's films as they are stored, in the order given.

    Raises:
        HilumError: A feature is not finite, or not once it is stored.
    """
    out, done, bad = np.empty(0, spec.dtype), 0, 0
    for pixels in _ahead(films, max(spec.batch, network.at_once)):
        found = network.features(pixels, spec.batch).cpu().to(getattr(torch, spec.dtype))
        if not done:
            out = np.empty((len(films), *found.shape[1:]), spec.dtype)
        out[done : done + len(pixels)] = found.numpy()
        bad += int((~torch.isfinite(found).flatten(1).all(dim=1)).sum())
        done += len(pixels)
        step(len(pixels))
    if bad:
        raise HilumError(f"{bad} of {done} films have features of {network.b.name} that are not finite")
    return out

"""featurize: prepared films -> features of a frozen backbone, for those that have none yet.

The films go through in the order given, in shards; a shard that is there is not made again, and two processes that
want the same shard wait for each other. Non-finite features are refused.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.features import FeatureStore
from hilum.artifacts.prepared import PreparedStore
from hilum.core.digests import digest
from hilum.core.errors import HilumError
from hilum.core.files import lock
from hilum.core.progress import Step
from hilum.models.backbone import FrozenBackbone

SHARD = 256
"""Films a shard: the unit that is repeated after a kill."""


def _ahead(batches: Sequence[Sequence[str]], prepared: PreparedStore) -> Iterator[NDArray[np.uint8]]:
    """Read batches one ahead of the backbone, so that it does not wait for the disk."""
    ready: queue.Queue[NDArray[np.uint8] | BaseException] = queue.Queue(maxsize=2)

    def read() -> None:
        try:
            for batch in batches:
                ready.put(np.stack(prepared.pixels(batch)))
        except BaseException as e:
            ready.put(e)

    threading.Thread(target=read, daemon=True).start()
    for _ in batches:
        item = ready.get()
        if isinstance(item, BaseException):
            raise item
        yield item


def extract_shard(
    network: FrozenBackbone, digests: Sequence[str], prepared: PreparedStore, batch: int, step: Step
) -> NDArray[np.float32]:
    """Features of one shard's films, float32, in the order given.

    Raises:
        HilumError: A feature is not finite.
    """
    out: list[NDArray[np.float32]] = []
    for films in _ahead([digests[k : k + batch] for k in range(0, len(digests), batch)], prepared):
        out.append(network.features(films, batch).cpu().numpy())
        step(len(films))
    features = np.concatenate(out)
    if not np.isfinite(features).all():
        bad = int((~np.isfinite(features.reshape(len(features), -1)).all(axis=1)).sum())
        raise HilumError(
            f"{bad} of {len(features)} films have features of {network.b.name} that are not finite"
        )
    return features


def featurize(
    store: FeatureStore,
    prepared: PreparedStore,
    digests: Sequence[str],
    load: Callable[[], FrozenBackbone],
    step: Step,
) -> int:
    """Compute what is missing; returns how many films were computed here.

    Args:
        store: Where features go.
        prepared: Where the films with these digests are.
        digests: Films by digest of their pixels.
        load: Makes the backbone; called only if something is missing.
        step: Told of films done.
    """
    missing = store.missing(digests)
    network: FrozenBackbone | None = None
    done = 0
    for start in range(0, len(missing), SHARD):
        shard = missing[start : start + SHARD]
        name = digest(shard)[:16]
        with lock(store.lock_path(name)):
            store.refresh()
            todo = store.missing(shard)
            if not todo:
                step(len(shard))
                continue
            network = network or load()
            began = time.perf_counter()
            step(len(shard) - len(todo))
            features = extract_shard(network, todo, prepared, store.spec.batch, step)
            store.write(digest(todo)[:16], todo, features, time.perf_counter() - began)
            done += len(todo)
        store.lock_path(name).unlink(missing_ok=True)
    if network is not None:
        network.check_unchanged()
    return done

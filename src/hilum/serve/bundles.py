"""The bundles that a service answers with, each under a name; one can be put in the place of another while requests go on.

A request keeps the bundle that it began with (`Bundles.using`), and one that was replaced is closed when nobody uses it any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.artifacts.bundle import bundle_version
from hilum.core.errors import HilumError, InputError, nearest
from hilum.explain.mapped import MappedFilm, Mapper
from hilum.imaging.film import DecodedFilm
from hilum.inference.engines import EngineName
from hilum.inference.reader import Reader
from hilum.models.registry import backbone
from hilum.monitor.changes import at_work
from hilum.monitor.watch import Watch
from hilum.serve.batches import Batches
from hilum.serve.problems import Problem
from hilum.study.several_findings import MULTILABEL

if TYPE_CHECKING:
    from hilum.serve.replicas import Replication

MAPS_WAITING = 8
"""Maps that may wait for one bundle: each takes seconds."""


@dataclass(frozen=True)
class Loading:
    """How bundles are loaded.

    Attributes:
        engine: What computes their networks.
        device: ``cpu`` or ``cuda``.
        kept: Folder for graphs of ONNX.
        monitor: The store of what is watched; None for a bundle that is not.
        replication: Begins a bundle's replicas on other machines; None for a network that is asked here.
    """

    engine: EngineName = "auto"
    device: str = "cpu"
    kept: Path | None = None
    monitor: Path | None = None
    replication: Replication | None = None


class Served:
    """A bundle that answers.

    Args:
        name: What requests call it.
        folder: Where it lies.
        loading: How it is loaded.
    """

    def __init__(self, name: str, folder: Path, loading: Loading) -> None:
        self.name, self.folder, self.loading = name, folder, loading
        self.at_work = at_work(folder)
        self.reader = Reader(folder, loading.engine, loading.device, loading.kept)
        # what is watched of a bundle is its positive class, which one of several findings does not have
        watched = loading.monitor if self.reader.bundle.task != MULTILABEL else None
        self.watch = Watch(watched, folder, name) if watched else None
        lanes = self.reader.engine.lanes
        self.replicas = loading.replication.of(self.reader) if loading.replication else None
        if self.replicas is not None:
            self.reader.scored, lanes = self.replicas.scored, self.replicas.lanes
        self.batches = Batches(self.reader.answers, self.reader.engine.together, lanes)
        self._maps = ThreadPoolExecutor(1, thread_name_prefix="maps")
        self._mapper: Mapper | None = None
        self._maps_waiting = 0
        self._lock = threading.Lock()
        self._unused = threading.Condition(self._lock)
        self._users = 0

    @contextmanager
    def used(self) -> Iterator[None]:
        """Within it, the bundle is not closed."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                self._unused.notify_all()

    def map(self, film: DecodedFilm, method: str, target: str, names: Sequence[str]) -> Future[MappedFilm]:
        """Queue a heat map.

        Raises:
            Problem: 429: as many as may wait are waiting.
        """
        with self._lock:
            if self._maps_waiting >= MAPS_WAITING:
                raise Problem(
                    429, f"{self._maps_waiting} heat maps are waiting, as many as may; come again", 5
                )
            self._maps_waiting += 1
        done = self._maps.submit(self._mapped, film, method, target, names)
        done.add_done_callback(self._one_less)
        return done

    def _one_less(self, _: Any) -> None:
        with self._lock:
            self._maps_waiting -= 1

    def _mapped(self, film: DecodedFilm, method: str, target: str, names: Sequence[str]) -> MappedFilm:
        if self._mapper is None:
            self._mapper = Mapper(self.folder, self.loading.device)
            if bundle_version(self.folder) != self.reader.version:
                self._mapper = None
                raise HilumError(f"{self.name}: the bundle's folder holds another bundle now; load it first")
        return self._mapper.map(film, method, target, names)

    def close(self) -> None:
        """Wait until nobody uses it, then end."""
        with self._lock:
            self._unused.wait_for(lambda: not self._users)
        self.batches.close()
        if self.replicas is not None:
            self.replicas.close()
        if self.watch is not None:
            self.watch.close()
        self._maps.shutdown(wait=True)

    def facts(self) -> dict[str, Any]:
        """What answers say of it."""
        b, engine = self.reader.bundle, self.reader.engine
        return {
            "name": self.name,
            "digest": self.reader.version,
            "backbone": b.backbone,
            "classes": list(b.classes),
            "positive": b.positive,
            "engine": engine.words,
        }

    def more_facts(self) -> dict[str, Any]:
        """What `GET /v1/bundles` says of it besides."""
        b, engine = self.reader.bundle, self.reader.engine
        return {
            **self.facts(),
            "title": f"{b.head} of {len(b.members)} models" if b.members else backbone(b.backbone).name,
            "operating_point": b.operating_point,
            "calibration": b.calibration,
            "conformal": bool(b.conformal),
            "gate": {k: v for k, v in b.gate.items() if k != "sha256"},
            "preparation": b.preparation,
            "precision": b.precision,
            "network": b.network,
            "engine_why": engine.why,
            "runs_on": self.loading.replication.words if self.loading.replication else "this machine",
            "engine_films_per_s": engine.films_per_s,
            "engine_difference": engine.difference,
        }


def name_of(folder: Path) -> str:
    """What a bundle is called that was given without a name: its folder's, or of a run's ``.../CELL/trial-N/bundle`` cell and trial.

    >>> name_of(Path("runs/a/cells/net--crop/trial-2/bundle")), name_of(Path("winner"))
    ('net--crop--trial-2', 'winner')
    """
    folder = folder.absolute()
    if folder.name == "bundle" and folder.parent.name.startswith("trial-"):
        return f"{folder.parent.parent.name}--{folder.parent.name}"
    return folder.parent.name if folder.name == "bundle" else folder.name


def named_folders(texts: Sequence[str]) -> dict[str, Path]:
    """Bundles as they are typed: ``PATH`` or ``NAME=PATH``.

    Raises:
        InputError: Two of one name.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        folder = Path(path) if sign and not Path(text).exists() else Path(text)
        name = name if sign and not Path(text).exists() else name_of(folder)
        if name in found:
            raise InputError(f"two bundles are called {name!r}; name them: NAME={folder}")
        found[name] = folder
    return found


class Bundles:
    """The bundles of a service by name; the first is the one that requests get which name none.

    Args:
        served: Name -> bundle.
    """

    def __init__(self, served: Mapping[str, Served]) -> None:
        self._served = dict(served)
        self._lock = threading.Lock()  # one exchange at a time
        self._exchange = threading.Lock()  # held for a moment
        self._replaced: list[threading.Thread] = []

    def all(self) -> list[Served]:
        """Every bundle, in order."""
        return list(self._served.values())

    def named(self, name: str) -> Served:
        """A bundle; of an empty name the first.

        Raises:
            Problem: 404: there is none of that name.
        """
        if not name:
            return next(iter(self._served.values()))
        found = self._served.get(name)
        if found is None:
            raise Problem(404, f"there is no bundle {name!r}; {nearest(name, self._served)}")
        return found

    @contextmanager
    def using(self, name: str) -> Iterator[Served]:
        """A bundle for as long as a request takes.

        Raises:
            Problem: 404: there is none of that name.
        """
        with self._exchange:
            served = self.named(name)
            stack = ExitStack()
            stack.enter_context(served.used())
        with stack:
            yield served

    def swap(self, name: str, folder: Path, loaded: Callable[[Served, Served], None]) -> Served:
        """Load a bundle and put it in another's place; requests go on meanwhile. It takes seconds: call it in a thread.

        Args:
            name: Of the one that is there.
            folder: Of the new one.
            loaded: Told of old and new before the exchange; what it raises stops it.

        Raises:
            HilumError: The new one is no bundle, or answers of other classes; the old one stays.
            Problem: 404: there is none of that name.
        """
        with self._lock:
            old = self.named(name)
            new = Served(old.name, folder, old.loading)
            try:
                a, b = old.reader.bundle, new.reader.bundle
                if (a.classes, a.positive) != (b.classes, b.positive):
                    raise InputError(
                        f"expected a bundle of the classes {', '.join(a.classes)} with {a.positive} positive, got one of "
                        f"{', '.join(b.classes)} with {b.positive}; serve it under a name of its own"
                    )
                loaded(old, new)
            except BaseException:
                new.close()
                raise
            with self._exchange:
                self._served[old.name] = new
            closing = threading.Thread(target=old.close, name="replaced", daemon=True)
            closing.start()
            self._replaced = [t for t in self._replaced if t.is_alive()] + [closing]
            return new

    def close(self) -> None:
        """Finish all that was taken, then end."""
        for served in self.all():
            served.close()
        for thread in self._replaced:
            thread.join()

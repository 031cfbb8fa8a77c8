"""The machines of a Ray cluster (https://docs.ray.io), or this machine's cores under a Ray of its own. Ray schedules; nothing here does.

Ray's promises that this rests on (https://docs.ray.io/en/latest/ray-core/fault-tolerance.html): a task whose process or node died is done
again, so often as `max_retries` says, and an exception of a task's own is none of that; an actor that died raises `RayActorError` for
the call that it was doing. A task writes its outputs to the workspace and gives a small value, so nothing is lost with Ray's objects,
and a task that was done twice has written equal files.
"""

from __future__ import annotations

import os
import pickle
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.core.engine.order import in_order
from hilum.core.engine.protocol import Result, Task
from hilum.core.engine.ray.work import Asked, answer_of, done, kind_here, sent, unshared
from hilum.core.errors import InputError
from hilum.core.extras import require_extra
from hilum.core.files import write_bytes
from hilum.core.mirror import in_force, mirror_of

if TYPE_CHECKING:
    from hilum.core.engine.ray.cluster import Node

_ADDRESS = "RAY_ADDRESS"
_SWITCHES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_task_oom_retries": "3",  # by itself Ray tries a task that fits nowhere without end
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # tasks without a GPU see none; said, since Ray warns where it is not
}
_SHOWN = 3


class Ray:
    """A Ray cluster, or a Ray of this run's own on this machine, which ends with it. Connected when it is first asked for something.

    Args:
        workers: Processes on this machine, where there is no address; None for all cores.
        address: Of a cluster, ``HOST:PORT`` or ``auto``; None for that of ``RAY_ADDRESS``, and for none where that is not set.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: What was asked for cannot be.
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        require_extra("ray", "ray")
        self._address = address or os.environ.get(_ADDRESS) or None
        self._workers = workers
        self._marker: Path | None = None
        self._connected = False
        if self._address and "://" in self._address:
            raise InputError(
                f"--address {self._address!r}: expected HOST:PORT of the cluster, or auto; hilum runs on one of its nodes, not as a client"
            )
        if self._address and workers is not None:
            raise InputError(
                "--workers is of this machine; a cluster at an address has the CPUs of its nodes"
            )
        if workers == 0:
            raise InputError(
                "--engine ray has processes of its own; give --workers 1 or more, or --engine local"
            )

    @cached_property
    def nodes(self) -> list[Node]:
        """The nodes, as they are when they are first asked for.

        Raises:
            InputError: There is no cluster, or one of its nodes is refused.
        """
        for name, value in _SWITCHES.items():
            os.environ.setdefault(name, value)
        if self._address is None:
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = (
                "0"  # on every system: it listens on loopback only
            )
        from hilum.core.engine.ray import cluster  # late: ray

        self._connected = cluster.connect(self._workers, self._address) or self._connected
        found = cluster.nodes()
        if len(found) > 1 or self._address is not None:
            cluster.require_alike(found)
        return found

    @property
    def cores(self) -> int:
        """CPUs of all nodes."""
        return sum(n.cpus for n in self.nodes)

    @property
    def cores_here(self) -> int:
        """CPUs of the node that this process is on."""
        return next(n.cpus for n in self.nodes if n.here)

    @property
    def device(self) -> str:
        """``cuda`` where nodes have GPUs."""
        return "cuda" if any(n.gpus for n in self.nodes) else "cpu"

    @property
    def description(self) -> str:
        """As in ``Ray, 2 nodes, 8 CPUs, 2 GPUs``."""
        n, gpus = len(self.nodes), sum(n.gpus for n in self.nodes)
        words = [
            "Ray",
            f"{n} node{'' if n == 1 else 's'}",
            f"{self.cores} CPU{'' if self.cores == 1 else 's'}",
        ]
        return ", ".join([*words, *([f"{gpus} GPU{'' if gpus == 1 else 's'}"] if gpus else [])])

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        here: bool = False,
        alone: int = 0,
        killed: Callable[[Task], Result] | None = None,
    ) -> Iterator[Result]:
        """As `Engine.map`. Tasks that want a place for themselves go to actors, one a GPU, or one for so many CPUs."""
        if here:
            yield from map(function, tasks)
            return

        def received(task: Task, answer: Future[bytes]) -> Result:
            return _result(task, answer, self._root, killed)

        rest, on_way = iter(tasks), deque[Task]()
        first = next(rest, None)
        if first is None:
            return
        work = self._kept(function, alone) if alone else self._sent(function)
        with work as (places, send):
            yield from in_order(send, received, _with(first, rest), places, on_way)

    @contextmanager
    def _sent(self, function: Callable[[Any], Any]) -> Iterator[tuple[int, Callable[[Any], Future[bytes]]]]:
        """Tasks of one CPU, on whichever node has one: how many at a time, and what sends one."""
        places, asked, root = self.cores, self._asked, self._root
        travelling = sent(function, root)
        import ray  # late: an extra

        from hilum.core.engine.ray.keepers import RETRIES

        do = ray.remote(done).options(num_cpus=1, max_retries=RETRIES)
        on_way: dict[Future[bytes], Any] = {}

        def send(task: Any) -> Future[bytes]:
            reference = do.remote(asked, travelling, sent(task, root))
            answer: Future[bytes] = reference.future()
            on_way[answer] = reference
            answer.add_done_callback(lambda a: on_way.pop(a, None))
            return answer

        try:
            yield places, send
        finally:
            for reference in list(on_way.values()):
                with suppress(ray.exceptions.RayError):
                    ray.cancel(reference, force=True)

    @contextmanager
    def _kept(
        self, function: Callable[[Any], Any], threads: int
    ) -> Iterator[tuple[int, Callable[[Any], Future[bytes]]]]:
        """Tasks that want places for themselves: how many places there are, and what sends a task to one."""
        gpu = self.device == "cuda"
        # CPUs that a node has for each place: all of it on a CPU, its share of them with a GPU
        room = [
            max(n.cpus // n.gpus, 1) if gpu else n.cpus for n in self.nodes if n.cpus and (n.gpus or not gpu)
        ]
        cpus = min(threads, min(room) if gpu else max(room))
        places = sum(n.gpus if gpu else n.cpus // cpus for n in self.nodes if n.cpus)
        from hilum.core.engine.ray.keepers import Keepers  # late: ray

        options = {"num_cpus": cpus, "num_gpus": int(gpu)}
        root = self._root
        keepers = Keepers(places, options, self._asked, sent(function, root))
        try:
            yield places, lambda task: keepers.submit(sent(task, root))
        finally:
            keepers.close()

    @property
    def _asked(self) -> bytes:
        mirrors = in_force()
        return pickle.dumps(Asked(kind_here(), self._marker, mirrors[0].url if mirrors else None))

    @property
    def _root(self) -> Path | None:
        """The mirror's, of a workspace at an address."""
        mirrors = in_force()
        return mirrors[0].root if mirrors else None

    def unseen(self, paths: Sequence[Path], workspace: Path | None = None) -> list[str]:
        """What other nodes do not see of what this one sees. A workspace that is a folder gets a file that is looked for, and has it until
        the end; of one at an address each node has a mirror."""
        if all(n.here for n in self.nodes):
            return []
        from hilum.core.engine.ray import cluster

        marked = self._marked(workspace) if workspace and mirror_of(workspace) is None else []
        found = []
        for name, lacks in cluster.unread(self.nodes, [*marked, *paths]).items():
            found += [f"node {name} {unshared(marker.parent)}" for marker in marked if marker in lacks]
            rest = [str(p) for p in lacks if p not in marked]
            if rest:
                more = f" and {len(rest) - _SHOWN} more" if len(rest) > _SHOWN else ""
                found.append(
                    f"node {name} does not see {', '.join(rest[:_SHOWN])}{more}: it needs them at the same path"
                )
        return found

    def _marked(self, workspace: Path) -> list[Path]:
        self._marker = workspace.resolve() / f".ray-{uuid.uuid4().hex[:12]}"
        write_bytes(self._marker, b"nodes that work for this run see this file\n")
        return [self._marker]

    def close(self) -> None:
        """End a Ray of this run's own; from a cluster this process is disconnected, and the cluster stays."""
        if self._marker is not None:
            self._marker.unlink(missing_ok=True)
            self._marker = None
        if self._connected:
            import ray

            ray.shutdown()
            self._connected = False


def _with(first: Task, rest: Iterator[Task]) -> Iterator[Task]:
    yield first
    yield from rest


def _result(
    task: Task, answer: Future[bytes], root: Path | None, killed: Callable[[Task], Result] | None
) -> Result:
    """The result that an answer holds.

    Raises:
        Exception: What the task raised.
        InputError: Its process was lost again and again, and `killed` is not given; or Ray lost it.
    """
    from ray.exceptions import OutOfMemoryError, RayActorError, RayError, WorkerCrashedError

    try:
        data = answer.result()
    except (WorkerCrashedError, OutOfMemoryError, RayActorError) as e:
        if killed is not None:
            return killed(task)
        raise InputError(
            "the process of a task was ended again and again, as the system does where memory runs out: give its node fewer CPUs (`ray "
            "start --num-cpus`, or --workers) and go on, what was finished is kept"
        ) from e
    except RayError as e:
        words = str(e).strip().splitlines()[-1]
        raise InputError(
            f"Ray lost a task ({words}); go on with the same command, what was finished is kept"
        ) from e
    result: Result = answer_of(data, root)
    return result

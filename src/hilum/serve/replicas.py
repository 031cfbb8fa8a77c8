"""A bundle's network on the nodes of a Ray cluster, as replicas of Ray Serve (https://docs.ray.io/en/latest/serve/index.html).

The service stays one process, with the app it always has: it takes requests, opens films, shows pages and writes the log. What takes its
time, networks, is asked on the nodes. Whole services as replicas would each have an audit log, rates of tokens, sessions and a queue of
reviews, which only one may have.

A replica that died is replaced by Ray Serve; what it was asked is asked of another one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import pickle
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from hilum.core.digests import SHORT, sha256_bytes
from hilum.core.engine.ray import Ray
from hilum.core.engine.ray.work import Asked, Keeper, answer_of, kind_here, sent
from hilum.core.errors import InputError
from hilum.core.text import counted
from hilum.inference.engines import EngineName
from hilum.inference.opened import Opened
from hilum.inference.predictor import Scored
from hilum.inference.reader import Reader
from hilum.serve.problems import Problem

_ASKED_S: Final = 60.0
"""Longer than a request may take: an answer that comes later is nobody's."""
_AGAIN, _AGAIN_S = 3, 0.2
_SHARE: Final = 0.01
"""Of a CPU or GPU that a replica has in Ray's books: nearly none, for a bundle that takes another's place is loaded beside it."""
_LOGS: Final = {"log_level": "ERROR", "enable_access_log": False}


class Scorer:
    """A bundle's network, on whichever machine it is sent to.

    Args:
        folder: The bundle, at the same path everywhere.
        version: Its digest; a folder that holds another one is refused.
        engine: What computes it: one and the same on every machine.
        device: ``cpu`` or ``cuda``.
        threads: Of torch's; Ray gives a process one.
    """

    def __init__(self, folder: Path, version: str, engine: EngineName, device: str, threads: int) -> None:
        self.folder, self.version, self.engine, self.device = folder, version, engine, device
        self.threads = threads
        self._reader: Reader | None = None

    def __call__(self, films: Sequence[Opened]) -> list[Scored]:
        """Score films; of none, load the network.

        Raises:
            InputError: No bundle, or another one.
        """
        if self._reader is None:
            torch.set_num_threads(self.threads)
            reader = Reader(self.folder, self.engine, self.device)
            if reader.version != self.version:
                raise InputError(f"{self.folder}: holds another bundle than the one that is served")
            self._reader = reader
        return self._reader.scored(films)


class Replica:
    """What Ray Serve keeps on a node: a scorer that was loaded."""

    def __init__(self, asked: bytes, scorer: bytes) -> None:
        self._keeper = Keeper(asked, scorer)
        answer_of(self._keeper.do(sent([], None)), None)

    async def __call__(self, films: bytes) -> bytes:
        """Score films; gives the answer, which is an error too."""
        return await asyncio.to_thread(self._keeper.do, films)


class Replicas:
    """The replicas of one bundle.

    Args:
        handle: Ray Serve's.
        name: Of the application, which ends with them.
        lanes: Films, or batches of them, that may be asked for at a time.
    """

    def __init__(self, handle: Any, name: str, lanes: int) -> None:
        self._handle, self._name, self.lanes = handle, name, lanes

    def scored(self, films: Sequence[Opened]) -> list[Scored]:
        """As `Predictor.scored`; names and what a header says of a patient stay here.

        Raises:
            Problem: 503: no replica answers.
        """
        task = sent([replace(f, name="", facts={}) for f in films], None)
        found: list[Scored] = answer_of(self._asked(task), None)
        return [replace(s, name=f.name, facts=f.facts) for s, f in zip(found, films, strict=True)]

    def _asked(self, task: bytes) -> bytes:
        from ray.exceptions import RayError  # late: an extra
        from ray.serve.exceptions import RayServeException

        for k in range(_AGAIN):
            try:
                answer: bytes = self._handle.remote(task).result(timeout_s=_ASKED_S)
                return answer
            except TimeoutError:
                break
            except (RayError, RayServeException):  # the replica, or its node, is lost
                time.sleep(_AGAIN_S * 2**k)
        raise Problem(503, "no replica answers; come again", 10)

    def close(self) -> None:
        """End them; nobody may ask any more."""
        from ray import serve

        with suppress(Exception):  # the cluster may be gone
            serve.delete(self._name)


class Replication:
    """Ray Serve on a cluster, or on a Ray of this service's own, which ends with it.

    Args:
        state: The service's folder: what an earlier service of that folder left on the cluster is ended.
        n: Replicas of each bundle; 0 for one a node, or one a GPU.
        address: Of the cluster, as `Ray` has it.

    Attributes:
        words: For people, as in ``2 replicas on Ray, 2 nodes, 4 CPUs``.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: There is no cluster, or a node is refused.
    """

    def __init__(self, state: Path, n: int = 0, address: str | None = None) -> None:
        self._cluster = Ray(None, address)
        nodes = [n for n in self._cluster.nodes if n.cpus and (n.gpus or self.device == "cpu")]
        self.n = n or sum(max(n.gpus, 1) for n in nodes)
        self._a_node = math.ceil(self.n / len(nodes))
        self._threads = max(
            1, torch.get_num_threads() // self._a_node
        )  # of one alone as many as here: equal bits
        self.words = f"{counted(self.n, 'replica')} on {self._cluster.description}"
        here = f"{socket.gethostname()}:{state.resolve()}"
        self._prefix = f"hilum-{sha256_bytes(here.encode())[:SHORT]}-"
        from ray import serve

        for name in ("ray.serve", "ray"):
            logging.getLogger(name).setLevel(logging.ERROR)
        serve.start(proxy_location="Disabled", logging_config=_LOGS)
        self._begun = 0
        self._end_mine()

    @property
    def device(self) -> str:
        """What networks are computed on."""
        return self._cluster.device

    def of(self, reader: Reader) -> Replicas:
        """Begin the replicas of a bundle, and wait until all can answer.

        Raises:
            InputError: A node does not see the bundle, or cannot load it.
        """
        if unseen := self._cluster.unseen([reader.folder.resolve()]):
            raise InputError("\n".join(unseen))
        from ray import serve

        engine: EngineName = "onnx" if reader.engine.name == "onnx" else "torch"
        scorer = Scorer(reader.folder.resolve(), reader.version, engine, self.device, self._threads)
        self._begun += 1
        name = f"{self._prefix}{self._begun}"
        made = serve.deployment(
            name=name, num_replicas=self.n, max_replicas_per_node=self._a_node, max_ongoing_requests=reader.engine.lanes,
            ray_actor_options={"num_cpus": _SHARE, "num_gpus": _SHARE if self.device == "cuda" else 0},
            max_constructor_retry_count=1, logging_config=_LOGS,
        )(Replica)  # fmt: skip
        app = made.bind(pickle.dumps(Asked(kind_here())), sent(scorer, None))
        try:
            handle = serve.run(app, name=name, route_prefix=None)
        except Exception as e:  # Ray Serve raises RuntimeError, and whatever else
            words = _why(serve.status().applications.get(name)) or str(e).strip().splitlines()[-1]
            serve.delete(name)
            raise InputError(f"{reader.folder}: no replica could be started: {words}") from e
        return Replicas(handle, name, self.n * reader.engine.lanes)

    def _end_mine(self) -> None:
        """End every application of a service of this state folder."""
        from ray import serve

        for name in [name for name in serve.status().applications if name.startswith(self._prefix)]:
            serve.delete(name)

    def close(self) -> None:
        """End what was begun; a cluster at an address stays, and so do other applications on it."""
        from ray import serve

        from hilum.core.engine.ray.cluster import hush

        with suppress(Exception):  # the cluster may be gone
            self._end_mine()
            if not serve.status().applications:
                hush()
                serve.shutdown()
        self._cluster.close()


def _why(application: Any) -> str:
    """What a replica raised: the last line of the trace that Ray Serve keeps of it."""
    told = [d.message for d in application.deployments.values()] if application is not None else []
    lines = [line.strip() for message in told for line in message.splitlines() if ".errors." in line]
    return lines[-1].partition(": ")[2] if lines else ""

"""The nodes that do the work, of a cluster at an address or of a Ray of this run's own; and what is refused of them.

The machine that hilum runs on is one of the cluster's nodes. Every node that works must be of its kind, and see what it sees.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray._private import worker as ray_worker
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from hilum.core.engine.protocol import available_cores
from hilum.core.engine.ray.work import MEND, Kind, kind_here
from hilum.core.errors import InputError
from hilum.core.progress import say

_STORE_BYTES = 200 * 2**20
"""Of Ray's own store on this machine: results are small, what is large lies in the workspace."""
_ANSWERS_S = 300.0
"""So long a node may take to say what it is; a process begins first."""


@dataclass(frozen=True)
class Node:
    """A node that is alive.

    Attributes:
        key: Ray's.
        name: Its address, for people.
        cpus: Tasks of one CPU at the same time.
        gpus: GPUs.
        gpu: Kind of GPU, as Ray names it; empty without one.
        here: Whether hilum runs on it.
    """

    key: str
    name: str
    cpus: int
    gpus: int
    gpu: str
    here: bool


def connect(workers: int | None, address: str | None) -> bool:
    """Connect this process to a cluster, or to a Ray of its own where there is no address; nothing where it is connected already.

    Returns:
        Whether it was connected here, and so is to be disconnected.

    Raises:
        InputError: There is no cluster at the address, or Ray cannot be started.
    """
    if ray.is_initialized():
        return False
    where: dict[str, Any] = {"address": address}
    if address is None:
        where = {
            "address": "local", "num_cpus": workers or available_cores(), "include_dashboard": False, "object_store_memory": _STORE_BYTES,
        }  # fmt: skip
    try:
        with _own_signals():
            ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as e:  # Ray raises ConnectionError, RuntimeError, ValueError or Exception itself
        words = str(e).strip().split("\n")[0]
        if address is None:
            raise InputError(
                f"Ray could not be started on this machine ({words}); where it is too busy, start it with `ray start --head` and give "
                "--address auto"
            ) from e
        raise InputError(
            f"no Ray cluster at {address!r} can be used from here ({words}); this machine must be one of its nodes (`ray start "
            "--address HOST:PORT`)"
        ) from e
    _in_own_words()
    return True


@contextmanager
def _own_signals() -> Iterator[None]:
    """Within it signals may be taken by somebody else; afterwards they are handled as before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_own_words() -> None:
    """What Ray tells of lost processes goes to stderr as a line of hilum's; by itself Ray prints paragraphs to stdout."""

    def told(data: dict[str, Any], ignore_prefix: bool = False) -> None:  # noqa: ARG001
        for text in data["lines"]:
            say(f"ray: {str(text).strip().split('. ')[0][:200]}")

    ray_worker.print_to_stdstream = told


def hush() -> None:
    """Tell nobody what Ray says from here on: its own processes are ended, of which it speaks as of lost ones."""
    ray_worker.print_to_stdstream = lambda *_, **__: None


def nodes() -> list[Node]:
    """Nodes that are alive, this machine first."""
    here = ray.get_runtime_context().get_node_id()
    found = []
    for n in ray.nodes():
        if n["Alive"]:
            has = n["Resources"]
            gpu = next(
                (k.removeprefix("accelerator_type:") for k in has if k.startswith("accelerator_type:")), ""
            )
            gpus = int(has.get("GPU", 0))
            found.append(
                Node(
                    n["NodeID"], n["NodeManagerAddress"], int(has.get("CPU", 0)), gpus, gpu if gpus else "", n["NodeID"] == here,
                )
            )  # fmt: skip
    return sorted(found, key=lambda n: (not n.here, n.name, n.key))


def require_alike(found: Sequence[Node]) -> None:
    """Refuse a cluster whose nodes would give other results than this machine.

    Raises:
        InputError: No node has a CPU for tasks, or some are of another kind than this machine; each is named.
    """
    work = [n for n in found if n.cpus]
    if not work:
        raise InputError("no node of the cluster has a CPU for tasks; add one, with `ray start --num-cpus N`")
    here = next(n for n in found if n.here)
    bad = [
        f"node {n.name}: its GPU is {n.gpu}, here it is {here.gpu or 'none'}"
        for n in work
        if n.gpus and n.gpu != here.gpu
    ]
    told = _ask(work, _what_it_is)
    for n in work:
        of = told[n.key]
        differ = [of] if isinstance(of, str) else kind_here().differences(of)
        bad += [f"node {n.name}: {text}" for text in differ]
    if bad:
        raise InputError("\n".join([*bad, MEND]))


def unread(found: Sequence[Node], paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Name of a node -> which of some files or folders it does not see; nodes that see all are left out."""
    work = [n for n in found if n.cpus and not n.here]
    told = _ask(work, _what_is_missing, [str(p) for p in paths])
    missing = {}
    for n in work:
        of = told[n.key]
        if lacks := ([Path(p) for p in of] if isinstance(of, list) else list(paths)):
            missing[n.name] = lacks
    return missing


def _what_it_is() -> Kind:
    return kind_here()


def _what_is_missing(paths: list[str]) -> list[str]:
    return [p for p in paths if not Path(p).exists()]


def _ask(whom: Sequence[Node], question: Callable[..., Any], *about: Any) -> dict[str, Any]:
    """Ask nodes, all at once; key of a node -> its answer, or a sentence where it gave none."""
    ask = ray.remote(question)
    asked = {}
    for n in whom:
        there = NodeAffinitySchedulingStrategy(n.key, soft=False)
        asked[n.key] = ask.options(num_cpus=0, max_retries=1, scheduling_strategy=there).remote(*about)
    ready = (
        set(ray.wait(list(asked.values()), num_returns=len(asked), timeout=_ANSWERS_S)[0]) if asked else set()
    )
    told: dict[str, Any] = {}
    for key, reference in asked.items():
        if reference not in ready:
            told[key] = f"it has not answered in {_ANSWERS_S:.0f} seconds"
            continue
        try:
            told[key] = ray.get(reference)
        except Exception as e:  # hilum is not there, or another one, or the node went away meanwhile
            told[key] = f"hilum does not run there ({str(e).strip().splitlines()[-1]})"
    return told

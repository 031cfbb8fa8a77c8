"""Where the tasks of a stage run. Every stage hands its tasks to an engine and to nothing else.

`Local` is this machine, `hilum.core.engine.ray.Ray` the machines of a Ray cluster. A task is a small picklable value; the function that
does it writes its own outputs and returns a small value, so where it ran makes no difference. A new engine is a class with the members
of `Engine`, and one entry in `ENGINES`.
"""

from __future__ import annotations

from collections.abc import Callable

from hilum.core.engine.local import Local, local
from hilum.core.engine.order import AHEAD, KEPT
from hilum.core.engine.protocol import Engine, available_cores
from hilum.core.errors import InputError, require_known

__all__ = ["AHEAD", "ENGINES", "KEPT", "Engine", "Local", "available_cores", "engine_named", "local"]


def _local(workers: int | None, address: str | None) -> Engine:
    if address is not None:
        raise InputError(f"--address {address!r} is of a Ray cluster; say --engine ray, or leave it out")
    return local(workers)


def _ray(workers: int | None, address: str | None) -> Engine:
    from hilum.core.engine.ray import Ray  # late: an extra

    return Ray(workers, address)


ENGINES: dict[str, Callable[[int | None, str | None], Engine]] = {"local": _local, "ray": _ray}
"""Every engine by the name that ``--engine`` takes: what makes one, of the workers that were asked for (None for as many as there is room
for) and of the address of a cluster (None where there is none)."""


def engine_named(name: str, workers: int | None, address: str | None = None) -> Engine:
    """An engine of `ENGINES`.

    Raises:
        InputError: There is none of that name, or it cannot be had so.
        MissingExtraError: What it needs is not installed.
    """
    require_known(name, ENGINES, "unknown engine")
    return ENGINES[name](workers, address)

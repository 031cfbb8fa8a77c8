"""What this machine can do at most: the fastest matrix product and the fastest copy that were measured here.

Convention: the highest of several tries counts, since other work can only make one slower. An operation is a multiplication or an addition,
so that a multiply-add is two (as LINPACK counts, and a processor's data sheet). A copy's bytes are those read and those written (as STREAM
counts). fp32 is fp32 (no TF32); bf16 is rounded inputs with sums in fp32, as torch has it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from hilum.artifacts.floor import Peak
from hilum.core.timing import shortest
from hilum.models.backbone import Precision
from hilum.models.machine import threads

_SIDES = {"cpu": (768, 1536, 3072), "cuda": (4096, 8192)}
"""Of square matrices: which is the fastest differs from machine to machine."""
_COPIED_BYTES = 2**28
"""Larger than any cache."""


def gemm_peak(
    precision: Precision, device: str, n_threads: int, seconds: float = 1.0, sides: tuple[int, ...] = ()
) -> Peak:
    """Operations a second of the fastest matrix product, torch's or, in fp32 on a CPU, numpy's.

    Args:
        precision: Of the inputs.
        device: ``cpu`` or ``cuda``.
        n_threads: On a CPU.
        seconds: That each kind and size is tried for, twice at least.
        sides: Of the matrices; none for the usual.
    """
    found = Peak(0.0, "")
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    with threads(n_threads), threadpool_limits(n_threads):
        for side in sides or _SIDES[device]:
            a, b = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
            out = torch.empty_like(a)
            tries: dict[str, Callable[[], object]] = {
                f"torch, {side} x {side}": lambda a=a, b=b, out=out: _done(torch.mm(a, b, out=out))  # type: ignore[misc]
            }
            if dtype == torch.float32 and device == "cpu":
                x, y, z = a.numpy(), b.numpy(), out.numpy()
                tries[f"numpy, {side} x {side}"] = lambda x=x, y=y, z=z: np.matmul(x, y, out=z)  # type: ignore[misc]
            for by, multiply in tries.items():
                found = max(found, Peak(2 * side**3 / shortest(multiply, seconds), by))
    return found


def copy_peak(device: str, n_threads: int, seconds: float = 1.0, n_bytes: int = _COPIED_BYTES) -> Peak:
    """Bytes a second of the fastest copy within memory, read and written together."""
    source = torch.zeros(n_bytes, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    with threads(n_threads):
        took = shortest(lambda: _done(target.copy_(source)), seconds)
    return Peak(2 * n_bytes / took, f"torch, {n_bytes / 2**20:.0f} MiB")


def _done(result: torch.Tensor) -> None:
    if result.is_cuda:
        torch.cuda.synchronize()

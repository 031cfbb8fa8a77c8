"""What this machine is good at: device, precision and threads, measured once and then kept by the workspace."""

from __future__ import annotations

import ctypes
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import torch

from hilum.core.engine import available_cores
from hilum.core.processor import cpu_name
from hilum.models.backbone import Precision

BF16_MUST_GAIN = 1.2
"""bf16 is chosen only where a measured convolution runs at least this many times as fast as in fp32."""


def choose_device(asked: str = "auto") -> str:
    """The device that was asked for; for ``auto``, ``cuda`` where there is one, else ``cpu``."""
    found = "cuda" if torch.cuda.is_available() else "cpu"
    return found if asked == "auto" else asked


def keep_memory() -> None:
    """Tell glibc's allocator to keep big blocks instead of giving them back after every layer.

    A convolution's output is tens of MB; by default each is mapped and unmapped anew, and the page faults cost as much as
    the arithmetic (measured: 1.9 times slower on two cores). No effect where the C library is another one.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4
        libc.mallopt(m_mmap_max, 0)
        libc.mallopt(m_trim_threshold, 2**31 - 1)
        libc.mallopt(m_top_pad, 64 * 2**20)
    except (OSError, AttributeError):
        return


@contextmanager
def threads(n: int) -> Iterator[None]:
    """torch with `n` threads for a while; with one, sums are taken in one order whatever the number of workers."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def exact_arithmetic() -> None:
    """fp32 means fp32: no TF32 on GPUs, and deterministic algorithms there."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def made_ready(device: str = "auto") -> str:
    """What a command does before it loads a network: `keep_memory` and `exact_arithmetic`; returns the device."""
    keep_memory()
    exact_arithmetic()
    return choose_device(device)


def _convolutions(dtype: torch.dtype, device: str) -> Callable[[], float]:
    """A call that does a few convolutions and gives the seconds that they took."""
    # enough work to fill the device
    channels, side, films = (128, 32, 8) if device == "cpu" else (256, 56, 128)
    conv = torch.nn.Conv2d(channels, channels, 3, padding=1, device=device, dtype=dtype)
    conv = conv.to(memory_format=torch.channels_last)
    x = torch.zeros(films, channels, side, side, device=device, dtype=dtype)
    x = x.contiguous(memory_format=torch.channels_last)

    def seconds() -> float:
        with torch.inference_mode():
            conv(x)
            if device == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(3):
                conv(x)
            if device == "cuda":
                torch.cuda.synchronize()
            return time.perf_counter() - start

    return seconds


def measure_precision(device: str) -> tuple[Precision, dict[str, float]]:
    """Choose fp32 or bf16 by timing one convolution in both, in turn, so that other work hits both; gives choice and seconds."""
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16}
    timed = {name: _convolutions(dtype, device) for name, dtype in kinds.items()}
    rounds = [{name: once() for name, once in timed.items()} for _ in range(5)]
    seconds = {name: min(r[name] for r in rounds) for name in kinds}
    return ("bf16" if seconds["fp32"] >= BF16_MUST_GAIN * seconds["bf16"] else "fp32"), seconds


def describe() -> dict[str, Any]:
    """The machine in words, for reports."""
    return {
        "cpu": cpu_name(),
        "cores": available_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "platform": platform.platform(terse=True),
        "accelerator": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
    }

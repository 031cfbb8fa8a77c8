"""The name of this machine's processor, and signs of an accelerator, without loading what would use them."""

from __future__ import annotations

import platform
from pathlib import Path

_SIGNS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd", "/proc/driver/nvidia/gpus")


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def accelerator_signs() -> list[str]:
    """What of a GPU's driver is there; another list means that another device may be chosen."""
    found = [s for s in _SIGNS if Path(s).exists()]
    gpus = Path(_SIGNS[-1])
    return found + sorted(p.name for p in gpus.iterdir()) if gpus.is_dir() else found

"""The machine that a benchmark ran on, in a line."""

from __future__ import annotations

from hilum.models.machine import describe


def name_machine() -> str:
    """Processor, cores, memory, accelerator."""
    m = describe()
    return f"{m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB, accelerator {m['accelerator']}"

"""Python's search for cycles of references, left out while many objects are made that have none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_cycles() -> Iterator[None]:
    """Within it, or in a function that it decorates, nothing is searched for cycles.

    The search goes through everything that was made since the last one, and now and then through all there is: a manifest of 100 000 films
    takes nearly twice as long to read by it (`docs/explanation/growth.md`). What is in no cycle is let go of as always.

    >>> with no_cycles():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()

"""Libraries that talk while they read: their warnings are kept from the user, who gets one reason instead."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.RLock()  # the filters of `warnings` belong to the whole process


@contextmanager
def quietly() -> Iterator[None]:
    """Keep the warnings of Pillow and pydicom about what they read to themselves; one thread at a time."""
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

"""How hilum compiles a loop: by numba, when its module is imported, with the machine code kept on disk.

The convention it fixes: one signature a kernel, arrays in C order, inputs read-only (numba then takes
writable and locked arrays alike), no interpreter lock, no threads of its own, no fast-math (but in `hilum.synthetic`, and
for the sums of `hilum.training.map_kernel`), so that pixels are the same everywhere. Import a kernel's module inside the
function that needs it: compiling takes seconds once, reading it back less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def array(dtype: Any, ndim: int, *, written: bool = False) -> Any:
    """The type of an argument: an array in C order, read-only unless the kernel writes to it."""
    return numba.types.Array(dtype, ndim, "C", readonly=not written)


def compiled(signature: Any = None, **options: Any) -> Callable[[_Function], _Function]:
    """Decorate a kernel: compile it now, or read it from numba's cache; without a signature with its first call.

    Args:
        signature: Types of what it returns and takes.
        options: Further ones of `numba.njit`.
    """

    def decorate(function: _Function) -> _Function:
        made: _Function
        try:
            made = numba.njit(signature, nogil=True, cache=True, **options)(function)
        except RuntimeError:  # neither the package's folder nor the user's cache folder can be written
            made = numba.njit(signature, nogil=True, **options)(function)
        return made

    return decorate

"""A kernel works where there is no folder to keep its machine code in."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from hilum.core.compiled import array, compiled


def double(values: Any, out: Any) -> None:
    for i in range(len(values)):
        out[i] = values[i] * 2


def test_without_a_cache_folder_the_kernel_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    njit, refused = numba.njit, []

    def no_folder(*args: Any, **options: Any) -> Any:
        if options.get("cache"):
            refused.append(True)
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", no_folder)
    kernel = compiled(numba.void(array(numba.int64, 1), array(numba.int64, 1, written=True)))(double)
    locked, out = np.arange(4), np.zeros(4, np.int64)
    locked.flags.writeable = False
    kernel(locked, out)
    assert out.tolist() == [0, 2, 4, 6]
    assert refused

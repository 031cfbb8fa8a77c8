"""Stored maps become float32 to the bit, whatever the processor can do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = """
import numpy as np
from hilum.training.map_kernel import forward
n_places = 4
halves = np.arange(2**16, dtype=np.uint16)
halves = halves[np.isfinite(halves.view(np.float16))]
for stored in (halves, halves.view(np.float16).astype(np.float32).view(np.uint32)):
    maps = np.repeat(stored, n_places).reshape(len(stored), n_places)  # one channel, alike at its places: the logit is the value
    logits, slope = np.empty((1, len(maps), 1), np.float32), np.empty((1, len(maps), 1, n_places), np.float32)
    one, none = np.ones((1, 1, 1), np.float32), np.zeros((1, 1), np.float32)
    forward(maps, np.ones(maps.shape, np.uint8), np.float32(2), one, none, False, logits, slope)
    assert np.array_equal(logits[0, :, 0], 2 * halves.view(np.float16).astype(np.float32))
    forward(maps, np.zeros(maps.shape, np.uint8), np.float32(2), one, none, False, logits, slope)
    assert not logits.any()
"""


@pytest.mark.parametrize("processor", [{}, {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}])
def test_every_number_that_float16_has_comes_back(processor: dict[str, str], tmp_path: Path) -> None:
    environment = {**os.environ, **processor}
    if processor:
        environment["NUMBA_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""The lungs of a film whose own are not found: where lung lies on most films of its study.

For probes, which must not change which films a study is of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from hilum.artifacts.masks import SIDE_PX, STAND_IN, LungMask
from hilum.core.digests import pixels_sha256
from hilum.core.errors import InputError
from hilum.segment.quality import quality

RULE: Final = 1
"""Raised when the same masks would give another stand-in."""


def stand_in(masks: Iterable[LungMask]) -> LungMask:
    """The typical lungs: lung is what is lung on at least half of the usable masks, each of which covers its film squashed to a square.

    Raises:
        InputError: No mask is usable, or no place is lung on half of them.
    """
    lung, n = np.zeros((SIDE_PX, SIDE_PX), np.int64), 0
    for mask in masks:
        if not mask.failed:
            lung, n = lung + mask.lung, n + 1
    typical = np.where((lung > 0) & (2 * lung >= n), 255, 0).astype(np.uint8)
    if not typical.any():
        raise InputError(
            f"probes read lungs, and {n} films have a usable lung mask, which have no place in common that could stand in for the "
            "others; give masks with the films, or leave lungs-erased and lungs-only out of probes.kinds"
        )
    return LungMask(typical, f"{STAND_IN}-{pixels_sha256(typical)}", quality(typical))

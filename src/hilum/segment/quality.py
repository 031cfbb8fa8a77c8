"""What is thought of a lung mask, and when it is of no use: rules that are stated, so that whoever uses a mask can hear of it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_fill_holes, label

from hilum.artifacts.masks import LUNG, SIDE_PX, MaskQuality

LEAST_LUNG: Final = 0.02
"""Share of the film below which a connected part is no lung; of a frontal film a lung has .06 to .3."""
MOST_LUNG: Final = 0.75
"""Share of the film above which a mask is no mask of lungs."""
LEAST_AGREEMENT: Final = 0.85
"""Dice with the mask of the mirrored film below which the model does not know."""


def quality(mask: NDArray[np.uint8], agreement: float | None = None) -> MaskQuality:
    """What is thought of a mask.

    Args:
        mask: uint8 (128, 128), above `LUNG` is lung.
        agreement: Of the mask with that of the mirrored film, where there is one.
    """
    lung = mask > LUNG
    edge = np.concatenate([lung[0], lung[-1], lung[:, 0], lung[:, -1]])
    n_lungs = int((_sizes(label(lung)[0])[1:] >= LEAST_LUNG * lung.size).sum())
    return MaskQuality(float(lung.mean()), n_lungs, bool(edge.any()), agreement)


def failure(found: MaskQuality) -> str:
    """Why a mask is of no use; empty where it is.

    >>> failure(MaskQuality(0.3, 2, False, 0.97)), failure(MaskQuality(0.12, 1, True, 0.97))
    ('', 'one lung')
    """
    if found.n_lungs == 0:
        return "no lung found"
    if found.area > MOST_LUNG:
        return "nearly all of the film is lung"
    if found.n_lungs == 1:
        return "one lung"
    if found.n_lungs > 2:
        return "more than two lungs"
    if found.agreement is not None and found.agreement < LEAST_AGREEMENT:
        return "the mirrored film has other lungs"
    return ""


def cleaned(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A model's mask with its two largest parts only, where they are large enough, and without holes; uint8 (128, 128).

    What is not sure (up to `LUNG`) is kept where it touches one of them.
    """
    parts, _ = label(mask > LUNG)
    sizes = _sizes(parts)
    sizes[0] = 0
    largest = [
        k for k in np.argsort(-sizes, kind="stable")[:2].tolist() if sizes[k] >= LEAST_LUNG * SIDE_PX**2
    ]
    lungs = np.isin(parts, largest)
    whole = binary_fill_holes(lungs)
    out = np.where(binary_dilation(whole), np.where(lungs, mask, np.minimum(mask, LUNG)), 0)
    return np.where(whole & ~lungs, 255, out).astype(np.uint8)


def _sizes(parts: NDArray[Any]) -> NDArray[np.int64]:
    """Pixels of each connected part; the first is what is none."""
    return np.bincount(parts.ravel())

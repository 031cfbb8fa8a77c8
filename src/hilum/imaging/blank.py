"""Films that show next to nothing, although not of one grey: they are taken, counted and named, for a person should look at them. A film
that declares 16 bits and uses 12 is one, or a look-up table that says 16 and holds 12, an exposure that failed, a page of a scanner.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ONE_GREY: Final = "999 of 1000 pixels have one grey"
FEW_GREYS: Final = "999 of 1000 pixels lie within an eighth of the greys"
_SHARE: Final = 0.999
_GREYS: Final = 32


def nearly_blank(film: NDArray[np.uint8]) -> str:
    """Why a film is nearly blank, or an empty text.

    >>> nearly_blank(np.arange(256, dtype=np.uint8).reshape(16, 16))
    ''
    >>> nearly_blank(np.array([[7, 8] * 20], np.uint8))
    '999 of 1000 pixels lie within an eighth of the greys'
    """
    counts = np.bincount(film.ravel(), minlength=256)
    if counts.max() >= _SHARE * film.size:
        return ONE_GREY
    within = np.cumsum(np.concatenate([[0], counts]))
    if (within[_GREYS:] - within[:-_GREYS]).max() >= _SHARE * film.size:
        return FEW_GREYS
    return ""

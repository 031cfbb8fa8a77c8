"""From stored numbers to the 256 greys of a film: bit depths, colour, alpha, and DICOM's windows.

0 is black and 255 is white; a value is rounded half up, once, at the end. Colour becomes grey by the luma of ITU-R BT.601 with Pillow's
16-bit weights, so that grey stored as RGB comes back unchanged. DICOM's formulas are those of PS3.3 C.11.2.1; their order is `dicom`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.imaging.dicom_elements import shown
from hilum.imaging.film import corrupt, unsupported

RED, GREEN, BLUE = 19595, 38470, 7471  # BT.601 luma in 1/65536; they add up to 65536
WindowFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


def from_depth(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Scale unsigned values of a bit depth to 8 bits by the full range of that depth, whatever values occur.

    Args:
        values: Any shape, unsigned integers below ``2**bits``.
        bits: 1 to 16.

    Returns:
        The same shape, uint8: ``round(values * 255 / (2**bits - 1))``.

    >>> from_depth(np.array([0, 128, 129, 65535], np.uint16), 16).tolist()
    [0, 0, 1, 255]
    """
    if bits == 8:
        return values.astype(np.uint8)
    top = (1 << bits) - 1
    wide = np.minimum(values, top).astype(np.uint32)
    grey: NDArray[np.uint8] = ((wide * 255 + top // 2) // top).astype(np.uint8)
    return grey


def from_range(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Scale `low`..`high` linearly to 0..255, cut what lies outside, round half up; one value alone is black.

    >>> from_range(np.array([-5, 0, 50, 100]), 0, 100).tolist()
    [0, 0, 128, 255]
    >>> from_range(np.array([7, 7]), 7, 7).tolist()
    [0, 0]
    """
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    unit = (values.astype(np.float64) - low) / (high - low)
    return from_unit(unit)


def from_unit(unit: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Scale 0..1 to 0..255, cut what lies outside, round half up.

    >>> from_unit(np.array([-1.0, 0.5, 2.0])).tolist()
    [0, 128, 255]
    """
    grey: NDArray[np.uint8] = np.floor(np.clip(unit, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return grey


def luma(rgb: NDArray[Any]) -> NDArray[Any]:
    """Grey of colour: BT.601 luma, rounded, in the values' own type.

    Args:
        rgb: Shape (..., 3), uint8 or uint16.

    Returns:
        Shape (...), the same dtype. Equal to ``PIL.Image.convert("L")`` for uint8.

    >>> luma(np.array([[[200, 200, 200], [255, 0, 0]]], np.uint8)).tolist()
    [[200, 76]]
    """
    wide: NDArray[Any] = rgb.astype(np.uint32 if rgb.dtype == np.uint8 else np.uint64)
    grey: NDArray[Any] = (wide[..., 0] * RED + wide[..., 1] * GREEN + wide[..., 2] * BLUE + 0x8000) >> 16
    return np.asarray(grey, rgb.dtype)


def over_black(values: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Lay partly transparent values over black: ``round(values * alpha / top)`` with the dtype's top value.

    Args:
        values: uint8 or uint16.
        alpha: The same dtype, a shape that broadcasts against `values`.

    >>> over_black(np.array([200, 200], np.uint8), np.array([255, 128], np.uint8)).tolist()
    [200, 100]
    """
    top = int(np.iinfo(values.dtype).max)
    laid = (values.astype(np.uint64) * alpha.astype(np.uint64) + top // 2) // top
    return laid.astype(values.dtype)


@dataclass(frozen=True)
class Window:
    """A VOI window (DICOM PS3.3 C.11.2.1.2).

    Attributes:
        center: Window Center (0028,1050), in rescaled values.
        width: Window Width (0028,1051): at least 1 for LINEAR, above 0 for the others.
        function: VOI LUT Function (0028,1056).

    Raises:
        FilmError: "corrupt" for a width or number that the standard forbids, "unsupported" for another
            function.
    """

    center: float
    width: float
    function: WindowFunction = "LINEAR"

    def __post_init__(self) -> None:
        if self.function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
            raise unsupported(
                f"VOI LUT Function (0028,1056) is {shown(self.function)}; known: LINEAR, LINEAR_EXACT, SIGMOID"
            )
        least = "at least 1" if self.function == "LINEAR" else "above 0"
        good = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        if not (good and np.isfinite(self.width) and np.isfinite(self.center)):
            raise corrupt(
                f"Window Center {self.center!r}, Width {self.width!r}; "
                f"a {self.function} window is {least} wide"
            )

    def apply(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The brightness, 0 to 1, that the window gives to rescaled values.

        The formulas of PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID) and C.11.2.1.3.2 (LINEAR_EXACT),
        with the output range 0..1.

        >>> Window(2048, 4096).apply(np.array([0, 2047.5, 4095])).tolist()
        [0.0, 0.5, 1.0]
        >>> Window(0, 100, "LINEAR_EXACT").apply(np.array([-60, 0, 25])).tolist()
        [0.0, 0.5, 0.75]
        """
        x = values.astype(np.float64)
        if self.function == "SIGMOID":
            return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (x - self.center) / self.width, -700.0, 700.0)))
        if self.function == "LINEAR_EXACT":
            return np.clip((x - self.center) / self.width + 0.5, 0.0, 1.0)
        center, width = self.center - 0.5, self.width - 1.0
        if width == 0.0:  # a threshold: the standard's two outer branches, of which the first has "<="
            return np.where(x <= center, 0.0, 1.0)
        return np.clip((x - center) / width + 0.5, 0.0, 1.0)


def look_up(values: NDArray[Any], first: int, entries: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Map values through a DICOM look-up table (PS3.3 C.11.1.1.1, C.11.2.1.1).

    Args:
        values: Any shape; fractions are rounded.
        first: The value that the first entry stands for; lesser values get the first entry, those past the end the last.
        entries: Shape (n_entries,).

    >>> look_up(np.array([-9, 10, 11, 99]), 10, np.array([5, 7], np.uint16)).tolist()
    [5.0, 5.0, 7.0, 7.0]
    """
    index = np.clip(np.rint(values) - first, 0, len(entries) - 1).astype(np.intp)
    return np.asarray(entries[index], np.float64)

"""Fixed-point arithmetic of resizing, as Pillow's."""

from typing import Final

FIXED_POINT_BITS: Final = 22  # of a weight; Pillow's 32 bits less 8 of the pixel less 2 for overshoot

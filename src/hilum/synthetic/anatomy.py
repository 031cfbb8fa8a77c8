"""The measures of a synthetic patient, and the smooth noise that phantoms are textured with.

Coordinates are the body's, not the film's: x runs from -1 at the patient's right (the film's left) to 1, y from -1 at the neck to 1 in the
abdomen; "aside" is the distance from the midline.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

STREAKS_SHAPE = (512, 64)
CHILD_SHARE = 0.2


class Anatomy(NamedTuple):
    """A patient's measures, in body coordinates and in units of film brightness."""

    child: bool
    scale: float
    """The whole patient's size on the film."""
    body_half_width: float
    shoulder_y: float
    lung_half_width: float
    apex_y: float
    base_y: float
    """Height of the angle between chest wall and diaphragm."""
    right_dome_y: float
    left_dome_y: float
    heart_top_y: float
    heart_left: float
    """How far the heart goes to the patient's left, at the diaphragm."""
    heart_right: float
    knob: float
    """How far the aortic knob stands out."""
    trunk: float
    """How far the pulmonary trunk stands out."""
    rib_spacing: float
    rib_phase: float
    rib_bend: float
    rib_contrast: float
    clavicle_y: float
    clavicle_fall: float
    breast: float
    gas: float
    """Radius of the stomach bubble, 0 where none is seen."""
    scoliosis: float
    fat: float
    vessels: float


def sample_anatomy(rng: np.random.Generator) -> tuple[Anatomy, Plane]:
    """Draw a patient: one in five is a child, with a broad heart, level ribs and a narrow body.

    Returns:
        The measures, and noise over (angle about the hilum, distance from it), float32 of `STREAKS_SHAPE`:
        whatever runs outwards in this patient's lungs follows it.
    """
    u = rng.uniform
    child = bool(rng.random() < CHILD_SHARE)
    right_dome = u(0.36, 0.52)
    anatomy = Anatomy(
        child=child,
        scale=u(0.95, 1.09),
        body_half_width=u(0.84, 0.98) if child else u(0.94, 1.20),
        shoulder_y=u(-0.90, -0.74),
        lung_half_width=u(0.60, 0.70) if child else u(0.66, 0.78),
        apex_y=u(-0.84, -0.72),
        base_y=u(0.58, 0.72),
        right_dome_y=right_dome,
        left_dome_y=right_dome + u(0.01, 0.09),
        heart_top_y=u(-0.22, -0.08),
        heart_left=u(0.38, 0.50) if child else u(0.28, 0.46),
        heart_right=u(0.04, 0.10),
        knob=u(0.01, 0.03) if child else u(0.03, 0.08),
        trunk=u(0.0, 0.04),
        rib_spacing=u(0.155, 0.185) if child else u(0.165, 0.215),
        rib_phase=u(0.0, 1.0),
        rib_bend=u(0.6, 0.9) if child else u(0.8, 1.5),
        rib_contrast=u(0.07, 0.13),
        clavicle_y=u(-0.64, -0.54),
        clavicle_fall=u(0.08, 0.28),
        breast=0.0 if child or rng.random() < 0.55 else u(0.04, 0.14),
        gas=0.0 if rng.random() < 0.4 else u(0.05, 0.12),
        scoliosis=float(rng.normal(0.0, 0.015)),
        fat=u(0.0, 0.08),
        vessels=u(0.06, 0.12),
    )
    return anatomy, noise(rng, STREAKS_SHAPE, (96, 8))


def noise(rng: np.random.Generator, shape: tuple[int, int], grain: tuple[int, int]) -> Plane:
    """Smooth Gaussian noise of `shape` with about `grain` bumps along each axis; mean 0, deviation near 1."""
    from hilum.synthetic.noise_kernel import spread  # compiles

    coarse = rng.standard_normal(grain, np.float32)
    return np.ascontiguousarray(spread(spread(coarse, shape[0]).T.copy(), shape[1]).T)

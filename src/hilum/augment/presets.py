"""The pipelines that ship: the paper's four (section 3.1.2), and the two of its first experiment.

The paper resizes to 244 px, not 224. Its "90 % area" and "80 % area" are Augmentor's `percentage_area`, shares of each side. That films of
validation and test pass the crop too, with the same probability, is the paper's. None mirrors a film: `flip` says why.
"""

from __future__ import annotations

from typing import Any, Final

from hilum.augment.pipeline import Pipeline
from hilum.core.errors import require_known

SIZE_PX: Final = 244

_CROP: Final = {
    "op": "crop_centre",
    "probability": 0.1,
    "percentage_area": 0.9,
    "parts": ["train", "valid", "test"],
}
_ALWAYS_CROP: Final = {"op": "crop_centre", "percentage_area": 0.9}
_DISTORT: Final = {
    "op": "random_distortion",
    "probability": 0.1,
    "grid_width": 10,
    "grid_height": 10,
    "magnitude": 3,
    "parts": ["train"],
}
_ZOOM: Final = {"op": "zoom_random", "probability": 0.1, "percentage_area": 0.8, "parts": ["train"]}
_ROTATE: Final = {
    "op": "rotate",
    "probability": 0.1,
    "max_left_rotation": 15,
    "max_right_rotation": 15,
    "parts": ["train"],
}
_RESIZE: Final = {"op": "resize"}

_STEPS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "baseline": (_RESIZE,),
    "crop": (_RESIZE, _CROP, _RESIZE),
    "crop-distortion": (_RESIZE, _CROP, _RESIZE, _DISTORT),
    "crop-zoom": (_RESIZE, _CROP, _RESIZE, _ZOOM),
    "centre-crop": (_RESIZE, _ALWAYS_CROP, _RESIZE),
    "rotation": (_RESIZE, _ALWAYS_CROP, _RESIZE, _ROTATE),
}

PRESETS: Final = tuple(_STEPS)
"""The names: Experiment 2's four pipelines, then Experiment 1's baseline and its rotation."""


def preset(name: str, size_px: int = SIZE_PX, gate: str = "exact") -> Pipeline:
    """A pipeline that ships with hilum.

    Args:
        name: One of `PRESETS`.
        size_px: Side of the prepared film.
        gate: "exact", or "augmentor" for the published scripts' rounding.

    Raises:
        InputError: For an unknown name, with the nearest right one.

    >>> [step.op for step in preset("crop").steps]
    ['resize', 'crop_centre', 'resize']
    """
    require_known(name, _STEPS, "unknown pipeline")
    size = {"width_px": size_px, "height_px": size_px}
    steps = [{**step, **size} if step is _RESIZE else step for step in _STEPS[name]]
    return Pipeline.from_dict({"name": name, "version": 1, "gate": gate, "steps": steps})

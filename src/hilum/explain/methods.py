"""From a film and a class to a heat map of the film's size; the methods are `hilum.study.explanations.METHODS`.

Each asks the network for the class's logit, RISE for its probability (as its paper has it).
"""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hilum.core.errors import HilumError, InputError, require_known
from hilum.explain.network import Explained
from hilum.study.explanations import METHODS, settled

__all__ = ["METHODS", "heat_map"]

BASELINES: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda film: torch.full_like(film, float(film.mean())),
    "black": torch.zeros_like,
}
"""Name -> what stands in the place of what is taken from a film (1, 1, height, width): ``mean`` its mean grey, ``black`` 0."""


def baseline(name: str, film: Tensor) -> Tensor:
    """A film's baseline, of its shape.

    Raises:
        InputError: No such baseline; names the nearest.
    """
    require_known(name, BASELINES, "unknown baseline")
    return BASELINES[name](film)


def heat_map(
    model: Explained, film: NDArray[np.uint8], target: int, method: str, seed: int = 0, **options: Any
) -> NDArray[np.float32]:
    """The heat map of a prepared film.

    Args:
        model: Whose answer is explained.
        film: uint8 (height, width), as `Explained.prepared` gives it.
        target: Number of the class.
        method: A name of `METHODS`.
        seed: Of the methods that draw.
        options: Those of the method.

    Returns:
        float32 (height, width): what is high speaks for the class; what is below zero against it, where the method is signed.

    Raises:
        InputError: No such method, option or class.
        HilumError: The network is not what the bundle predicts with, or the map is not finite.
    """
    asked = settled(method, options)
    if not 0 <= target < len(model.classes):
        raise InputError(f"expected a class number from 0 to {len(model.classes) - 1}, got {target!r}")
    model.require_same(film)
    found: Tensor = resolve_name(METHODS[method].compute)(model, model.tensor(film), target, seed, asked)
    if found.ndim == 4:
        found = functional.interpolate(found, film.shape, mode="bilinear", align_corners=False)[0, 0]
    if not bool(torch.isfinite(found).all()):
        raise HilumError(f"{method} gives values that are not finite for {model.bundle.backbone}")
    return np.asarray(found.detach().cpu().numpy(), np.float32)

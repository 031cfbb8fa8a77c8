"""What stands in a film's place where a method or a check takes something of it away, one entry each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hilum.core.errors import require_known

BASELINES: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda film: torch.full_like(film, float(film.mean())),
    "black": torch.zeros_like,
}
"""Name -> what stands in the place of a film (1, 1, height, width): ``mean`` its mean grey, ``black`` 0."""


def baseline(name: str, film: Tensor) -> Tensor:
    """A film's baseline, of its shape.

    Raises:
        InputError: No such baseline; names the nearest.
    """
    require_known(name, BASELINES, "unknown baseline")
    return BASELINES[name](film)

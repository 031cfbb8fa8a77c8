"""The checks of a heat map: what each is asked. They are `hilum.study.explanations.CHECKS`, and answer `MapCheck`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.explanations import MapCheck
from hilum.core.errors import require_known
from hilum.explain.methods import heat_map
from hilum.explain.network import Explained
from hilum.study.explanations import CHECKS

__all__ = ["CHECKS", "Asked", "checked"]


@dataclass(frozen=True)
class Asked:
    """A heat map, and all that its checks need.

    Attributes:
        model: Whose answer the map explains.
        film: uint8 (height, width), prepared.
        target: Number of the class.
        method: How the map was made, with `seed` and `options`.
        map: float32 (height, width).
        seed: Also of what the checks draw.
        options: Of the method.
        lungs: bool (height, width), where lung is on the prepared film; None where that is not known.
        truth: bool (height, width), where the sign of the class is; None where that is not known.
    """

    model: Explained
    film: NDArray[np.uint8]
    target: int
    method: str
    map: NDArray[np.float32]
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    lungs: NDArray[np.bool_] | None = None
    truth: NDArray[np.bool_] | None = None

    def again(self, film: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The map, made once more, of the same or another film."""
        return heat_map(self.model, film, self.target, self.method, self.seed, **self.options)


def checked(asked: Asked, names: Iterable[str] = tuple(CHECKS)) -> list[MapCheck]:
    """The checks of a map that apply to it, in the order of `names`.

    Raises:
        InputError: No such check; names the nearest.
    """
    for name in names:
        require_known(name, CHECKS, "unknown check of a heat map")
    found = (resolve_name(CHECKS[name].run)(asked) for name in names)
    return [result for result in found if result is not None]

"""What a check is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.explain.methods import heat_map
from hilum.explain.network import Explained


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


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        name: Of `hilum.study.explanations.CHECKS`.
        value: The number; None where there is none, and `words` says why.
        bound: What it is compared with; None where it is compared with nothing.
        passed: None where the check cannot tell.
        words: The verdict, for a person.
        also: Further numbers, by name.
    """

    name: str
    value: float | None
    bound: float | None
    passed: bool | None
    words: str
    also: dict[str, float] = field(default_factory=dict)

"""What an augmentation operation is: options, a draw, and a pure application of what was drawn.

The convention this module fixes: `sample` takes a generator and the size of the film and returns what was
drawn as a small JSON-able dict; `apply` takes a film and that dict and uses no chance at all. So every draw
can be listed, kept beside the prepared film and replayed. Names, options and meaning are Augmentor 0.2.12's
(MIT; Bloice, Stocker, Holzinger, JOSS 2017); where hilum's draw differs on purpose the operation says so.

`move` is the same change for places instead of pixels: where each point of the film goes. Places are (x, y) in pixels from the top left
corner of the film, and pixel (0, 0) covers [0, 1) x [0, 1).

Whether an operation acts is not its own business: see `gate`. Which part's films it may act on is the
pipeline's.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import InputError, nearest

Film = NDArray[np.uint8]
Points = NDArray[np.float64]
Drawn = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One augmentation operation and its options.

    Attributes:
        op: The operation's name in study files.
        probability: How often it acts, 0 to 1; what 0.1 means exactly is the pipeline's gate.
        keeps_size: Whether the result is as large as the film, whatever is drawn.
    """

    op: ClassVar[str]
    keeps_size: ClassVar[bool] = True

    probability: float = 1.0

    def __post_init__(self) -> None:
        self.require(0.0 <= self.probability <= 1.0, "probability", "from 0 to 1")

    def require(self, ok: bool, option: str, expected: str) -> None:
        """Raise an InputError that names operation, option, what was expected and what came, unless `ok`."""
        if not ok:
            raise InputError(f"{self.op}: {option} must be {expected}; got {getattr(self, option)!r}")

    @property
    def draws(self) -> bool:
        """Whether something is drawn when it acts; a resize, say, always does the same."""
        return True

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        """Draw what to do to a film of this size."""
        raise NotImplementedError

    def size_after(self, drawn: Drawn, height: int, width: int) -> tuple[int, int]:
        """The (height, width) of the result; the film's own for operations that keep it."""
        del drawn
        return height, width

    def apply(self, film: Film, drawn: Drawn) -> Film:
        """Do what was drawn. The film is not changed; uint8 in, uint8 out."""
        raise NotImplementedError

    def move(self, points: Points, drawn: Drawn, height: int, width: int) -> Points:
        """Where places of the film go; they may end outside of the result. An operation on greys moves none.

        Args:
            points: float64 (n_points, 2), (x, y) in pixels.
            drawn: What was drawn.
            height: Rows of the film before the operation.
            width: Columns of the film before the operation.

        Returns:
            float64 (n_points, 2), in pixels of the result.
        """
        del drawn, height, width
        return points

    def describe(self, drawn: Drawn) -> str:
        """A few words for a caption."""
        del drawn
        return self.op.replace("_", " ")

    def to_dict(self) -> dict[str, Any]:
        """The operation as a table of a study file, with every option."""
        return {"op": self.op, **{f.name: getattr(self, f.name) for f in fields(self)}}

    def differing(self) -> dict[str, Any]:
        """The operation as a table without the options that are at their default: what a digest of it is made from."""
        return {
            "op": self.op,
            **{f.name: v for f in fields(self) if (v := getattr(self, f.name)) != f.default},
        }

    @classmethod
    def from_dict(cls, options: dict[str, Any]) -> Self:
        """Make the operation from its options (without `op`).

        Raises:
            InputError: For an unknown, missing or ill-typed option, or a value out of range.
        """
        known = {f.name: f for f in fields(cls)}
        for name, value in options.items():
            if name not in known:
                raise InputError(f"{cls.op}: unknown option {name!r}; {nearest(name, known)}")
            if not _is_a(value, str(known[name].type)):
                raise InputError(f"{cls.op}: {name} must be {_WORDS[str(known[name].type)]}; got {value!r}")
        missing = [n for n, f in known.items() if f.default is MISSING and n not in options]
        if missing:
            raise InputError(f"{cls.op}: {missing[0]!r} is missing; it needs {', '.join(missing)}")
        return cls(**{n: float(v) if known[n].type == "float" else v for n, v in options.items()})


_WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}


def _is_a(value: object, type_name: str) -> bool:
    if type_name == "bool" or isinstance(value, bool):
        return type_name == "bool" and isinstance(value, bool)
    if type_name == "float":
        return isinstance(value, int | float) and np.isfinite(value).item()
    return isinstance(value, int if type_name == "int" else str)

"""What an augmentation operation is: options, a draw, and a pure application of what was drawn.

`sample` takes a generator and the size of the film and returns what was drawn as a small JSON-able dict; `apply` takes a film and that dict
and uses no chance at all. So every draw can be listed, kept beside the prepared film and replayed. `move` is the same change for places:
(x, y) in pixels from the top left corner of the film, where pixel (0, 0) covers [0, 1) x [0, 1). Names, options and meaning are Augmentor
0.2.12's (MIT; Bloice, Stocker, Holzinger, JOSS 2017); where hilum's draw differs on purpose the operation says so.

What an operation does to a film may also follow from the film alone, as the order of shuffled patches does: then no chance is in it, and
what was found is listed as a draw is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from hilum.study.mistakes import faults_of
from hilum.study.tables import STRICT

Film = NDArray[np.uint8]
Points = NDArray[np.float64]
Drawn = dict[str, Any]
Part = Literal["train", "valid", "test"]
PARTS: Final[tuple[Part, ...]] = ("train", "valid", "test")


def must_be(words: str, holds: Callable[[Any], bool]) -> AfterValidator:
    """A range of an option: the words for a message, and whether a value lies in it."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise PydanticCustomError("range", "must be {words}", {"words": words})
        return value

    return AfterValidator(check)


def above(other: str, *, or_equal: bool = False) -> AfterValidator:
    """An option that is greater than another one, which is declared before it."""

    def check(value: Any, info: ValidationInfo) -> Any:
        least = info.data.get(other)
        if least is not None and not (value > least or (or_equal and value == least)):
            words = f"{'at least' if or_equal else 'above'} {other} ({least!r})"
            raise PydanticCustomError("order", "must be {words}", {"words": words})
        return value

    return AfterValidator(check)


SidePx = Annotated[int, Field(ge=2)]


class Operation(BaseModel):
    """One augmentation operation and its options: a step of a pipeline.

    Attributes:
        op: The operation's name in study files.
        keeps_size: Whether the result is as large as the film, whatever is drawn.
        by_film: Whether what `sample` gives follows from the film and the options alone, not from a study's chance.
        probability: How often it acts, 0 to 1; what 0.1 means exactly is the pipeline's gate.
        parts: Whose films it may act on. Left out: all parts where it does the same to every film, else train.

    Raises:
        InputError: An unknown, missing or ill-typed option, or a value out of range; all that is wrong is named.
    """

    model_config = ConfigDict(**STRICT, strict=True, allow_inf_nan=False)

    op: ClassVar[str]
    keeps_size: ClassVar[bool] = True
    by_film: ClassVar[bool] = False

    probability: Annotated[float, must_be("from 0 to 1", lambda v: 0.0 <= v <= 1.0)] = 1.0
    parts: Annotated[
        tuple[Part, ...],
        Field(strict=False),
        must_be("a list of train, valid, test", bool),
        AfterValidator(lambda parts: tuple(p for p in PARTS if p in parts)),
    ] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _in_words(cls, options: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            made = read(options)
        except ValidationError as e:
            raise faults_of(e, cls, cls.op) from None
        if not made.parts:
            object.__setattr__(made, "parts", ("train",) if made.by_chance else PARTS)
        return made

    @property
    def draws(self) -> bool:
        """Whether chance decides something when it acts; a resize, say, always does the same."""
        return type(self).sample is not Operation.sample and not self.by_film

    @property
    def by_chance(self) -> bool:
        """Whether something about it is drawn: whether it acts, or what it does."""
        return self.probability != 1.0 or self.draws

    @property
    def certain(self) -> bool:
        """Whether it is done to every film of every part, and no chance is in it: `predict` does it too."""
        return self.parts == PARTS and not self.by_chance

    @property
    def fixed(self) -> bool:
        """Whether it does the same to every film of every part, so that a list of what was drawn need not name it."""
        return self.certain and not self.by_film

    def chance(self, seed: int, copy: int) -> tuple[int, int]:
        """The seed and the copy that `sample` is given a generator for, those of the study unless the operation has its own."""
        return seed, copy

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Drawn:
        """Draw what to do to a film of this size."""
        return {}

    def size_after(self, drawn: Drawn, height: int, width: int) -> tuple[int, int]:
        """The (height, width) of the result; the film's own for operations that keep it."""
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
        return points

    def describe(self, drawn: Drawn) -> str:
        """A few words for a caption."""
        return self.op.replace("_", " ")

    def to_dict(self) -> dict[str, Any]:
        """The operation as a table of a study file, with every option."""
        own = {name: value for name, value in self if name != "parts"}
        return {"op": self.op, **own, "parts": list(self.parts)}

    def differing(self) -> dict[str, Any]:
        """The table without the options that are at their default: what a digest of it is made from."""
        defaults = {name: f.default for name, f in type(self).model_fields.items()}
        return {k: v for k, v in self.to_dict().items() if k not in defaults or v != defaults[k]}

"""A pipeline: named, versioned steps from a decoded film to the prepared one, with every draw on record.

* What is drawn for a film follows from (seed, digest of the film's pixels, copy number, operation) alone. The operation's key is its name
  and its place among the steps of that name ("rotate:0"), so a step added elsewhere changes no other draw, and a film is cropped alike
  under every pipeline that crops with the same options.
* A step acts on the parts it names. Without a list a fixed step acts on all, and one that leaves something to chance (a probability below
  1, or a draw) on train alone: a film that is tested on is not altered by chance unless the pipeline says so.
* Certain steps (on all parts, probability 1, nothing left to chance) are what the pipeline does to every film, and all that `predict`
  and `serve` do. A fixed one does the same to every film. The list of drawn steps holds those that acted and are not fixed, with what
  was drawn or found in the film, and with the fixed ones it replays to the same pixels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Final, Self, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from hilum.augment.gate import Gate, acts, coin
from hilum.augment.operation import PARTS, Drawn, Film, Operation
from hilum.augment.operations import OPERATIONS
from hilum.augment.resize import Resize
from hilum.core.digests import pixels_sha256
from hilum.core.errors import InputError, nearest, require_known
from hilum.core.keys import ALWAYS, Key
from hilum.core.seeding import generator
from hilum.study.mistakes import tables_as
from hilum.study.tables import STRICT

SEMANTICS: Final = 1
"""Raised when the same pipeline would give other pixels or other draws, by another default of an operation too; part of every digest."""
_PIPELINE: Final = Key(steps=ALWAYS, gate="exact", version=1, semantics=ALWAYS)


class DrawnStep(TypedDict):
    """A step that acted on a film, and what was drawn for it. JSON-able."""

    step: int
    op: str
    drawn: Drawn


class Pipeline(BaseModel):
    """Steps in order.

    Attributes:
        name: What tables call it.
        version: Raised by the author of a named pipeline when its steps change.
        gate: "exact" or "augmentor", see `gate`.
        steps: At least one.
    """

    model_config = ConfigDict(**STRICT, strict=True)

    name: Annotated[str, Field(min_length=1)]
    version: int = 1
    gate: Gate = "exact"
    steps: Annotated[tuple[Operation, ...], Field(strict=False, min_length=1)]

    @cached_property
    def digest(self) -> str:
        """Digest of what the pipeline does; two names for the same steps have one digest. Defaults are left out of it."""
        steps = [step.differing() for step in self.steps]
        return _PIPELINE.digest(
            {"steps": steps, "gate": self.gate, "version": self.version, "semantics": SEMANTICS}
        )

    @cached_property
    def output_size(self) -> tuple[int, int]:
        """The (height, width) of every prepared film.

        Raises:
            InputError: If films could end in several sizes, because no resize comes first or after a crop.
        """
        size: tuple[int, int] | None = None
        culprit = "the decoded film"
        for step in self.steps:
            if step.keeps_size:
                continue
            if step.fixed and (size is not None or isinstance(step, Resize)):
                size = step.size_after({}, *(size or (0, 0)))
            else:
                size, culprit = None, step.op
        if size is None:
            raise InputError(
                f"pipeline {self.name!r} ends in films of several sizes, those of {culprit}; put a resize"
                " of all parts, without a probability, after it"
            )
        return size

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        seen: Counter[str] = Counter()
        keys = []
        for step in self.steps:
            keys.append(f"{step.op}:{seen[step.op]}")
            seen[step.op] += 1
        return tuple(keys)

    def draw(
        self, seed: int, film_sha: str, copy: int, part: str, height: int, width: int
    ) -> list[DrawnStep]:
        """Draw what the pipeline does to one copy of one film, beyond its fixed steps.

        Args:
            seed: The study's seed for films of valid and test, the trial's for films of train.
            film_sha: `pixels_sha256` of the decoded film.
            copy: 0 for a film that is taken once; 0, 1, 2 ... for copies drawn by `sampling`.
            part: "train", "valid" or "test".
            height: Rows of the decoded film.
            width: Columns of the decoded film.

        Returns:
            The steps that act, in order; empty for most films when probabilities are small.
        """
        require_known(part, PARTS, "unknown part")

        def acting(step: Operation, key: str) -> bool:
            return part in step.parts and acts(coin(seed, film_sha, copy, key), step.probability, self.gate)

        return self._drawn(acting, seed, film_sha, copy, (height, width))

    def _drawn(
        self,
        acting: Callable[[Operation, str], bool],
        seed: int,
        film_sha: str,
        copy: int,
        size: tuple[int, int],
    ) -> list[DrawnStep]:
        drawn_steps: list[DrawnStep] = []
        for index, (step, key) in enumerate(zip(self.steps, self._keys, strict=True)):
            drawn: Drawn = {}
            if not step.fixed:
                if not (step.certain or acting(step, key)):
                    continue
                step_seed, step_copy = step.chance(seed, copy)
                drawn = step.sample(generator(step_seed, film_sha, step_copy, key), *size)
                drawn_steps.append({"step": index, "op": step.op, "drawn": drawn})
            size = step.size_after(drawn, *size)
        return drawn_steps

    def apply(self, film: Film, drawn_steps: Sequence[DrawnStep]) -> Film:
        """Do the fixed steps and those that were drawn, in order.

        Args:
            film: uint8, shape (height, width), of the size that `draw` was told.
            drawn_steps: What `draw` gave, or the same read back from JSON.

        Raises:
            InputError: If the list was drawn by another pipeline.
        """
        for entry in drawn_steps:
            index = entry["step"]
            at = self.steps[index] if 0 <= index < len(self.steps) else None
            if at is None or at.fixed or at.op != entry["op"]:
                raise InputError(
                    f"step {index} ({entry['op']!r}) is not one that pipeline {self.name!r} draws;"
                    " the list was drawn by another pipeline, so prepare the films again"
                )
        listed = {entry["step"] for entry in drawn_steps}
        for index, step in enumerate(self.steps):
            if step.certain and not step.fixed and index not in listed:
                raise InputError(
                    f"pipeline {self.name!r} does step {index} ({step.op!r}) to every film, and the list of what was drawn"
                    " does not say how; it was drawn by another pipeline, so prepare the films again"
                )
        for step, drawn in self._acting(drawn_steps):
            film = step.apply(film, drawn)
        return film

    def _acting(self, drawn_steps: Sequence[DrawnStep]) -> Iterator[tuple[Operation, Drawn]]:
        by_step = {entry["step"]: entry["drawn"] for entry in drawn_steps}
        for index, step in enumerate(self.steps):
            if step.fixed or index in by_step:
                yield step, by_step.get(index, {})

    def done(
        self, drawn_steps: Sequence[DrawnStep], height: int, width: int
    ) -> Iterator[tuple[Operation, Drawn, int, int]]:
        """What `apply` does to a film of a size, step by step: the operation, what was drawn, and the (height, width) it finds."""
        for step, drawn in self._acting(drawn_steps):
            yield step, drawn, height, width
            height, width = step.size_after(drawn, height, width)

    def deterministic(self, film: Film) -> Film:
        """Do the certain steps only: what `predict` and `serve` do to a film."""
        if all(step.fixed for step in self.steps if step.certain):
            return self.apply(film, ())
        return self.apply(film, self._drawn(lambda *_: False, 0, pixels_sha256(film), 0, film.shape))

    @property
    def fixed(self) -> Self:
        """The pipeline of the fixed steps alone; what it does to a film is `deterministic`."""
        return self.from_dict({**self.to_dict(), "steps": [s.to_dict() for s in self.steps if s.fixed]})

    def caption(self, drawn_steps: Sequence[DrawnStep]) -> str:
        """What was done beyond the fixed steps, in a few words for beneath a film."""
        words = [self.steps[e["step"]].describe(e["drawn"]) for e in drawn_steps if e["op"] != "resize"]
        return "; ".join(words) or "nothing drawn"

    def to_dict(self) -> dict[str, Any]:
        """The pipeline as a table of a study file, with every default written out."""
        return {
            "name": self.name,
            "version": self.version,
            "gate": self.gate,
            "steps": [step.to_dict() for step in self.steps],
        }

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Read a pipeline from a study file's table.

        Raises:
            InputError: Naming pipeline, step and key, with the nearest right word.

        >>> resize = {"op": "resize", "width_px": 64, "height_px": 64}
        >>> Pipeline.from_dict({"name": "small", "steps": [resize]}).gate
        'exact'
        """
        name, steps = table.get("name"), table.get("steps")
        where = f"pipeline {name!r}" if name else "a pipeline"
        if isinstance(steps, list | tuple):
            steps = [_step(f"{where}, step {k}", step) for k, step in enumerate(steps, 1)]
        pipeline = tables_as(cls, {**table, "steps": steps}, where)
        _ = pipeline.output_size  # films of several sizes are refused when the study is read
        return pipeline


def _step(where: str, table: Any) -> Operation:
    """Read one step; `where` begins the message of an error."""
    if not isinstance(table, Mapping):
        raise InputError(f"{where}: expected a table with the key 'op'; got {table!r}")
    options = dict(table)
    op = options.pop("op", None)
    if not isinstance(op, str) or op not in OPERATIONS:
        raise InputError(f"{where}: unknown op {op!r}; {nearest(str(op), OPERATIONS)}")
    try:
        return OPERATIONS[op].model_validate(options)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None

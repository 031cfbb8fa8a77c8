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

from hilum.artifacts.header import require_digest
from hilum.augment.gate import Gate, acts, coin
from hilum.augment.lungs import DIGEST, Lungs, ReadsLungs
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

    @cached_property
    def reads_lungs(self) -> bool:
        """Whether a step must be shown the film's lungs."""
        return any(isinstance(step, ReadsLungs) for step in self.steps)

    @cached_property
    def predicts_with_lungs(self) -> bool:
        """Whether a step that is done to every film must be shown its lungs."""
        return any(isinstance(step, ReadsLungs) and step.certain for step in self.steps)

    def draw(
        self,
        seed: int,
        film_sha: str,
        copy: int,
        part: str,
        height: int,
        width: int,
        lungs: Film | None = None,
    ) -> list[DrawnStep]:
        """Draw what the pipeline does to one copy of one film, beyond its fixed steps.

        Args:
            seed: The study's seed for films of valid and test, the trial's for films of train.
            film_sha: `pixels_sha256` of the decoded film.
            copy: 0 for a film that is taken once; 0, 1, 2 ... for copies drawn by `sampling`.
            part: "train", "valid" or "test".
            height: Rows of the decoded film.
            width: Columns of the decoded film.
            lungs: The film's lung mask, uint8 of any size, for steps that read it.

        Returns:
            The steps that act, in order; empty for most films when probabilities are small.

        Raises:
            InputError: A step that acts reads lungs, and there is no mask, or no lung in it.
        """
        require_known(part, PARTS, "unknown part")

        def acting(step: Operation, key: str) -> bool:
            return part in step.parts and acts(coin(seed, film_sha, copy, key), step.probability, self.gate)

        return self._drawn(acting, (seed, film_sha, copy), (height, width), lungs)

    def _drawn(
        self,
        acting: Callable[[Operation, str], bool],
        of: tuple[int, str, int],
        size: tuple[int, int],
        lungs: Film | None,
    ) -> list[DrawnStep]:
        """The certain steps and those that act; `of` is seed, film and copy, `size` the film's."""
        (seed, film_sha, copy), carried = of, self._carried(lungs, size)
        drawn_steps: list[DrawnStep] = []
        for index, (step, key) in enumerate(zip(self.steps, self._keys, strict=True)):
            drawn: Drawn = {}
            if not step.fixed:
                if not (step.certain or acting(step, key)):
                    continue
                if isinstance(step, ReadsLungs):
                    drawn = step.find(self._needed(carried, step))
                else:
                    step_seed, step_copy = step.chance(seed, copy)
                    drawn = step.sample(generator(step_seed, film_sha, step_copy, key), *size)
                drawn_steps.append({"step": index, "op": step.op, "drawn": drawn})
            size = step.size_after(drawn, *size)
            if carried is not None:
                carried.through(step, drawn)
        return drawn_steps

    def _carried(self, lungs: Film | None, size: tuple[int, int]) -> Lungs | None:
        return Lungs(lungs, *size) if lungs is not None and self.reads_lungs else None

    def _needed(self, carried: Lungs | None, step: Operation) -> Lungs:
        if carried is None:
            raise InputError(
                f"pipeline {self.name!r} reads the film's lungs ({step.op}), and there is no lung mask;"
                " make masks with `hilum segment run`"
            )
        return carried

    def apply(self, film: Film, drawn_steps: Sequence[DrawnStep], lungs: Film | None = None) -> Film:
        """Do the fixed steps and those that were drawn, in order.

        Args:
            film: uint8, shape (height, width), of the size that `draw` was told.
            drawn_steps: What `draw` gave, or the same read back from JSON.
            lungs: The lung mask that `draw` was given, where a step erases with it; a crop needs it no more.

        Raises:
            InputError: If the list was drawn by another pipeline, or a mask is wanted and there is none.
            DigestError: If it was drawn with another mask.
        """
        self._check(drawn_steps)
        carried = self._carried(lungs, film.shape)
        for step, drawn in self._acting(drawn_steps):
            if DIGEST in drawn and isinstance(step, ReadsLungs):
                here = self._needed(carried, step)
                require_digest("lung mask", drawn[DIGEST], here.digest, f"pipeline {self.name!r}")
                film = step.apply_to(film, drawn, here)
            else:
                film = step.apply(film, drawn)
            if carried is not None:
                carried.through(step, drawn)
        return film

    def _check(self, drawn_steps: Sequence[DrawnStep]) -> None:
        """Refuse a list that another pipeline drew."""
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

    def deterministic(self, film: Film, lungs: Film | None = None) -> Film:
        """Do the certain steps only: what `predict` and `serve` do to a film; `lungs` is its mask where one of them reads it."""
        if all(step.fixed for step in self.steps if step.certain):
            return self.apply(film, ())
        certain = self._drawn(lambda *_: False, (0, pixels_sha256(film), 0), film.shape, lungs)
        return self.apply(film, certain, lungs)

    @property
    def certain(self) -> Self:
        """The pipeline of the certain steps alone; what it does to a film is `deterministic`."""
        return self.from_dict({**self.to_dict(), "steps": [s.to_dict() for s in self.steps if s.certain]})

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

"""The films that choices may be made on: train and validation, and none of test. A list of films that has one cannot be constructed.

A search is given these instead of a trial's own list (`hilum.artifacts.drawn_films`), so that what chooses cannot open the test part.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from hilum.artifacts.drawn_films import DrawnFilms
from hilum.core.errors import LeakageError

LEARNING = ("train", "valid")
"""The parts that there are."""


@dataclass(frozen=True)
class LearningFilms(DrawnFilms):
    """Prepared films of train and validation.

    Raises:
        LeakageError: There are films of test among its parts.
    """

    def __post_init__(self) -> None:
        if n := len(self.parts.get("test", ())):
            raise LeakageError(
                f"{n} test films are in a list that choices are made on; what is chosen may see films of train and validation only"
            )

    @classmethod
    def of(cls, drawn: DrawnFilms, tested: Collection[str]) -> Self:
        """What a trial draws without its test part.

        Args:
            drawn: The trial's films.
            tested: image_id of every film that what is chosen will be tested on, in whatever trial.

        Raises:
            LeakageError: One of them is in train or validation.
        """
        parts = {p: drawn.parts[p] for p in LEARNING}
        seen = {f.image_id for films in parts.values() for f in films}
        if leaked := sorted(seen & set(tested)):
            raise LeakageError(
                f"film {leaked[0]!r} is in train or validation, and is tested on too ({len(leaked)} such films); what is chosen on it "
                "would be judged by it"
            )
        return cls(drawn.header, parts, {i: drawn.facts[i] for i in sorted(seen)}, drawn.shards)

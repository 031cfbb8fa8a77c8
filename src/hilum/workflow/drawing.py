"""What the films of a trial follow from: cells that draw alike train and test on the same prepared films."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from hilum.study.factors import FACTOR
from hilum.study.faults import FAULTS


@dataclass(frozen=True)
class Drawing:
    """What a split depends on besides the trial. Cells with one drawing have one split.

    Attributes:
        seed: The cell's.
        fraction: Share of training films.
        source_left_out: Or ``none``.
        overlapping: Whether train and validation are drawn again from all films, the test films among them.
        unseeded: Whether train and validation are drawn from a generator that nobody seeded.
        valid_is_test: Whether the test films are the validation films.
        one_by_one: Whether patients and copies of test films are trained on.
        faults: The faults that set one of these.
        fold: Of a search, which of `folds` is held back (from 1); train and validation are then made of both, and there is no test part.
        folds: How many there are.
    """

    seed: int
    fraction: float = 1.0
    source_left_out: str = "none"
    overlapping: bool = False
    unseeded: bool = False
    valid_is_test: bool = False
    one_by_one: bool = False
    faults: tuple[str, ...] = ()
    fold: int = 0
    folds: int = 0

    @property
    def name(self) -> str:
        """Folder of the splits; the study's seed is left to the caller."""
        marks = [FACTOR[f].in_name(getattr(self, f)) for f in ("seed", "fraction", "source_left_out")]
        return "--".join([*filter(None, [*marks, self.fold_name]), *self.faults])

    @property
    def fold_name(self) -> str:
        """Which fold it is; empty for none."""
        return f"fold-{self.fold}-of-{self.folds}" if self.fold else ""

    @property
    def whole(self) -> Drawing:
        """The drawing that a fold is of; itself where it is none."""
        return replace(self, fold=0, folds=0)

    def under(self, fault: str) -> Drawing:
        """The drawing under a fault of the published scripts; itself where the fault acts elsewhere."""
        edit = FAULTS[fault].edit.drawing
        return replace(self, **edit, faults=(*self.faults, fault)) if edit else self


class TrialDraw(NamedTuple):
    """What the films of a trial follow from: cells that have it in common train and test on the same prepared films."""

    pipeline: str
    drawing: Drawing
    trial: int

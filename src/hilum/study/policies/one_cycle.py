"""Consecutive cycles up and down, each torch's ``OneCycleLR``."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hilum.core.keys import ALWAYS, Each, Key
from hilum.study.policies.policy import AnyPolicy, Rate
from hilum.study.policies.schedule import Schedule, StepSettings, StepwiseSchedule
from hilum.study.tables import StrictTable

LOW_MOMENTUM, HIGH_MOMENTUM = 0.85, 0.95
"""Between which the momentum moves, against the rate: torch's defaults."""


class Phase(StrictTable):
    """One cycle: `epochs` long, up to `max_rate` and down again."""

    epochs: Annotated[int, Field(ge=1)]
    max_rate: Rate


class OneCyclePolicy(AnyPolicy):
    """Consecutive cycles, each exactly torch's ``OneCycleLR`` stepped every batch, momentum (Adam's first beta) cycled too.

    Attributes:
        phases: Their epochs add up to the length of the training, which stands above ``training.epochs``.
        optimizer_per_phase: ``fresh`` begins each phase with an optimiser without memory, as the paper does; ``kept`` uses one throughout.
        pct_start: Share of a phase in which the rate rises.
        div_factor: First rate = max_rate / div_factor.
        final_div_factor: Last rate = first rate / final_div_factor.
    """

    key: ClassVar[Key] = AnyPolicy.key.and_(
        phases=Each(Key(epochs=ALWAYS, max_rate=ALWAYS)), optimizer_per_phase="fresh", pct_start=0.3, div_factor=25.0, final_div_factor=1e4
    )  # fmt: skip

    kind: Literal["one_cycle"]
    phases: Annotated[list[Phase], Field(min_length=1)]
    optimizer_per_phase: Literal["fresh", "kept"] = "fresh"
    pct_start: Annotated[float, Field(gt=0, lt=1)] = 0.3
    div_factor: Annotated[float, Field(ge=1)] = 25.0
    final_div_factor: Annotated[float, Field(ge=1)] = 1e4

    def n_epochs(self, epochs: int) -> int:
        """The phases' sum, whatever the study says."""
        del epochs
        return sum(p.epochs for p in self.phases)

    @property
    def max_rates(self) -> tuple[float, ...]:
        """The highest rate of each phase."""
        return tuple(p.max_rate for p in self.phases)

    def schedule(self, epochs: int, steps_per_epoch: int) -> Schedule:
        """One cycle after another."""
        return StepwiseSchedule(self.n_epochs(epochs) * steps_per_epoch, self._settings(steps_per_epoch))

    def _settings(self, steps_per_epoch: int) -> Callable[[int], StepSettings]:
        lengths = [phase.epochs * steps_per_epoch for phase in self.phases]
        begins = list(accumulate(lengths, initial=0))

        def at(step: int) -> StepSettings:
            k = bisect_right(begins, step) - 1
            inside = step - begins[k]
            found = self._cycle(self.phases[k].max_rate, lengths[k], inside)
            return replace(found, fresh=self.optimizer_per_phase == "fresh" and k > 0 and inside == 0)

        return at

    def _cycle(self, max_rate: float, n_steps: int, step: int) -> StepSettings:
        """A step of one ``OneCycleLR(max_rate, total_steps=n_steps)``: cosine up, cosine down.

        Where torch would divide by zero (a rise of no steps, ``pct_start * n_steps == 1``) the cycle begins at its first rate.
        """
        first = max_rate / self.div_factor
        top = float(self.pct_start * n_steps) - 1
        if step <= top:
            share = step / top if top else 0.0
            return StepSettings(
                _between(first, max_rate, share), _between(HIGH_MOMENTUM, LOW_MOMENTUM, share)
            )
        share = (step - top) / (n_steps - 1 - top)
        last = first / self.final_div_factor
        return StepSettings(_between(max_rate, last, share), _between(LOW_MOMENTUM, HIGH_MOMENTUM, share))


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from `start` (share 0) to `end` (share 1), in torch's order of operations."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

"""Learning-rate policies: the rate of a step as a pure function, known before training begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hilum.core.errors import InputError, nearest


class Schedule(Protocol):
    """A policy."""

    def rate(self, step: int, n_steps: int) -> float:
        """Learning rate of a step, counted from 0, of `n_steps` in all."""
        ...


@dataclass(frozen=True)
class Constant:
    """One rate throughout."""

    learning_rate: float

    def rate(self, step: int, n_steps: int) -> float:  # noqa: ARG002
        """The rate."""
        return self.learning_rate


SCHEDULES: dict[str, Callable[[float], Schedule]] = {"constant": Constant}


def schedule(name: str, learning_rate: float) -> Schedule:
    """A policy by name.

    Raises:
        InputError: No such policy.

    >>> schedule("constant", 5e-4).rate(step=7, n_steps=100)
    0.0005
    """
    if name not in SCHEDULES:
        raise InputError(f"unknown schedule {name!r}; {nearest(name, SCHEDULES)}")
    return SCHEDULES[name](learning_rate)

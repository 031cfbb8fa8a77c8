"""Learning-rate policies at work: what rate and momentum each optimiser step has. Nothing here needs torch.

Steps are counted from 0 and each is one update of the weights. All policies but plateau are functions of the step alone. Formulas and
order of rounding are those of ``torch.optim.lr_scheduler`` (2.9 and later), stepped after every batch (plateau: after every epoch).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Protocol, assert_never

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import HilumError, InputError
from hilum.study.policies import (
    ConstantPolicy,
    CosinePolicy,
    OneCyclePolicy,
    PlateauPolicy,
    Policy,
    WarmupPolicy,
    policy_epochs,
)

LOW_MOMENTUM, HIGH_MOMENTUM = 0.85, 0.95
"""Between which one-cycle moves the momentum, against the rate: torch's defaults."""
PLATEAU_EPS = 1e-8
"""A plateau's reduction smaller than this is not made: torch's default."""


@dataclass(frozen=True)
class StepSettings:
    """What an optimiser step is taken with.

    Attributes:
        learning_rate: Of parameters whose factor is 1.
        beta1: Adam's first beta, or the momentum of sgd; None leaves what the optimiser has.
        fresh: A new optimiser, without memory, begins with this step. The very first step has one anyhow and says False.
    """

    learning_rate: float
    beta1: float | None = None
    fresh: bool = False


class Schedule(Protocol):
    """A policy at work. Its state is plain numbers, so that a checkpoint can hold it."""

    def settings(self) -> StepSettings:
        """Of the step that comes next.

        Raises:
            HilumError: All steps have been taken.
        """
        ...

    def stepped(self) -> None:
        """A step was taken."""
        ...

    def epoch_ended(self, valid_loss: float) -> None:
        """An epoch is over, and this is its validation loss."""
        ...

    def state(self) -> dict[str, Any]:
        """What `restore` needs, JSON-able."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken."""
        ...


class StepwiseSchedule:
    """A policy that is a function of the step.

    Args:
        n_steps: In all.
        settings_at: Step -> settings.
    """

    def __init__(self, n_steps: int, settings_at: Callable[[int], StepSettings]) -> None:
        self._n_steps, self._settings_at, self._step = n_steps, settings_at, 0

    def settings(self) -> StepSettings:
        """Of the next step."""
        if self._step >= self._n_steps:
            raise HilumError(f"a schedule of {self._n_steps} steps was asked for step {self._step + 1}")
        return self._settings_at(self._step)

    def stepped(self) -> None:
        """Count it."""
        self._step += 1

    def epoch_ended(self, valid_loss: float) -> None:
        """Makes no difference."""

    def state(self) -> dict[str, Any]:
        """The number of steps taken."""
        return {"step": self._step}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self._step = state["step"]


class PlateauSchedule:
    """``ReduceLROnPlateau`` (mode min, threshold_mode rel): the rate falls when `patience` epochs in a row brought nothing."""

    def __init__(self, policy: PlateauPolicy) -> None:
        self._policy = policy
        self._rate = _rate_of(policy)
        self._best = math.inf
        self._bad_epochs = 0
        self._cooldown = 0

    def settings(self) -> StepSettings:
        """Of the next step."""
        return StepSettings(self._rate)

    def stepped(self) -> None:
        """Makes no difference."""

    def epoch_ended(self, valid_loss: float) -> None:
        """Judge the epoch; in cooldown it does not count."""
        p = self._policy
        if valid_loss < self._best * (1.0 - p.threshold):
            self._best, self._bad_epochs = valid_loss, 0
        else:
            self._bad_epochs += 1
        if self._cooldown > 0:
            self._cooldown -= 1
            self._bad_epochs = 0
        if self._bad_epochs > p.patience:
            lower = max(self._rate * p.factor, p.min_rate)
            if self._rate - lower > PLATEAU_EPS:
                self._rate = lower
            self._cooldown, self._bad_epochs = p.cooldown, 0

    def state(self) -> dict[str, Any]:
        """Rate, best loss (None before the first), bad epochs, cooldown left."""
        return {
            "rate": self._rate,
            "best": None if math.isinf(self._best) else self._best,
            "bad_epochs": self._bad_epochs,
            "cooldown": self._cooldown,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self._rate, self._bad_epochs, self._cooldown = state["rate"], state["bad_epochs"], state["cooldown"]
        self._best = math.inf if state["best"] is None else state["best"]


def _rate_of(policy: ConstantPolicy | PlateauPolicy | CosinePolicy | WarmupPolicy) -> float:
    if policy.learning_rate is None:
        raise InputError(
            f"the {policy.kind} policy has no learning rate; name one in [policy.NAME], or take it from "
            "the study (Study.policy_of), which fills in training.learning_rate"
        )
    return policy.learning_rate


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from `start` (share 0) to `end` (share 1), in torch's order of operations."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def _cycle(policy: OneCyclePolicy, max_rate: float, n_steps: int, step: int) -> StepSettings:
    """A step of one ``OneCycleLR(max_rate, total_steps=n_steps)``: cosine up, cosine down.

    Where torch would divide by zero (a rise of no steps, ``pct_start * n_steps == 1``) the cycle begins at its first rate.
    """
    first = max_rate / policy.div_factor
    top = float(policy.pct_start * n_steps) - 1
    if step <= top:
        share = step / top if top else 0.0
        return StepSettings(_between(first, max_rate, share), _between(HIGH_MOMENTUM, LOW_MOMENTUM, share))
    share = (step - top) / (n_steps - 1 - top)
    last = first / policy.final_div_factor
    return StepSettings(_between(max_rate, last, share), _between(LOW_MOMENTUM, HIGH_MOMENTUM, share))


def _one_cycle(policy: OneCyclePolicy, steps_per_epoch: int) -> Callable[[int], StepSettings]:
    lengths = [phase.epochs * steps_per_epoch for phase in policy.phases]
    begins = list(accumulate(lengths, initial=0))

    def at(step: int) -> StepSettings:
        k = bisect_right(begins, step) - 1
        inside = step - begins[k]
        found = _cycle(policy, policy.phases[k].max_rate, lengths[k], inside)
        return replace(found, fresh=policy.optimizer_per_phase == "fresh" and k > 0 and inside == 0)

    return at


def _cosine(rate: float, min_rate: float, n_steps: int) -> Callable[[int], StepSettings]:
    """``CosineAnnealingLR(T_max=n_steps - 1, eta_min=min_rate)``: the last step, not the one after it, has `min_rate`."""
    last = max(n_steps - 1, 1)  # a single step is taken at `rate`
    return lambda step: StepSettings(min_rate + (rate - min_rate) * (1 + math.cos(math.pi * step / last)) / 2)


def _warmup(policy: WarmupPolicy, epochs: int, steps_per_epoch: int) -> Callable[[int], StepSettings]:
    """``LinearLR`` for the warm-up's steps; the step after them is the first at the full rate."""
    if policy.warmup_epochs > epochs:
        raise InputError(
            f"a warm-up of {policy.warmup_epochs} epochs is longer than the training of {epochs}; "
            "make warmup_epochs smaller or training.epochs larger"
        )
    rate, start = _rate_of(policy), policy.start_factor
    n_warm = policy.warmup_epochs * steps_per_epoch
    rest = _cosine(rate, 0.0, epochs * steps_per_epoch - n_warm)

    def at(step: int) -> StepSettings:
        if step < n_warm:
            return StepSettings(rate * (start + (1 - start) * step / n_warm))
        return StepSettings(rate) if policy.then == "constant" else rest(step - n_warm)

    return at


def schedule(policy: Policy, epochs: int, steps_per_epoch: int) -> Schedule:
    """A policy at work, before its first step.

    Args:
        policy: With its rate filled in.
        epochs: Of the training; a one-cycle policy has its own number.
        steps_per_epoch: Updates of the weights an epoch.

    Raises:
        InputError: The policy has no rate, or does not fit the length of the training.

    >>> schedule(ConstantPolicy(learning_rate=5e-4), epochs=2, steps_per_epoch=10).settings().learning_rate
    0.0005
    """
    n_steps = policy_epochs(policy, epochs) * steps_per_epoch
    match policy:
        case ConstantPolicy():
            fixed = StepSettings(_rate_of(policy))
            return StepwiseSchedule(n_steps, lambda _step: fixed)
        case OneCyclePolicy():
            return StepwiseSchedule(n_steps, _one_cycle(policy, steps_per_epoch))
        case PlateauPolicy():
            return PlateauSchedule(policy)
        case CosinePolicy():
            return StepwiseSchedule(n_steps, _cosine(_rate_of(policy), policy.min_rate, n_steps))
        case WarmupPolicy():
            return StepwiseSchedule(n_steps, _warmup(policy, epochs, steps_per_epoch))
    assert_never(policy)


def simulate(
    policy: Policy, epochs: int, steps_per_epoch: int, valid_losses: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """The rate of every step, without training.

    Args:
        policy: With its rate filled in.
        epochs: As for `schedule`.
        steps_per_epoch: As for `schedule`.
        valid_losses: Validation loss of each epoch, which only a plateau asks for; None stands for a loss that falls all the time.
            With fewer than there are epochs (a training that was stopped early) the curve ends with them.

    Returns:
        float64, shape (n_steps,).

    >>> simulate(CosinePolicy(kind="cosine", learning_rate=1.0), epochs=1, steps_per_epoch=3).tolist()
    [1.0, 0.5, 0.0]
    """
    n_epochs = policy_epochs(policy, epochs)
    losses = [-float(k) for k in range(n_epochs)] if valid_losses is None else valid_losses
    running = schedule(policy, epochs, steps_per_epoch)
    rates = []
    for loss in losses[:n_epochs]:
        for _ in range(steps_per_epoch):
            rates.append(running.settings().learning_rate)
            running.stepped()
        running.epoch_ended(loss)
    return np.array(rates, dtype=np.float64)

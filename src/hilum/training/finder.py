"""The learning-rate finder: a short mock training whose rate rises from step to step, and what the losses along it suggest.

It is fastai's ``lr_find`` (fastai 2, ``callback/schedule.py``): the rate rises exponentially, the losses of the batches are averaged
exponentially without bias, and the test ends when the average is four times its lowest. The suggestions have fastai's names and
definitions and look at the same part of the curve. The head that is asked about is not moved.

The optimiser, its weight decay and clipping are those of the policy that is then trained with. A range test takes `STEPS` steps at most,
whatever is trained; that of a whole network is `hilum.training.finetune.find_network_rate`.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray
from torch import nn

from hilum.artifacts.trial_files import FinderCurve
from hilum.study.policies.schedule import StepSettings
from hilum.training.explicit import FlatHead, kind_of
from hilum.training.loop import batches, gradients
from hilum.training.regimen import LabelledRows, Regimen
from hilum.training.updates import Update

FIRST_RATE, LAST_RATE, STEPS = 1e-7, 10.0, 100
SMOOTHING = 0.98
DIVERGED = 4.0
"""The test ends when the smoothed loss is more than so many times its lowest."""
SKIP_FIRST, SKIP_LAST = STEPS // 10, 5
"""Steps that the suggestions do not look at: the average is still young, or the loss on its way up."""


def steepest(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    """The rate where d loss / d log(rate), taken forward, is lowest."""
    return float(rates[np.argmin(np.diff(losses) / np.diff(np.log(rates)))])


def lowest_tenth(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    """A tenth of the rate of the lowest loss."""
    return float(rates[np.argmin(losses)] / 10)


def in_valley(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    """The rate in the longest valley.

    The valley is the longest falling subsequence of the losses (the first to end, of equals). If it is k long and ends at step e, it counts
    as the steps e - k to e. The suggestion lies a third of that, and half a third, from its start, each rounded down.
    """
    length = np.ones(len(losses), dtype=np.int64)
    for i in range(1, len(losses)):
        before = length[:i][losses[:i] > losses[i]]
        length[i] = 1 + before.max(initial=0)
    end = int(np.argmax(length))
    start = end - int(length[end]) if end else 0  # a curve that never falls has its valley at its first step
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def range_test(step: Callable[[float], float]) -> FinderCurve:
    """Take steps with a rate that rises, until it has reached the last or the loss has run away.

    Args:
        step: One update of the weights at a rate; gives the loss of its films from before it.
    """
    start, running = time.perf_counter(), 0.0
    rates: list[float] = []
    losses: list[float] = []
    for k in range(STEPS):
        rate = FIRST_RATE * (LAST_RATE / FIRST_RATE) ** (k / STEPS)
        running = SMOOTHING * running + (1 - SMOOTHING) * step(rate)
        smooth = running / (1 - SMOOTHING ** (len(losses) + 1))
        if not math.isfinite(smooth):
            break
        rates.append(rate)
        losses.append(smooth)
        if smooth > DIVERGED * min(losses):
            break
    seen = slice(SKIP_FIRST, len(losses) - SKIP_LAST)
    r, z = np.array(rates[seen]), np.array(losses[seen])
    suggested: tuple[float | None, float | None, float | None] = (None, None, None)
    if len(z) > 1:
        suggested = steepest(r, z), in_valley(r, z), lowest_tenth(r, z)
    return FinderCurve(tuple(rates), tuple(losses), *suggested, seconds=round(time.perf_counter() - start, 4))


def find_rate(head: nn.Module, train: LabelledRows, regimen: Regimen) -> FinderCurve:
    """Run a range test.

    Args:
        head: As it would be trained; a copy of it is.
        train: Features of the films to learn from, as often around as the steps need.
        regimen: Of the training; its rates and epochs are not used.
    """
    kind, trial = kind_of(head), FlatHead(copy.deepcopy(head))
    update = Update(regimen.policy, len(trial.weights))
    films = chain.from_iterable(batches(train, kind, regimen, epoch) for epoch in count(1))

    def step(rate: float) -> float:
        (loss,) = gradients(kind, [trial], [regimen.loss], *next(films))
        update.step(StepSettings(rate), trial.weights, trial.gradient)
        return loss

    return range_test(step)

"""The rates that a policy would give, without training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.study.policies.policy import AnyPolicy


def simulate(
    policy: AnyPolicy, epochs: int, steps_per_epoch: int, valid_losses: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """The rate of every step, without training.

    Args:
        policy: With its rate filled in.
        epochs: As for `AnyPolicy.schedule`, like `steps_per_epoch`.
        valid_losses: Of each epoch, which only a plateau asks for; None stands for a loss that falls all the time. With fewer than there
            are epochs (a training that was stopped early) the curve ends with them.

    Returns:
        float64, shape (n_steps,).

    >>> from hilum.study.policies.cosine import CosinePolicy
    >>> simulate(CosinePolicy(kind="cosine", learning_rate=1.0), epochs=1, steps_per_epoch=3).tolist()
    [1.0, 0.5, 0.0]
    """
    n_epochs = policy.n_epochs(epochs)
    losses = [-float(k) for k in range(n_epochs)] if valid_losses is None else valid_losses
    running = policy.schedule(epochs, steps_per_epoch)
    rates = []
    for loss in losses[:n_epochs]:
        for _ in range(steps_per_epoch):
            rates.append(running.settings().learning_rate)
            running.stepped()
        running.epoch_ended(loss)
    return np.array(rates, dtype=np.float64)

"""The learning-rate finder on a whole network: `hilum.training.finder`'s range test on the loop of `hilum.training.finetune`.

It asks about what the policy trains first: behind the epochs of the head alone, with the factors that the stages then have, so that a rate
is to be read as the policy's. Films, dropout, optimiser, clipping, precision and processes are those of the training.
"""

from __future__ import annotations

from itertools import chain, count

import torch
from lightning_fabric import Fabric

from hilum.artifacts.trial_files import FinderCurve
from hilum.models.networks import WholeNetwork
from hilum.study.policies.schedule import StepSettings
from hilum.training.finder import range_test
from hilum.training.finetune import Training, epoch_steps, feature_shape
from hilum.training.regimen import LabelledRows, Regimen


def find_network_rate(
    fabric: Fabric, network: WholeNetwork, train: LabelledRows, regimen: Regimen
) -> FinderCurve:
    """Run a range test.

    Args:
        fabric: Device, precision, processes; launched.
        network: As it would be trained. Its weights move: give one that is not needed afterwards.
        train: Prepared films to learn from, as often around as the steps need.
        regimen: Of the training; its rates and epochs are not used.
    """
    training = Training(fabric, network, regimen, len(train))
    training.enter(training.alone + 1)
    shape = feature_shape(network, train)
    steps = chain.from_iterable(epoch_steps(regimen, len(train), epoch, shape) for epoch in count(1))

    def step(rate: float) -> float:
        batches = next(steps)
        nothing = torch.zeros((), dtype=torch.float64)
        total = training.update(StepSettings(rate), train, batches, nothing)
        return float(total) / sum(len(which) for which, _ in batches)

    return range_test(step)

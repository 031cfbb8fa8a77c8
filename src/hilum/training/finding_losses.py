"""Losses of several findings a film: logits and what is known of the findings -> one number.

Binary cross-entropy is torch's with logits, focal loss that of Lin et al. 2017 (equation 4, on the sigmoid). Both are plain means over what
is known: a finding that is not known of a film adds nothing above the line or below it, and moves no weight. A batch of which nothing is
known has the loss 0. The weight of a finding is torch's ``pos_weight``: of the films that have it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from hilum.artifacts.finding_labels import UNKNOWN
from hilum.core.errors import InputError
from hilum.study.losses import ClassWeights, CrossEntropy, Loss
from hilum.training.losses import LossFunction, named_weights


def positive_weights(
    choice: ClassWeights, findings: Sequence[str], known: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Weight of the films that have a finding, in the order of `findings`; None for none.

    Args:
        choice: ``none``; ``balanced``: films without it / films with it; or finding -> weight, every finding named.
        findings: Names.
        known: What is known of the training films as they are drawn, (n, n_findings).

    Raises:
        InputError: A finding that is not there, is not named, or (balanced) that no film has.

    >>> positive_weights("balanced", ["mass", "nodule"], np.array([[1, 0], [0, 1], [0, 0], [0, -1]])).tolist()
    [3.0, 2.0]
    """
    if choice == "none":
        return None
    if isinstance(choice, dict):
        return named_weights(choice, findings)
    there, absent = (known == 1).sum(axis=0), (known == 0).sum(axis=0)
    if not (there.all() and absent.all()):
        empty = findings[int(np.minimum(there, absent).argmin())]
        raise InputError(
            f"balanced class weights need training films with and without every finding; {empty!r} lacks one"
        )
    return np.asarray(absent / there, dtype=np.float64)


def build_finding_loss(loss: Loss, findings: Sequence[str], known: NDArray[np.int64]) -> LossFunction:
    """A loss as a function of logits (n, n_findings) and what is known, int64 of that shape.

    Args:
        loss: Of the study.
        findings: In the order of the logits.
        known: Of the training films as they are drawn, for balanced weights.

    Raises:
        InputError: Weights that do not fit the findings.
    """
    choice = loss.class_weights if isinstance(loss, CrossEntropy) else loss.alpha
    found = positive_weights(choice, findings, known)
    weights = None if found is None else torch.from_numpy(found)

    def compute(logits: Tensor, labels: Tensor) -> Tensor:
        mask = labels != UNKNOWN
        true = (labels == 1).to(logits)
        w = None if weights is None else weights.to(logits)
        each = binary_cross_entropy_with_logits(logits, true, pos_weight=w, reduction="none")
        if not isinstance(loss, CrossEntropy):
            # the probability of what is not so, without loss of digits; off 0, where a power below 1 has no finite slope
            miss = (
                logsigmoid(torch.where(true == 1, -logits, logits))
                .exp()
                .clamp(min=torch.finfo(logits.dtype).tiny)
            )
            each = miss**loss.gamma * each
        return torch.where(mask, each, 0).sum() / mask.sum().clamp(min=1)

    return compute

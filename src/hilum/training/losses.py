"""Losses at work: logits and labels -> one number.

Cross-entropy is torch's, class weights included: its mean is weighted by the films' classes. Focal loss (Lin et al. 2017, equation 5,
on the softmax) is a plain mean over films. Both work in the precision of the logits they are given. Of several findings a film they are
`hilum.training.finding_losses`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from hilum.core.errors import InputError, require_known
from hilum.study.losses import ClassWeights, CrossEntropy, Loss

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""(logits (n, n_classes), labels (n,)) -> a scalar, differentiable."""


def class_weights(
    choice: ClassWeights, classes: Sequence[str], labels: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Weight of each class, in the order of `classes`; None for none.

    Args:
        choice: ``none``; ``balanced``: n / (n_classes * n_c), as scikit-learn has it; or class -> weight, every class named.
        classes: Names.
        labels: Class indices of the training films as they are drawn, shape (n,).

    Raises:
        InputError: A class that is not there, is not named, or (balanced) has no film.

    >>> class_weights("balanced", ["a", "b"], np.array([0, 0, 0, 1])).round(3).tolist()
    [0.667, 2.0]
    """
    if choice == "none":
        return None
    if isinstance(choice, dict):
        return named_weights(choice, classes)
    counts = np.bincount(labels, minlength=len(classes))
    if not counts.all():
        empty = classes[int(counts.argmin())]
        raise InputError(f"balanced class weights need training films of every class; {empty!r} has none")
    return np.asarray(len(labels) / (len(classes) * counts), dtype=np.float64)


def named_weights(weights: Mapping[str, float], classes: Sequence[str]) -> NDArray[np.float64]:
    """Weights by name, in the order of `classes`.

    Raises:
        InputError: One that is no class, or a class that has none.
    """
    for name in weights:
        require_known(name, classes, "class weights name", ", which is no class")
    missing = [c for c in classes if c not in weights]
    if missing:
        raise InputError(f"class weights must name every class; {missing[0]!r} has none in {weights!r}")
    return np.array([weights[c] for c in classes], dtype=np.float64)


def focal_loss(logits: Tensor, labels: Tensor, gamma: float, alpha: Tensor | None = None) -> Tensor:
    """Mean of -alpha_c (1 - p_c)^gamma log p_c over films, c the true class and p the softmax.

    Args:
        logits: Shape (n, n_classes).
        labels: Class indices, shape (n,).
        gamma: 0 gives cross-entropy.
        alpha: Weight of each class, shape (n_classes,).
    """
    log_p = log_softmax(logits, dim=1).gather(1, labels[:, None])[:, 0]
    # 1 - p without loss of digits near p = 1; kept off 0, where a power below 1 has no finite slope
    miss = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
    each = -(miss**gamma) * log_p
    return (each if alpha is None else alpha[labels] * each).mean()


def build_loss(
    loss: Loss, classes: Sequence[str], labels: NDArray[np.int64], softmax_first: bool = False
) -> LossFunction:
    """A loss as a function.

    Args:
        loss: Of the study.
        classes: In the order of the logits.
        labels: Class indices of the training films as they are drawn, shape (n,), for balanced weights.
        softmax_first: A fault of the published scripts: the loss takes probabilities for logits.

    Raises:
        InputError: Class weights that do not fit the classes.
    """
    choice = loss.class_weights if isinstance(loss, CrossEntropy) else loss.alpha
    found = class_weights(choice, classes, labels)
    weights = None if found is None else torch.from_numpy(found)

    def compute(logits: Tensor, labels: Tensor) -> Tensor:
        z = torch.softmax(logits, dim=1) if softmax_first else logits
        w = None if weights is None else weights.to(z)
        if isinstance(loss, CrossEntropy):
            return cross_entropy(z, labels, weight=w)
        return focal_loss(z, labels, loss.gamma, w)

    return compute

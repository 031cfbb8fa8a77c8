"""Losses as data: a table ``[loss.NAME]`` of a study file. What a loss computes is `hilum.training.losses`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hilum.study.tables import StrictTable

ClassWeights = Literal["none", "balanced"] | dict[str, Annotated[float, Field(gt=0)]]


class CrossEntropy(StrictTable):
    """Cross-entropy.

    Attributes:
        class_weights: ``none``; ``balanced``: n / (n_classes * n_c) counted on the training films as they are drawn; or class -> weight.
            As in torch, the mean is weighted too.
    """

    kind: Literal["cross_entropy"] = "cross_entropy"
    class_weights: ClassWeights = "none"


class Focal(StrictTable):
    """Focal loss (Lin et al. 2017) on the softmax of four classes: -alpha_c (1 - p_c)^gamma log p_c, c the true class.

    Attributes:
        gamma: 0 gives cross-entropy.
        alpha: Weight of a film by its class, as `CrossEntropy.class_weights`; the mean is over films, not weighted.
    """

    kind: Literal["focal"]
    gamma: Annotated[float, Field(ge=0)] = 2.0
    alpha: ClassWeights = "none"


Loss = Annotated[CrossEntropy | Focal, Field(discriminator="kind")]

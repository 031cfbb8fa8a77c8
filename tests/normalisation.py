"""What each network takes, written out here and not read from hilum: a swap of mean and std there would otherwise be a swap here too.

ImageNet's statistics are torchvision's (its documentation of every classification model); Lite's are timm's and the EfficientNet
authors' "inception" ones. Published nowhere for the paper's CNN and for COVID-Net, which get ImageNet's.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MEAN_AND_STD = {
    "resnet50": IMAGENET,
    "squeezenet1_0": IMAGENET,
    "densenet121": IMAGENET,
    "resnet18": IMAGENET,
    "cnn": IMAGENET,
    **{f"covid_net{width}": IMAGENET for width in ("", "_x0_25", "_x0_125")},
    **{f"tf_efficientnet_lite{n}": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)) for n in (0, 1, 2)},
}


def normalised_by_hand(films: NDArray[np.uint8], name: str) -> torch.Tensor:
    """Grey films (n, height, width) as the network `name` takes them: float32 (n, 3, height, width)."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in MEAN_AND_STD[name])
    pixels = torch.from_numpy(films).float()[:, None].expand(-1, 3, -1, -1) / 255
    return (pixels - mean) / std

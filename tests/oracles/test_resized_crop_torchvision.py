"""`random_resized_crop` against torchvision's RandomResizedCrop: the same boxes from the same numbers, the same law, the same pixels.

https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomResizedCrop.html
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import ks_2samp
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.functional import resized_crop

from hilum.augment import resized_crop as ours

SIZES = [(224, 224), (180, 300), (300, 120)]


class TorchsNumbers:
    """What `sample` asks of a generator, answered by torch."""

    def uniform(self, low: float, high: float) -> float:
        return float(torch.empty(1).uniform_(low, high).item())

    def integers(self, low: int, high: int) -> int:
        return int(torch.randint(low, high, (1,)).item())


def theirs(height: int, width: int, scale: list[float], ratio: list[float]) -> list[int]:
    top, left, box_height, box_width = RandomResizedCrop.get_params(
        torch.empty(1, height, width), scale, ratio
    )
    return [left, top, box_width, box_height]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(
    ("scale", "ratio"), [((0.08, 1.0), (3 / 4, 4 / 3)), ((0.9, 1.0), (0.3, 0.4)), ((0.95, 1.0), (2.5, 4.0))]
)
def test_from_the_same_numbers_the_boxes_are_torchvisions(
    height: int, width: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> None:
    made = ours.RandomResizedCrop(
        min_area=scale[0], max_area=scale[1], min_ratio=ratio[0], max_ratio=ratio[1]
    )
    numbers: Any = TorchsNumbers()
    for seed in range(150):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            wanted = theirs(height, width, list(scale), list(ratio))
            torch.manual_seed(seed)
            assert list(made.sample(numbers, height, width).values()) == wanted


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_our_own_numbers_have_torchvisions_law(height: int, width: int) -> None:
    rng, n = np.random.default_rng(0), 3000
    boxes = np.array([list(ours.RandomResizedCrop().sample(rng, height, width).values()) for _ in range(n)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        others = np.array([theirs(height, width, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(n)])
    for column in range(4):
        assert ks_2samp(boxes[:, column], others[:, column]).pvalue > 1e-3
    areas = boxes[:, 2] * boxes[:, 3] / (height * width)
    assert ks_2samp(areas, others[:, 2] * others[:, 3] / (height * width)).pvalue > 1e-3


def test_the_pixels_are_torchvisions() -> None:
    film = np.random.default_rng(2).integers(0, 256, (150, 210), dtype=np.uint8)
    step, rng = ours.RandomResizedCrop(), np.random.default_rng(3)
    for _ in range(20):
        drawn = step.sample(rng, *film.shape)
        box = drawn["top_px"], drawn["left_px"], drawn["height_px"], drawn["width_px"]
        wanted = resized_crop(Image.fromarray(film), *box, list(film.shape), InterpolationMode.BILINEAR)
        made = step.apply(film, drawn)
        assert np.abs(made - np.asarray(wanted, int)).max() <= 1  # the last bit of Pillow before 13

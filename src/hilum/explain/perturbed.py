"""Methods that cover parts of the film and watch the answer; in batches, since one film at a time costs several times as much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr import Lime, Occlusion
from torch import Tensor
from torch.nn import functional

from hilum.core.errors import InputError
from hilum.core.seeding import generator, key_entropy
from hilum.explain.methods import baseline
from hilum.explain.network import Explained

Options = Mapping[str, Any]
_KERNEL_WIDTH = 0.25
"""Of LIME for images, in the authors' own code: how fast a sample counts less the more of the film it covers."""


def occlusion(model: Explained, film: Tensor, target: int, _seed: int, options: Options) -> Tensor:
    """Fall of the logit when a window is covered, as a mean over the windows that cover a pixel: (h, w)."""
    window, stride = options["window_px"], options["stride_px"]
    if stride > window or window > min(film.shape[2:]):
        raise InputError(
            f"occlusion of a film of {film.shape[3]} × {film.shape[2]} px: expected stride_px <= window_px <= the film's sides, got "
            f"stride_px {stride} and window_px {window}"
        )
    found = Occlusion(model.net).attribute(
        film, (1, window, window), (1, stride, stride), baseline(options["baseline"], film), target,
        perturbations_per_eval=options["batch"],
    )  # fmt: skip
    return cast(Tensor, found)[0, 0]


def patches(film: Tensor, n: int) -> Tensor:
    """About `n` patches of like pixels of a film (SLIC, Achanta et al. 2012): int64 (1, 1, h, w), from 0 on."""
    from skimage.segmentation import slic

    grey = film[0, 0].cpu().numpy() / 255
    numbers = slic(grey, n_segments=n, compactness=0.1, sigma=1, channel_axis=None, start_label=0)
    return torch.from_numpy(np.asarray(numbers, np.int64)).to(film.device)[None, None]


def lime(model: Explained, film: Tensor, target: int, seed: int, options: Options) -> Tensor:
    """Weight of each patch in a ridge regression of the logit on which patches are shown: (h, w)."""

    def likeness(_film: Tensor, _covered: Tensor, shown: Tensor, **_: Any) -> Tensor:
        cosine = (shown.float().mean()) ** 0.5  # with all patches shown
        return torch.exp(-((1 - cosine) ** 2) / (2 * _KERNEL_WIDTH**2))

    ask = Lime(model.net, interpretable_model=SkLearnRidge(alpha=1.0), similarity_func=likeness)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_entropy(seed, "lime") % 2**63)
        found = ask.attribute(
            film, baseline(options["baseline"], film), target, feature_mask=patches(film, options["patches"]),
            n_samples=options["samples"], perturbations_per_eval=options["batch"],
        )  # fmt: skip
    return cast(Tensor, found)[0, 0]


def rise(model: Explained, film: Tensor, target: int, seed: int, options: Options) -> Tensor:
    """Mean of soft masks weighed by the probability of the film seen through each: (h, w)."""
    height, width = film.shape[2:]
    n, cells, kept = options["masks"], options["cells"], options["kept"]
    rng = generator(seed, "rise")
    total, seen = (
        torch.zeros(height, width, device=film.device),
        torch.zeros(height, width, device=film.device),
    )
    step = (-(-height // cells), -(-width // cells))
    with torch.inference_mode():
        for at in range(0, n, options["batch"]):
            k = min(options["batch"], n - at)
            coarse = torch.from_numpy((rng.random((k, 1, cells + 1, cells + 1)) < kept).astype(np.float32))
            fine = functional.interpolate(
                coarse, ((cells + 1) * step[0], (cells + 1) * step[1]), mode="bilinear", align_corners=False
            )
            down, right = (rng.integers(0, s, k) for s in step)
            masks = torch.stack(
                [f[:, d : d + height, r : r + width] for f, d, r in zip(fine, down, right, strict=True)]
            )
            masks = masks.to(film.device)
            p = model.net(film * masks).softmax(1)[:, target]
            total += (p[:, None, None] * masks[:, 0]).sum(0)
            seen += masks[:, 0].sum(0)
    return total / seen.clamp(min=1e-6)

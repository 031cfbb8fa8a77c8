"""The training of the lungs' network: Dice and cross-entropy, on films of several sources by turns, augmented anew each time.

Every epoch takes as many films of each source, so that the source with most films does not decide what a lung is. What is drawn follows
from (seed, epoch) and from a film's name, so a training that was stopped goes on from its last epoch to the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from hilum.artifacts.masks import SIDE_PX
from hilum.augment.operation import Operation
from hilum.augment.pipeline import Pipeline
from hilum.core.progress import progress
from hilum.core.seeding import generator
from hilum.segment.films import LungFilms
from hilum.segment.network import LungNet
from hilum.segment.score import dice

AUGMENTATION: Final = Pipeline.from_dict(
    {
        "name": "lungs",
        "steps": [
            {"op": "resize", "width_px": SIDE_PX, "height_px": SIDE_PX},
            {"op": "flip_left_right", "probability": 0.5},
            {"op": "rotate", "max_left_rotation": 12, "max_right_rotation": 12, "probability": 0.5},
            {"op": "zoom", "min_factor": 0.75, "max_factor": 1.2, "probability": 0.5},
            {"op": "zoom_random", "percentage_area": 0.75, "probability": 0.3},
            {"op": "shear", "max_shear_left": 8, "max_shear_right": 8, "probability": 0.3},
            {"op": "random_contrast", "min_factor": 0.4, "max_factor": 1.6, "probability": 0.6},
            {"op": "random_brightness", "min_factor": 0.6, "max_factor": 1.4, "probability": 0.4},
        ],
    }
)
GAMMA: Final = 0.5
"""Greys are raised to a power drawn between this and its inverse, evenly in its logarithm."""
OUTLIER: Final = 0.7
"""A film whose own mask agrees less (Dice) with the network after half of the epochs is left out of the rest: its mask is of another film,
or of nothing. None is left out unless the network agrees with half of the films by `LEARNED`."""
LEARNED: Final = 0.9
WEIGHT_DECAY: Final = 1e-4
WARM_UP: Final = 0.1
"""Share of the steps over which the rate rises; it then falls as a half cosine."""


@dataclass(frozen=True)
class LungTraining:
    """How the network is trained.

    Attributes:
        epochs: Passes.
        films: Films an epoch, in equal shares from every source.
        batch: Films a step.
        rate: Highest learning rate, of AdamW.
        seed: Of all that is drawn.
        bf16: Compute the network in bfloat16, sooner where the processor has it.
    """

    epochs: int = 15
    films: int = 1500
    batch: int = 16
    rate: float = 2e-3
    seed: int = 0
    bf16: bool = False


@dataclass(frozen=True, eq=False)
class Trained:
    """A network and how it came about.

    Attributes:
        losses: Mean loss of each epoch.
        left_out: Names of films that were left out as outliers (`OUTLIER`).
    """

    network: LungNet
    losses: tuple[float, ...]
    left_out: tuple[str, ...]


def train(
    films: LungFilms,
    options: LungTraining,
    state: dict[str, Any] | None = None,
    save: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Trained:
    """Train a network from weights drawn from the seed.

    Args:
        films: To train on.
        options: How.
        state: What `save` was given last, to go on from there.
        save: Given the state after each epoch.
    """
    network = LungNet(options.seed).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=WEIGHT_DECAY)
    kept, losses = np.ones(len(films), bool), list[float]()
    if state is not None:
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        kept, losses = np.array(state["kept"], bool), list(state["losses"])
    per_epoch = math.ceil(options.films / options.batch)
    with progress("segment: train", options.films * (options.epochs - len(losses))) as step:
        for epoch in range(len(losses), options.epochs):
            total, order = 0.0, _order(films, kept, options, epoch)
            network.train()
            for k in range(per_epoch):
                at = k * options.batch
                which = order[at : at + options.batch]
                for group in optimiser.param_groups:
                    group["lr"] = options.rate * _warmth(
                        (epoch * per_epoch + k) / (options.epochs * per_epoch)
                    )
                pixels, masks = _batch(films, which, options, epoch * options.films + at)
                optimiser.zero_grad()
                with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
                    logits = network(pixels).float()
                loss = lung_loss(logits, masks, torch.from_numpy(films.conventions[which]))
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                total += float(loss.detach()) * len(which)
                step(len(which))
            losses.append(total / len(order))
            if epoch + 1 == options.epochs // 2:
                kept = agreeing(network, films)
            save(_state(network, optimiser, kept, losses))
    network.eval()
    left_out = tuple(name for name, keep in zip(films.names, kept, strict=True) if not keep)
    return Trained(network, tuple(losses), left_out)


def lung_loss(logits: Tensor, masks: Tensor, conventions: Tensor) -> Tensor:
    """Mean over films of binary cross-entropy plus 1 - soft Dice (Milletari et al. 2016), on the output of each film's convention.

    Args:
        logits: (n, n_conventions, height, width).
        masks: float32 (n, height, width), 0 to 1.
        conventions: int64 (n,).
    """
    own = logits[torch.arange(len(logits)), conventions]
    p = torch.sigmoid(own)
    common, both = (p * masks).sum((1, 2)), (p + masks).sum((1, 2))
    soft_dice = (2 * common + 1) / (both + 1)
    return binary_cross_entropy_with_logits(own, masks) + (1 - soft_dice).mean()


def agreeing(network: LungNet, films: LungFilms) -> NDArray[np.bool_]:
    """Whether each film's own mask is near that of the network (`OUTLIER`), bool (n,)."""
    network.eval()
    scores: list[float] = []
    for at in range(0, len(films), 64):
        with torch.inference_mode():
            logits = network(torch.from_numpy(films.pixels[at : at + 64])).numpy()
        for k, found in enumerate(logits, at):
            lung = np.where(found[films.conventions[k]] > 0, 255, 0).astype(np.uint8)
            scores.append(dice(lung, films.masks[k]))
    return np.array(scores) >= (OUTLIER if np.median(scores) >= LEARNED else 0.0)


def _order(films: LungFilms, kept: NDArray[np.bool_], options: LungTraining, epoch: int) -> NDArray[np.int64]:
    """Films of an epoch: of each source an equal share, all of a small one before any comes again; (options.films,)."""
    rng = generator(options.seed, "lungs", "order", epoch)
    sources = np.array(films.sources)
    names = np.unique(sources[kept])
    drawn = []
    for k, name in enumerate(names):
        n = options.films * (k + 1) // len(names) - options.films * k // len(names)
        own = np.flatnonzero(kept & (sources == name))
        rounds = [rng.permutation(own) for _ in range(math.ceil(n / len(own)))]
        drawn.append(np.concatenate(rounds)[:n])
    return np.asarray(rng.permutation(np.concatenate(drawn)), np.int64)


def _batch(
    films: LungFilms, which: NDArray[np.int64], options: LungTraining, first: int
) -> tuple[Tensor, Tensor]:
    """Augmented films, float32 greys, and masks, 0 to 1; `first` numbers the first of them among all of the training."""
    pixels, masks = [], []
    for copy, k in enumerate(which.tolist(), first):
        film, mask = films.pixels[k], films.masks[k]
        drawn = AUGMENTATION.draw(options.seed, films.names[k], copy, "train", *film.shape)
        for operation, what, _, _ in AUGMENTATION.done(drawn, *film.shape):
            film = operation.apply(film, what)
            if type(operation).move is not Operation.move:  # it moves places, so the mask goes along
                mask = operation.apply(mask, what)
        power = GAMMA ** generator(options.seed, "lungs", "gamma", copy).uniform(-1.0, 1.0)
        pixels.append(255.0 * (film / 255.0) ** power)
        masks.append(mask / 255.0)
    return torch.from_numpy(np.stack(pixels)).float(), torch.from_numpy(np.stack(masks)).float()


def _warmth(done: float) -> float:
    """Share of the highest rate after a share of the steps."""
    if done < WARM_UP:
        return 0.01 + 0.99 * done / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))


def _state(
    network: LungNet, optimiser: torch.optim.Optimizer, kept: NDArray[np.bool_], losses: list[float]
) -> dict[str, Any]:
    return {
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "kept": kept.tolist(),
        "losses": losses,
    }

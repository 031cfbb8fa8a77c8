"""Films to lung masks, with the weights that hilum ships or with somebody's own.

A film and its mirror image go through the network; the mask is the mean of both, and how far they agree is part of its quality. Every
batch has the same shape and one thread computes it, so that a mask does not depend on which films share its batch, nor on the workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from hilum.artifacts.masks import SIDE_PX, SOURCE, LungMask
from hilum.core.digests import digest, sha256_bytes
from hilum.core.errors import InputError, require_known
from hilum.core.files import write_bytes
from hilum.core.progress import Step, no_progress
from hilum.models.machine import threads
from hilum.segment.films import coverage, squashed
from hilum.segment.network import CONVENTIONS, LUNGS, LungNet
from hilum.segment.quality import cleaned, failure, quality
from hilum.segment.score import dice

SHIPPED: Final = "lungs.safetensors"
_BATCH: Final = 4
_RULES: Final = 1
"""Raised when the same weights would give another mask or another word on it."""


class Segmenter:
    """A network with the convention that its masks follow.

    Args:
        network: Trained.
        weights_sha256: Digest of the file that it came from.
        convention: A name of `CONVENTIONS`.

    Raises:
        InputError: An unknown convention.
    """

    def __init__(self, network: LungNet, weights_sha256: str, convention: str = LUNGS) -> None:
        require_known(convention, CONVENTIONS, "unknown convention of lungs")
        self.network = network.eval()
        self.weights_sha256, self.convention = weights_sha256, convention
        self._output = list(CONVENTIONS).index(convention)

    @classmethod
    def read(cls, path: Path, convention: str = LUNGS) -> Segmenter:
        """A segmenter of weights that `write_weights` wrote.

        Raises:
            InputError: There is no such file, or it holds no weights of this network.
        """
        try:
            return cls._of(path.read_bytes(), convention)
        except (OSError, SafetensorError, RuntimeError) as e:
            why = getattr(e, "strerror", None) or "it does not hold the weights of the lungs' network"
            raise InputError(f"{path}: {why}; give a file of `hilum segment train`") from None

    @classmethod
    @cache
    def shipped(cls, convention: str = LUNGS) -> Segmenter:
        """A segmenter of the weights that come with hilum; ``lungs-card.json`` beside them says what they were trained on."""
        return cls._of((files("hilum.segment") / SHIPPED).read_bytes(), convention)

    @classmethod
    def _of(cls, data: bytes, convention: str) -> Segmenter:
        network = LungNet()
        state = {name: tensor.float() for name, tensor in load(data).items()}
        counters = {k: v for k, v in network.state_dict().items() if k not in _stored(network)}
        network.load_state_dict({**counters, **state})
        return cls(network, sha256_bytes(data), convention)

    @property
    def digest(self) -> str:
        """Digest of all that makes a difference to a mask besides the film."""
        rules = [_RULES, SIDE_PX, _BATCH]
        return digest({"weights": self.weights_sha256, "convention": self.convention, "rules": rules})

    def masks(self, films: Sequence[NDArray[np.uint8]], step: Step = no_progress) -> list[LungMask]:
        """The lungs of decoded films of any size, in their order; one that cannot be trusted says why in `failed`."""
        out: list[LungMask] = []
        for at in range(0, len(films), _BATCH):
            small = [squashed(film) for film in films[at : at + _BATCH]]
            found, agreements = self._found(np.stack(small))
            step(len(small))
            for mask, agreement in zip(found, agreements, strict=True):
                lungs = cleaned(mask)
                told = quality(lungs, agreement)
                out.append(LungMask(lungs, self.digest, told, failure(told)))
        return out

    def usable(self, film: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """The mask of one film; None where it cannot be trusted."""
        (found,) = self.masks([film])
        return None if found.failed else found.mask

    def _found(self, films: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], list[float]]:
        """Masks as the network gives them, and their agreement with those of the mirrored films, of at most `_BATCH` films."""
        full = np.zeros((_BATCH, SIDE_PX, SIDE_PX), np.uint8)
        full[: len(films)] = films
        both = torch.from_numpy(np.concatenate([full, full[:, :, ::-1]]))
        with torch.inference_mode(), threads(1):
            p = torch.sigmoid(self.network(both)[:, self._output]).numpy()
        plain, mirrored = p[: len(films)], p[_BATCH : _BATCH + len(films), :, ::-1]
        agreements = [dice(_grey(a), _grey(b)) for a, b in zip(plain, mirrored, strict=True)]
        return _grey((plain + mirrored) / 2), [round(a, 4) for a in agreements]


def source_mask(mask: NDArray[np.uint8]) -> LungMask:
    """A source's own mask, decoded, of any size, as it is kept."""
    covered = coverage(mask)
    told = quality(covered)
    return LungMask(covered, SOURCE, told, failure(told))


def write_weights(path: Path, network: LungNet) -> str:
    """Write a network's weights as half floats, safetensors; returns the digest of the file."""
    data: bytes = save({name: t.half().contiguous() for name, t in _stored(network).items()})
    write_bytes(path, data)
    return sha256_bytes(data)


def _stored(network: LungNet) -> dict[str, Any]:
    """What a file of weights holds: all but BatchNorm's counters, which nothing uses."""
    return {k: v for k, v in network.state_dict().items() if v.is_floating_point()}


def _grey(p: NDArray[np.float32]) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = np.rint(p * np.float32(255)).astype(np.uint8)
    return grey

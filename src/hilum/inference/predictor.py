"""The one way from films to scores: predict and serve go through here, with the decoding and preparation of training.

A film is decoded by `hilum.imaging.decode`, prepared by the fixed steps of the bundle's pipeline (nothing is drawn),
normalised, passed through the frozen backbone and the head. Probabilities are the softmax of the head's logits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header, require_digest
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import FilmError
from hilum.imaging.decode import decode
from hilum.models.backbone import FrozenBackbone
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.models.weights import find


def load_head(bundle: Bundle, state: Mapping[str, NDArray[np.float32]]) -> nn.Module:
    """The bundle's head with its weights, in evaluation."""
    head = build_head(backbone(bundle.backbone), len(bundle.classes), seed=0)
    head.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in state.items()}, strict=True)
    return head.eval()


def probabilities(logits: torch.Tensor) -> NDArray[np.float64]:
    """Softmax in double precision, shape (n, n_classes)."""
    return np.asarray(torch.softmax(logits.double(), dim=1).cpu().numpy(), dtype=np.float64)


@dataclass(frozen=True)
class Scored:
    """A film's scores, or why it has none.

    Attributes:
        name: What the caller calls the film.
        probabilities: Shape (n_classes,), or None.
        positive: Whether the positive class reaches the operating point, or None.
        error: Empty, or the reason.
    """

    name: str
    probabilities: NDArray[np.float64] | None
    positive: bool | None
    error: str = ""


class Predictor:
    """A bundle, loaded and ready.

    Args:
        folder: The bundle.
        device: ``cpu`` or ``cuda``.

    Raises:
        InputError: No bundle, or its backbone's weights cannot be found here.
        DigestError: The weights found are not those that it was trained on.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.bundle, self.header, state = Bundle.read(folder)
        b = self.bundle
        weights = find(backbone(b.backbone), b.weights["choice"])
        self._network = FrozenBackbone(
            backbone(b.backbone),
            weights,
            b.weights["seed"],
            "bf16" if b.precision == "bf16" else "fp32",
            device,
        )
        require_digest("backbone weights", b.state_sha256, self._network.state_sha256, folder)
        self._head = load_head(b, state)
        self._pipeline = Pipeline.from_dict(b.preparation)

    def prepare(self, data: bytes) -> NDArray[np.uint8]:
        """A film's bytes to the pixels that the backbone sees: uint8 (height, width).

        Raises:
            FilmError: The film cannot be used.
        """
        return self._pipeline.deterministic(decode(data).pixels)

    def score_pixels(self, films: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probabilities of prepared films, float64 (n, n_classes)."""
        features = self._network.features(films, self.bundle.batch).cpu()
        if backbone(self.bundle.backbone).spatial:  # as the feature store keeps them
            features = features.half().float()
        with torch.inference_mode():
            return probabilities(self._head(features))

    def score(self, films: Iterable[tuple[str, bytes | FilmError]]) -> Iterator[Scored]:
        """Score films in batches; yields one `Scored` for each, in order."""
        waiting: list[tuple[str, NDArray[np.uint8] | str]] = []
        for name, data in films:
            try:
                waiting.append((name, self.prepare(data) if isinstance(data, bytes) else data.reason))
            except FilmError as e:
                waiting.append((name, e.reason))
            if len(waiting) == self.bundle.batch:
                yield from self._score_batch(waiting)
                waiting = []
        yield from self._score_batch(waiting)

    def _score_batch(self, batch: list[tuple[str, Any]]) -> Iterator[Scored]:
        good = [film for _, film in batch if not isinstance(film, str)]
        scores: Iterator[NDArray[np.float64]] = iter(self.score_pixels(np.stack(good)) if good else ())
        threshold = self.bundle.operating_point["threshold"]
        k = self.bundle.classes.index(self.bundle.positive)
        for name, film in batch:
            if isinstance(film, str):
                yield Scored(name, None, None, film)
            else:
                p = next(scores)
                yield Scored(name, p, bool(p[k] >= threshold))


def provenance(predictor: Predictor) -> Header:
    """Header for predictions of this bundle."""
    return Header(
        "predictions",
        inputs={"bundle": predictor.header.inputs.get("train", "")},
        options={"path": "fixed steps only"},
    )

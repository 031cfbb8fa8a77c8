"""A bundle's network as a program that runs without hilum: an ONNX graph, or one that torch alone loads.

Both are the plain network in single precision, backbone and head, for any number of prepared films. The graph of ONNX begins with
normalised pixels, and what comes before them is its metadata; the program of torch normalises grey films itself. Neither decodes or
prepares a film.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.models.networks import WholeNetwork
from hilum.models.onnx_graph import PIXELS, PixelTable, quiet_exporters, session_of, write_graph

Logits = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Prepared films, uint8 (n, height, width), to logits (n, n_classes)."""

LOGITS, PROBABILITIES = "logits", "probabilities"
_TRACED = 2
"""Films of the example that the graph is traced with: one would be taken for a constant."""


class _Scores(nn.Module):
    """Logits and their softmax."""

    def __init__(self, network: WholeNetwork, from_pixels: bool) -> None:
        super().__init__()
        self.network, self.from_pixels = network, from_pixels

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.network.head(self.network.body(x)) if self.from_pixels else self.network(x)
        return z, torch.softmax(z, dim=1)


def write_onnx(network: WholeNetwork, size_px: tuple[int, int], metadata: dict[str, str], path: Path) -> None:
    """Write an ONNX file: ``pixels``, normalised, float32 (n, channels, height, width), to ``logits`` and ``probabilities`` (n, n_classes).

    Raises:
        InputError: The extra ``onnx`` is not installed.
    """
    example = torch.zeros(_TRACED, len(network.b.mean), *size_px)
    scores = _Scores(network, from_pixels=True).eval()
    write_graph(scores, example, [LOGITS, PROBABILITIES], path, metadata, any_number=True)


def write_torch(network: WholeNetwork, size_px: tuple[int, int], path: Path) -> None:
    """Write a program of ``torch.export``: grey films, uint8 (n, height, width), to logits and probabilities, (n, n_classes)."""
    example = torch.zeros(_TRACED, *size_px, dtype=torch.uint8)
    with quiet_exporters():
        program = torch.export.export(
            _Scores(network, from_pixels=False).eval(),
            (example,),
            dynamic_shapes=({0: torch.export.Dim("films", min=1)},),
        )
        with path.open("wb") as f:  # by name it takes only one that ends in .pt2
            torch.export.save(program, f)


def of_onnx(path: Path, network: WholeNetwork, threads: int = 0) -> Logits:
    """An ONNX file as it runs in ONNX Runtime; `network`, of which it was made, knows the normalisation. With `threads`, in so many."""
    session, pixels = session_of(path, threads), PixelTable(network.b.mean, network.b.std)

    def logits(films: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.asarray(session.run([LOGITS], {PIXELS: pixels(films)})[0], np.float64)

    return logits


def of_torch(path: Path) -> Logits:
    """A program of torch as it runs once loaded."""
    with path.open("rb") as f:
        module = torch.export.load(f).module()
    return lambda films: np.asarray(module(torch.from_numpy(films))[0].numpy(), np.float64)


def of_network(network: WholeNetwork) -> Logits:
    """The network itself."""

    def logits(films: NDArray[np.uint8]) -> NDArray[np.float64]:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(films)).numpy(), np.float64)

    return logits

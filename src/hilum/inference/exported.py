"""A bundle's network as a program that runs without hilum: an ONNX graph, or one that torch alone loads.

Both are the plain network in single precision, backbone and head, for any number of prepared films. The graph of ONNX begins with
normalised pixels, and what comes before them is its metadata; the program of torch normalises grey films itself. Neither decodes or
prepares a film.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.core.errors import InputError
from hilum.models.networks import WholeNetwork

Logits = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Prepared films, uint8 (n, height, width), to logits (n, n_classes)."""

PIXELS, LOGITS, PROBABILITIES = "pixels", "logits", "probabilities"
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
    needs_onnx()
    example = torch.zeros(_TRACED, len(network.b.mean), *size_px)
    with _quiet():
        program = torch.onnx.export(
            _Scores(network, from_pixels=True).eval(),
            (example,),
            dynamo=True,
            input_names=[PIXELS],
            output_names=[LOGITS, PROBABILITIES],
            dynamic_shapes=({0: torch.export.Dim("films", min=1)},),
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(metadata)
    program.save(str(path), external_data=False)


def write_torch(network: WholeNetwork, size_px: tuple[int, int], path: Path) -> None:
    """Write a program of ``torch.export``: grey films, uint8 (n, height, width), to logits and probabilities, (n, n_classes)."""
    example = torch.zeros(_TRACED, *size_px, dtype=torch.uint8)
    with _quiet():
        program = torch.export.export(
            _Scores(network, from_pixels=False).eval(),
            (example,),
            dynamic_shapes=({0: torch.export.Dim("films", min=1)},),
        )
        with path.open("wb") as f:  # by name it takes only one that ends in .pt2
            torch.export.save(program, f)


def of_onnx(path: Path, network: WholeNetwork, threads: int = 0) -> Logits:
    """An ONNX file as it runs in ONNX Runtime; `network`, of which it was made, knows the normalisation. With `threads`, in so many."""
    runtime = cast(Any, needs_onnx())
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # idle threads would take a core from others
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    mean, std = cast(Tensor, network.mean).numpy(), cast(Tensor, network.std).numpy()

    def logits(films: NDArray[np.uint8]) -> NDArray[np.float64]:
        pixels = ((films[:, None] / np.float32(255)) - mean) / std
        return np.asarray(session.run([LOGITS], {PIXELS: pixels})[0], np.float64)

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


def needs_onnx() -> object:
    """ONNX Runtime.

    Raises:
        InputError: The extra is not installed.
    """
    for name in ("onnx", "onnxscript", "onnxruntime"):
        try:
            found = importlib.import_module(name)
        except ImportError:
            raise InputError(f"an ONNX file needs the package {name}: pip install 'hilum[onnx]'") from None
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporters say of their own future."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)

"""Networks as graphs of ONNX, and how ONNX Runtime runs them here: what the feature engine, the service and `hilum export` share.

A graph begins with normalised pixels, float32 (n, channels, height, width). It is the plain network: ONNX Runtime folds BatchNorm into
convolutions by itself, and chooses its blocked layout when a session is made.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.core.errors import InputError

PIXELS: Final = "pixels"
"""Name of a graph's input."""


_PACKAGES: Final = ("onnx", "onnxscript", "onnxruntime")


def missing_onnx() -> str:
    """The package of the extra ``onnx`` that is not installed, and how to get it; empty where all are. Nothing is imported."""
    name = next((n for n in _PACKAGES if find_spec(n) is None), "")
    return f"an ONNX file needs the package {name}: pip install 'hilum[onnx]'" if name else ""


def needs_onnx() -> ModuleType:
    """ONNX Runtime.

    Raises:
        InputError: The extra is not installed.
    """
    if missing := missing_onnx():
        raise InputError(missing)
    return [importlib.import_module(name) for name in _PACKAGES][-1]


def write_graph(
    network: nn.Module,
    example: Tensor,
    outputs: Sequence[str],
    path: Path,
    metadata: Mapping[str, str] | None = None,
    any_number: bool = False,
) -> None:
    """Write a network in evaluation as an ONNX file.

    Args:
        network: Takes normalised pixels.
        example: Pixels that it is traced with, of the shape that the graph has.
        outputs: Names of what it gives.
        path: The file.
        metadata: Kept in the file.
        any_number: Whether the graph takes any number of films; the example then has two, for one would be taken for a constant.

    Raises:
        InputError: The extra ``onnx`` is not installed.
    """
    needs_onnx()
    with quiet_exporters():
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=[PIXELS],
            output_names=list(outputs),
            dynamic_shapes=({0: torch.export.Dim("films", min=1)},) if any_number else None,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(metadata or {})
    program.save(str(path), external_data=False)


def session_of(path: Path, threads: int = 0) -> Any:
    """An ONNX file, ready to run on the CPU; with `threads`, in so many. Several threads may ask it at once."""
    runtime = needs_onnx()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # idle threads would take a core from others
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class PixelTable:
    """Normalisation of grey films as a table of their 256 values, with the bits that arithmetic in single precision gives.

    Args:
        mean: Of each channel, for pixels in [0, 1].
        std: Likewise.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        grey = np.arange(256, dtype=np.float32) / np.float32(255)
        of_channel = [(grey - np.float32(m)) / np.float32(s) for m, s in zip(mean, std, strict=True)]
        self._values = np.stack(of_channel)

    def __call__(self, films: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Films, uint8 (n, height, width), to pixels, float32 (n, channels, height, width)."""
        out = np.empty((len(films), len(self._values), *films.shape[1:]), np.float32)
        for k, values in enumerate(self._values):
            np.take(values, films, out=out[:, k], mode="clip")
        return out


@contextmanager
def quiet_exporters() -> Iterator[None]:
    """Without what torch's exporters say of their own future."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)

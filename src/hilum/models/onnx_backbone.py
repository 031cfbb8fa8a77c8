"""A frozen backbone in ONNX Runtime, in fp32 or in whole numbers of 8 bits: a film a call in one shape, a film a core, one thread each.

So neither who else is asked at the time, nor in what groups, nor the number of cores makes a difference to a feature: no sum is divided
among threads. Sessions may be asked by several threads at once (onnxruntime's maintainers: "Sessions are stateless so you can call Run
concurrently", https://github.com/microsoft/onnxruntime/issues/22967).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.core.engine import available_cores
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.models.backbone import Precision, Tap, build_network, folded, require_freezable
from hilum.models.onnx_graph import PIXELS, PixelTable, needs_onnx, session_of, write_graph
from hilum.models.onnx_int8 import Ranges, ranges_of, write_int8
from hilum.models.registry import Backbone
from hilum.models.weights import Weights, state_sha256

ONNX: Final = "onnx"
INT8: Final = "onnx-int8"
TOLERANCE: Final = {"vector": 1e-4, "map": 5e-4}
"""Largest difference of a feature from torch's in fp32, relative to the largest feature of the film, by what the backbone gives: a vector
is kept as float32; a map as float16, which by itself rounds by as much."""
_FEATURES: Final = "features"
_CHECKED, _SESSIONS, _AT_ONCE = 2, 4, 64


def onnx_versions() -> dict[str, str]:
    """What an ONNX graph and its sums follow from besides the libraries that made the network."""
    needs_onnx()
    return {name: version(name) for name in ("onnxruntime", "onnxscript")}


class OnnxBackbone:
    """Films to features, as `hilum.models.backbone.FrozenBackbone` in fp32 on a CPU gives them, within `TOLERANCE`; or about so.

    Args:
        b: Which backbone.
        weights: What it starts from.
        seed: For random weights only.
        size_px: (height, width) of the films.
        workers: Films at a time; as many as there are cores.
        ranges: Of `activation_ranges`, for whole numbers of 8 bits; none for fp32.

    Attributes:
        engine: ``onnx``, or ``onnx-int8``.
        state_sha256: Digest of the network's weights and BatchNorm statistics.
        difference: The largest from torch, relative to the largest feature, on films that it was checked on.
        at_once: Films that one call of `features` should have, so that no core is idle at its end.

    Raises:
        InputError: The extra ``onnx`` is not installed; the network is only trained as a whole, cannot be made a graph, or its graph does
            not say what it says.
    """

    at_once = _AT_ONCE

    def __init__(
        self,
        b: Backbone,
        weights: Weights,
        seed: int = 0,
        size_px: tuple[int, int] = (244, 244),
        workers: int | None = None,
        ranges: Ranges | None = None,
    ) -> None:
        needs_onnx()
        require_freezable(b)
        self.b, self._size_px, self.engine = b, size_px, INT8 if ranges else ONNX
        by_name = tuple((name, tuple(limits)) for name, limits in sorted((ranges or {}).items()))
        self._session, self.state_sha256, self.difference = _session(b, weights, seed, size_px, by_name)
        self._pixels = PixelTable(b.mean, b.std)
        self._workers = ThreadPoolExecutor(workers or available_cores(), "features")

    def check_unchanged(self) -> None:
        """Nothing to check: the weights of a session cannot be written."""

    def features(
        self, films: NDArray[np.uint8], batch: int = 1, precision: Precision | None = None
    ) -> Tensor:
        """Features of films.

        Args:
            films: uint8, shape (n, height, width), any number.
            batch: Makes no difference, and is there because of torch's; as `precision`, which is always fp32.

        Returns:
            float32 on the CPU, (n, C) or (n, C, h, w).
        """
        del batch, precision
        if films.shape[1:] != self._size_px:
            raise InputError(
                f"the graph of {self.b.name} takes films of {self._size_px} px, got {films.shape[1:]}"
            )
        return torch.from_numpy(np.stack(list(self._workers.map(self._of_one, films))))

    def _of_one(self, film: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(self._session.run(None, {PIXELS: self._pixels(film[None])})[0][0], np.float32)


def activation_ranges(
    b: Backbone, weights: Weights, seed: int, size_px: tuple[int, int], films: NDArray[np.uint8]
) -> dict[str, tuple[float, float]]:
    """What the activations of a backbone reach over films, uint8 (n, height, width), for its graph in whole numbers.

    Raises:
        InputError: As `OnnxBackbone`.
    """
    needs_onnx()
    pixels = PixelTable(b.mean, b.std)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{_FEATURES}.onnx"
        tap = Tap(build_network(b, weights, seed), b).eval()
        with _made_a_graph_of(b):
            _write(folded(tap, b), b, size_px, path)
            return ranges_of(path, (pixels(film[None]) for film in films))


@lru_cache(_SESSIONS)
def _session(
    b: Backbone,
    weights: Weights,
    seed: int,
    size_px: tuple[int, int],
    ranges: tuple[tuple[str, tuple[float, ...]], ...],
) -> tuple[Any, str, float]:
    """The session of a backbone, made once in a process; with the network's digest and the difference from torch."""
    net = build_network(b, weights, seed)
    state = state_sha256(net)
    tap = Tap(net, b).eval()
    with TemporaryDirectory() as folder, _made_a_graph_of(b):
        path = Path(folder) / f"{_FEATURES}.onnx"
        _write(folded(tap, b) if ranges else tap, b, size_px, path)
        if ranges:
            path, plain = path.with_suffix(".int8.onnx"), path
            write_int8(plain, {name: (low, high) for name, (low, high) in ranges}, path)
        session = session_of(path, 1)
    return session, state, _difference(b, tap, session, size_px, bounded=not ranges)


def _write(network: nn.Module, b: Backbone, size_px: tuple[int, int], path: Path) -> None:
    write_graph(network, torch.zeros(1, len(b.mean), *size_px), [_FEATURES], path)


@contextmanager
def _made_a_graph_of(b: Backbone) -> Iterator[None]:
    """Name the backbone of which no graph can be made."""
    try:
        yield
    except InputError:
        raise
    except Exception as e:  # whatever torch's exporter, or ONNX Runtime, raises
        raise InputError(
            f"{b.name} cannot be made a graph of ONNX ({type(e).__name__}); use the engine torch"
        ) from e


def _difference(b: Backbone, tap: nn.Module, session: Any, size_px: tuple[int, int], bounded: bool) -> float:
    """The largest difference from torch on films that are drawn, relative to the film's largest feature.

    Raises:
        InputError: It is more than `TOLERANCE`, where it is to be `bounded` by that.
    """
    allowed, most = TOLERANCE["map" if b.spatial else "vector"], 0.0
    for film in check_films(size_px):
        pixels = PixelTable(b.mean, b.std)(film[None])
        with torch.inference_mode():
            own = tap(torch.from_numpy(pixels)).numpy()
        found = session.run(None, {PIXELS: pixels})[0]
        most = max(most, float(np.abs(found - own).max() / max(float(np.abs(own).max()), 1e-12)))
    if bounded and not most <= allowed:
        raise InputError(
            f"the features of {b.name} in ONNX Runtime differ from torch's by {most:.2g} of the largest, more than {allowed:g}; use the "
            "engine torch"
        )
    return most


def check_films(size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Films that are drawn for comparisons, uint8 (n, height, width): noise, and a smooth one that fades to both sides."""
    noise = generator(0, "feature engine").integers(0, 256, (_CHECKED - 1, *size_px), dtype=np.uint8)
    down, across = (np.sin(np.linspace(0.2, 3, side)) for side in size_px)
    smooth = (255 * np.outer(down, across)).astype(np.uint8)
    return np.concatenate([noise, smooth[None]])

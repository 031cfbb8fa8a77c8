"""A graph in whole numbers of 8 bits: static quantisation, by what activations reach over films.

Convention: QDQ form, weights signed and per channel, activations unsigned per tensor by their least and largest value over the films, as
ONNX Runtime recommends for x64 (onnxruntime.ai/docs/performance/model-optimizations/quantization.html). Weights have 7 bits
(``reduce_range``): on processors without VNNI the sums of 8 bits saturate, and a bundle would say something else there. What the films
tell is `Ranges`, from which the same graph is made again without a film.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.models.onnx_graph import PIXELS, needs_onnx, session_of

Ranges = Mapping[str, tuple[float, float]]
"""Name of an activation of the graph -> its least and its largest value over some films."""


class _Films:
    """Films as ONNX Runtime reads them."""

    def __init__(self, pixels: Iterable[NDArray[np.float32]]) -> None:
        self._pixels = iter(pixels)

    def __iter__(self) -> _Films:
        return self

    def __next__(self) -> dict[str, NDArray[np.float32]]:
        return {PIXELS: next(self._pixels)}

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next film, or None."""
        return next(self, None)


def ranges_of(graph: Path, pixels: Iterable[NDArray[np.float32]]) -> dict[str, tuple[float, float]]:
    """What the activations of a graph reach over films, normalised pixels (1, channels, height, width) each."""
    needs_onnx()
    from onnxruntime.quantization.calibrate import create_calibrator

    augmented = graph.with_suffix(".augmented.onnx")
    calibrator: Any = create_calibrator(graph, _quantised_operations(), str(augmented))
    calibrator.infer_session = session_of(augmented, 1)  # its own would divide sums among the cores
    calibrator.collect_data(_Films(pixels))
    found = calibrator.compute_data()
    limits = {name: values.range_value for name, values in sorted(found.items())}
    return {name: (np.asarray(low).item(), np.asarray(high).item()) for name, (low, high) in limits.items()}


def write_int8(graph: Path, ranges: Ranges, out: Path) -> None:
    """Write a graph in whole numbers, by the ranges that its activations have."""
    needs_onnx()
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.quant_utils import load_model_with_shape_infer

    known = {name: (np.float32(low), np.float32(high)) for name, (low, high) in ranges.items()}
    quantizer: Any = QDQQuantizer(
        load_model_with_shape_infer(graph), True, True, QuantType.QInt8, QuantType.QUInt8,
        TensorsData(CalibrationMethod.MinMax, known), [], [], _quantised_operations(), {},
    )  # fmt: skip
    quantizer.quantize_model()
    quantizer.model.save_model_to_file(str(out), False)


def _quantised_operations() -> list[str]:
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    return sorted({*QLinearOpsRegistry, *QDQRegistry})

"""Peaks are what was multiplied or moved, over the seconds of the fastest try."""

from __future__ import annotations

import time

import numpy as np
import pytest

from hilum.models import peaks
from hilum.models.cost import head_cost
from hilum.models.peaks import copy_peak, gemm_peak


def test_a_multiply_add_is_two_operations_and_a_copied_byte_is_read_and_written(monkeypatch) -> None:
    """A product of n x n matrices has 2 n^3 of them, as LINPACK counts; STREAM's copy has two bytes for each."""
    monkeypatch.setattr(peaks, "shortest", lambda work, _: (work(), 0.25)[1])
    assert gemm_peak("fp32", "cpu", 1, sides=(10, 20)).a_second == 2 * 20**3 / 0.25
    assert gemm_peak("bf16", "cpu", 1, sides=(10,)) == (2 * 10**3 / 0.25, "torch, 10 x 10")
    monkeypatch.setattr(peaks, "shortest", lambda *_: 0.5)
    assert copy_peak("cpu", 1, n_bytes=1000).a_second == 4000


def test_a_measured_peak_is_no_lower_than_one_product_of_numpy_s_by_itself() -> None:
    side = 384
    a = np.ones((side, side), np.float32)
    found = gemm_peak("fp32", "cpu", 1, seconds=0.2, sides=(side,)).a_second
    start = time.perf_counter()
    a @ a
    assert found > 0.5 * 2 * side**3 / (time.perf_counter() - start)
    assert copy_peak("cpu", 1, seconds=0.01, n_bytes=2**20).a_second > 1e6


def test_the_cost_of_a_head_is_that_of_its_layers() -> None:
    """torchvision's SqueezeNet ends in a 1 x 1 convolution on 13 x 13 places of 512 channels; ResNet50's vector has 2048 values."""
    assert head_cost("squeezenet1_0", 224, 4) == ((512, 13, 13), 512 * 4 * 13 * 13)
    assert head_cost("resnet50", 224, 4) == ((2048,), 2048 * 64 + 64 * 4)
    assert head_cost("resnet50", 224, 4, "linear").multiply_adds == pytest.approx(2048 * 4)

"""Figures: equal values give equal bytes, SVGs are well-formed and undated, drawn is what was given."""

import io
import xml.etree.ElementTree as ET

import numpy as np
from PIL import Image

from hilum.report import figures, style
from hilum.report.figures import Estimate, PrCurve
from hilum.report.losses import LossCurve


def _loss():
    trials = [LossCurve([1.0, 0.5, 0.3], [1.1, 0.6, 0.5]), LossCurve([0.9, 0.5, 0.2], [1.0, 0.7, 0.4])]
    return figures.loss_curves(["r"], ["p", "q"], {("r", "p"): trials})


def _pr():
    curve = PrCurve("crop, area 0.9", np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.9, 0.2]), (0.5, 0.9))
    return figures.pr_curves([("resnet50", [curve, curve])], prevalence=0.2)


def _confusion():
    return figures.confusion_matrices([("a", np.array([[3, 1], [0, 0]]))], ["covid", "normal"])


def _intervals():
    estimates = [Estimate(0.9, 0.8, 0.95, [0.88, 0.92], 0.87), Estimate(None, None, None)]
    return figures.intervals(["a", "b"], [("Sensitivity", estimates)])


def test_bytes_are_the_same_twice_and_hold_no_date():
    for make in (_pr, _confusion):
        first, second = style.svg_bytes(make()), style.svg_bytes(make())
        assert first == second
        assert ET.fromstring(first).tag.endswith("svg")
        assert b"dc:date" not in first
        assert style.png_bytes(make()) == style.png_bytes(make())


def test_loss_lines_are_the_given_losses():
    ax, empty = _loss().axes
    drawn = [line.get_ydata().tolist() for line in ax.lines]
    assert drawn == [[1.0, 0.5, 0.3], [1.1, 0.6, 0.5], [0.9, 0.5, 0.2], [1.0, 0.7, 0.4]]
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert ax.get_xlabel() == "epoch"
    assert ax.get_ylabel() == "r\nloss (nats)"
    assert not empty.axison


def test_interval_plot_shows_mean_interval_trials_and_paper():
    (ax,) = _intervals().axes
    xs = [np.asarray(line.get_xdata()).tolist() for line in ax.lines]
    assert [0.8, 0.95] in xs
    assert [0.88, 0.92] in xs
    assert [0.9] in xs
    assert [0.87] in xs


def test_confusion_matrix_counts_and_shares_of_the_row():
    (ax,) = _confusion().axes
    assert [t.get_text().replace("\N{NO-BREAK SPACE}", " ") for t in ax.texts] == [
        "3", "75.0 %", "1", "25.0 %", "0", "0.0 %", "0", "0.0 %",
    ]  # fmt: skip


def test_png_has_the_stated_size():
    with style.figure(4, 2) as fig:
        fig.subplots().plot([0, 1])
    assert Image.open(io.BytesIO(style.png_bytes(fig, dpi=100))).size == (400, 200)

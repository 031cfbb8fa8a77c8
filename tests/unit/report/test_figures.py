"""Figures: equal values give equal bytes, SVGs are well-formed and undated, drawn is what was given."""

import io
import itertools
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.history import LossCurve
from hilum.report import style
from hilum.report.compare_page import differences
from hilum.report.curve_figures import PrCurve, loss_curves, pr_curves
from hilum.report.matrix import confusion_matrices


def _loss():
    trials = [LossCurve([1.0, 0.5, 0.3], [1.1, 0.6, 0.5]), LossCurve([0.9, 0.5, 0.2], [1.0, 0.7, 0.4])]
    return loss_curves({("r", "p"): trials, ("r", "q"): []})


def _pr():
    curve = PrCurve("crop, area 0.9", np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.9, 0.2]), (0.5, 0.9))
    return pr_curves([("resnet50", [curve, curve])], prevalence=0.2)


def _confusion():
    return confusion_matrices([("a", np.array([[3, 1], [0, 0]]))], ["covid", "normal"])


def test_bytes_are_the_same_twice_and_hold_no_date():
    for make in (_pr, _confusion):
        first, second = style.svg_bytes(make()), style.svg_bytes(make())
        assert first == second
        assert ET.fromstring(first).tag.endswith("svg")
        assert b"dc:date" not in first
        assert style.png_bytes(make()) == style.png_bytes(make())


def test_a_saved_png_has_the_places_of_its_svg_whatever_matplotlib_is_set_to(tmp_path):
    for make in (_pr, _confusion):
        fig = make()
        svg = style.svg_bytes(fig)
        fig.set_layout_engine("none")
        png = style.png_bytes(fig)
        for rc in ({}, {"figure.constrained_layout.use": True}, {"figure.autolayout": True}):
            fig = make()
            with mpl.rc_context(rc):
                assert style.save(fig, tmp_path, "f") == (svg, png)
            assert fig.get_layout_engine() is None


def test_loss_lines_are_the_given_losses():
    ax, empty = _loss().axes
    drawn = [line.get_ydata().tolist() for line in ax.lines]
    assert drawn == [[1.0, 0.5, 0.3], [1.1, 0.6, 0.5], [0.9, 0.5, 0.2], [1.0, 0.7, 0.4]]
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert ax.get_xlabel() == "epoch"
    assert ax.get_ylabel() == "r\nloss (nats)"
    assert not empty.axison


def test_confusion_matrix_counts_and_shares_of_the_row():
    (ax,) = _confusion().axes
    assert [t.get_text().replace("\N{NO-BREAK SPACE}", " ") for t in ax.texts] == [
        "3", "75.0 %", "1", "25.0 %", "0", "0.0 %", "0", "0.0 %",
    ]  # fmt: skip


def test_png_has_the_stated_size():
    with style.figure(4, 2) as fig:
        fig.subplots().plot([0, 1])
    assert Image.open(io.BytesIO(style.png_bytes(fig, dpi=100))).size == (400, 200)


def _boxes(fig, artists):
    """Where things are drawn, in pixels."""
    fig.canvas.draw()
    return [a.get_window_extent(fig.canvas.get_renderer()) for a in artists]


def test_a_legend_hides_no_curve():
    for n in (1, 4, 9):
        curve = PrCurve("crop-distortion, area 0.912", np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.9, 0.2]))
        fig = pr_curves([("resnet50", [curve] * n)], prevalence=0.2)
        legend = next(ax.get_legend() for ax in fig.axes if ax.get_legend())
        panel, beneath = _boxes(fig, [fig.axes[0].patch, legend])
        assert beneath.y1 < panel.y0
        assert len(legend.get_texts()) == n
        assert beneath.y0 >= 0


def test_a_mark_on_the_edge_of_a_panel_is_whole():
    curve = PrCurve("crop", np.array([0.0, 1.0]), np.array([1.0, 1.0]), (1.0, 1.0))
    ax = pr_curves([("resnet50", [curve])], prevalence=0.2).axes[0]
    (mark,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert not mark.get_clip_on()


@pytest.mark.parametrize("classes", [
    ["bacterial", "covid", "normal", "viral", "virallung_opacity"],
    ["no acute finding", "consolidation or opacity"],
    ["tuberculosis_of_the_lung", "pneumothorax_with_effusion", "no_finding_at_all"],
])  # fmt: skip
def test_names_of_classes_do_not_run_into_each_other(classes):
    n = len(classes)
    panels = [("squeezenet1_0, baseline", np.eye(n, dtype=np.int64))] * 3
    fig = confusion_matrices(panels, classes)
    for ax in fig.axes:
        labels = ax.get_xticklabels()
        _boxes(fig, labels)
        if not labels[0].get_rotation():
            flat = _boxes(fig, labels)
            assert all(a.x1 < b.x0 for a, b in itertools.pairwise(flat))
        else:  # turned about their right ends, they lie side by side: the step must be wider than a text is high
            step = np.diff(ax.transData.transform([(k, 0) for k in range(n)])[:, 0]).min()
            lines = max(label.get_text().count("\n") + 1 for label in labels)
            high = lines * 1.3 * labels[0].get_fontsize() * fig.dpi / 72
            assert high / np.sin(np.radians(labels[0].get_rotation())) < step
    for ax in fig.axes[:1]:
        down = _boxes(fig, ax.get_yticklabels())
        assert all(a.y0 > b.y1 for a, b in itertools.pairwise(down))


def test_ticks_of_differences_do_not_run_into_each_other():
    rows = [
        ComparisonRow(
            family="f", metric=metric, class_="covid", cell="c", reference="b", label="crop against a-long-pipeline-name",
            value=0.9, reference_value=0.8877, estimate=0.0123, low=-0.03 * k, high=0.05 * k, low_one=-0.02 * k,
            high_one=0.04 * k, p=0.5, p_adjusted=1, verdict="not distinguishable", method="t",
        )
        for metric, k in (("sensitivity", 1), ("specificity", 0.01), ("pr_auc", 10))
    ]  # fmt: skip
    fig = differences(rows)
    for ax in fig.axes:
        fig.canvas.draw()
        labels = [t for t in ax.get_xticklabels() if ax.viewLim.x0 <= t.get_position()[0] <= ax.viewLim.x1]
        flat = _boxes(fig, labels)
        assert len(flat) >= 2
        assert all(a.x1 < b.x0 for a, b in itertools.pairwise(flat))
    (shared,) = _boxes(fig, [fig._supxlabel])
    assert shared.x0 >= 0
    assert shared.x1 <= fig.bbox.x1

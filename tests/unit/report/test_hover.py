"""What the pointer is told: named lines, their points and places; nothing that is unnamed, and nothing that ends the page's element."""

import json

import numpy as np
import pytest

from hilum.artifacts.history import LossCurve
from hilum.report import hover, style
from hilum.report.curve_figures import PrCurve, loss_curves, pr_curves
from hilum.report.page import Picture


def _told(fig, tmp_path):
    style.save(fig, tmp_path, "f")
    return json.loads(hover.points(fig))


def test_a_point_lies_where_the_picture_has_it(tmp_path):
    """The place that the page computes from box and limits is the pixel that matplotlib drew."""
    with style.figure(4, 3) as fig:
        ax = fig.subplots()
        ax.plot([1, 10, 100], [3.0, 2.0, 2.5], label="a line", color="#0072B2")
        ax.set(xscale="log", xlabel="rate")
    (panel,) = _told(fig, tmp_path)
    (line,) = panel["lines"]
    assert (line["name"], line["colour"], line["x"], line["y"]) == (
        "a line",
        "#0072b2",
        [1, 10, 100],
        [3, 2, 2.5],
    )
    assert panel["along"] == "rate"
    assert panel["log"] == [True, False]
    left, top, right, bottom = panel["box"]
    (x_low, x_high), (y_low, y_high) = panel["x"], panel["y"]
    across = np.log(10 / x_low) / np.log(x_high / x_low)
    up = (2.0 - y_low) / (y_high - y_low)
    drawn = ax.transData.transform((10, 2.0)) / (fig.bbox.width, fig.bbox.height)
    assert left + across * (right - left) == pytest.approx(drawn[0], abs=1e-4)
    assert bottom - up * (bottom - top) == pytest.approx(1 - drawn[1], abs=1e-4)


def test_lines_without_a_name_are_not_told_and_a_figure_without_any_has_no_points(tmp_path):
    with style.figure(4, 3) as fig:
        ax = fig.subplots()
        ax.plot([0, 1], [0, 1])
        ax.axhline(0.5, label="_nolegend_")
        ax.plot([0, 1], [1, 1], ls="", marker="o", label="dots")
    style.save(fig, tmp_path, "f")
    assert hover.points(fig) == ""


def test_every_trial_of_a_loss_curve_is_told_and_only_the_first_is_in_the_legend(tmp_path):
    trials = [LossCurve([1.0, 0.5], [1.1, 0.6]), LossCurve([0.9, 0.4], [1.0, 0.7], best=1)]
    fig = loss_curves({("a", "p"): trials, ("b", "p"): trials[:1]})
    first, second = _told(fig, tmp_path)
    names = [line["name"] for line in first["lines"]]
    assert names == ["training", "validation", "training, trial 2", "validation, trial 2"]
    assert first["along"] == second["along"] == "epoch"
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["training", "validation"]
    assert first["box"][3] < second["box"][1]
    kept = [line for line in fig.axes[0].get_lines() if line.get_marker() == "o"]
    assert [tuple(np.ravel(line.get_data())) for line in kept] == [(1.0, 1.0)]


def test_many_curves_have_their_legend_under_the_panel(tmp_path):
    x = np.linspace(0, 1, 5)
    lines = [PrCurve(f"line {k}", x, 1 - x / 2) for k in range(9)]
    fig = pr_curves([("a", lines), ("b", lines)], 0.2)
    told = _told(fig, tmp_path)
    assert len(told) == 2
    assert [len(p["lines"]) for p in told] == [9, 9]
    legends = [ax.get_legend() for ax in fig.axes if ax.get_legend()]
    bottom = min(legend.get_window_extent().y0 for legend in legends)
    assert bottom >= 0
    assert all(
        legend.get_window_extent().y1 < fig.bbox.height * (1 - p["box"][3])
        for legend, p in zip(legends, told, strict=True)
    )


def test_long_lines_are_thinned_and_keep_their_ends(tmp_path):
    with style.figure(4, 3) as fig:
        fig.subplots().plot(np.arange(5000), np.sqrt(np.arange(5000)), label="long")
    ((line,),) = [p["lines"] for p in _told(fig, tmp_path)]
    assert len(line["x"]) == hover.MOST_POINTS
    assert (line["x"][0], line["x"][-1]) == (0, 4999)


def test_a_name_cannot_end_the_element_that_keeps_the_points():
    picture = Picture("f", "", "", b"", hover='[{"name": "</script><b>"}]')
    assert "<" not in picture.points
    assert json.loads(picture.points) == [{"name": "</script><b>"}]

"""Curves of the learning rate and of its finder: the lines are the values, the marks lie on the lines."""

import numpy as np
import pytest

from hilum.artifacts.evaluation import Band
from hilum.artifacts.trial_files import FinderCurve
from hilum.report.curve_figures import BandPanel, RateCurve, band_panels, finder_curves, rate_curves


def test_batches_are_counted_from_1_and_epochs_run_along_the_top():
    rates = np.linspace(1e-3, 0, 40)
    fig = rate_curves([RateCurve("falling", rates, 10), RateCurve("level", np.full(20, 5e-4), 10)])
    ax = fig.axes[0]
    falling, level = ax.get_lines()
    assert np.array_equal(falling.get_xdata(), np.arange(1, 41))
    assert np.array_equal(falling.get_ydata(), rates)
    assert len(level.get_xdata()) == 20
    (top,) = ax.child_axes
    fig.canvas.draw()
    assert top.get_xlim()[1] == pytest.approx(ax.get_xlim()[1] / 10)
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["falling", "level"]


def test_schedules_with_epochs_of_different_length_have_no_epochs_along_the_top():
    fig = rate_curves([RateCurve("a", np.ones(4), 2), RateCurve("b", np.ones(6), 3)])
    assert not fig.axes[0].child_axes


def test_suggestions_lie_on_the_line():
    rates = np.geomspace(1e-6, 1, 61)
    losses = 1.4 - 0.1 * np.arange(61) / 10
    curve = FinderCurve(tuple(rates), tuple(losses), steep=1e-4, valley=10**-3.5, minimum=1e-1)
    ax = finder_curves([("resnet50", [("loss", curve)])]).axes[0]
    assert ax.get_xscale() == "log"
    marks = {
        line.get_label(): np.ravel(line.get_data())
        for line in ax.get_lines()
        if line.get_linestyle() == "None"
    }
    assert set(marks) == {"steep 1.0e-04", "valley 3.2e-04", "minimum 1.0e-01"}
    # ten steps a decade: 1e-4 is step 20, so the loss there is 1.4 - .1 * 2
    assert marks["steep 1.0e-04"][1] == pytest.approx(1.2)
    assert marks["valley 3.2e-04"][1] == pytest.approx(1.15)


def test_a_finder_whose_loss_never_falls_is_seen_whole(recwarn):
    """One lost most of its curve: its first loss was its lowest."""
    rates = np.geomspace(1e-7, 10, 50)
    losses = np.r_[0.70, np.full(44, 0.82), np.geomspace(0.9, 50, 5)]
    fig = finder_curves([("resnet50", [("a", FinderCurve(tuple(rates), tuple(losses), None, None, None))])])
    low, high = fig.axes[0].get_ylim()
    assert low < 0.70
    assert 0.82 < high < 2
    level = finder_curves([("resnet50", [("a", FinderCurve(tuple(rates), (0.7,) * 50, None, None, None))])])
    assert level.axes[0].get_ylim()[0] < 0.7 < level.axes[0].get_ylim()[1]
    assert not recwarn.list


def test_each_panel_has_the_guess_of_its_own_films():
    x = np.linspace(0, 1, 5)
    panels = [BandPanel(f"{g}", Band(x, x, x, x), "", (g, g)) for g in (0.25, 0.96)]
    axes = band_panels(panels, ("recall", "precision")).axes
    assert [list(ax.get_lines()[0].get_ydata()) for ax in axes] == [[0.25, 0.25], [0.96, 0.96]]

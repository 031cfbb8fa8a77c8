"""The paper's figures: the CNN as torch builds it, losses as means over trials."""

import numpy as np
import pytest
import torch

from hilum.artifacts.history import LossCurve
from hilum.paper.figures import cnn_layers, plateau_rates
from hilum.report.curve_figures import loss_curves


@pytest.mark.parametrize("size_px", [244, 96, 65])
def test_the_drawn_layers_are_those_that_torch_builds(size_px):
    layers = [torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten()]
    with torch.device("meta"):
        x = torch.zeros(1, 3, size_px, size_px)
        flat = torch.nn.Sequential(*layers).to("meta")(x).shape[1]
        linear = [torch.nn.Linear(a, b) for a, b in ((flat, 968), (968, 32), (32, 4))]
    drawn = cnn_layers(size_px, 4)
    assert drawn[3][1] == str(flat)
    counts = [sum(p.numel() for p in module.parameters()) for module in (layers[0], *linear)]
    assert [n for _, _, n in drawn if n] == counts
    if size_px == 244:
        assert flat == 117128  # the paper prints it
        assert sum(counts) == 113_412_236


def test_the_thick_line_is_the_mean_of_the_trials_as_far_as_all_of_them_went():
    trials = [LossCurve((1.0, 0.5, 0.3), (1.2, 0.8, 0.7)), LossCurve((0.8, 0.7), (1.0, 1.0))]
    fig = loss_curves({("squeezenet1_0", "crop"): trials}, mean=True)
    lines = {line.get_label(): line for line in fig.axes[0].get_lines()}
    assert np.allclose(lines["training"].get_ydata(), [0.9, 0.6])
    assert np.allclose(lines["validation"].get_ydata(), [1.1, 0.9])
    assert np.allclose(lines["_validation, trial 1"].get_ydata(), [1.2, 0.8, 0.7])
    assert lines["training"].get_linewidth() > lines["_training, trial 1"].get_linewidth()


def test_many_columns_are_wrapped_and_none_is_lost():
    columns = [f"fault {k}" for k in range(9)]
    curves = {("lite0", c): [LossCurve((1.0, 0.5), (1.0, 0.6))] for c in columns}
    fig = loss_curves(curves, mean=True)
    shown = [ax.get_title() for ax in fig.axes if ax.axison]
    assert shown == [f"lite0\n{c}" for c in columns]


def test_trials_of_one_schedule_share_a_colour_and_one_place_in_the_legend():
    lines = [(s, t, [1e-3, 1e-4]) for s in ("schedule-1", "schedule-2") for t in (1, 2)]
    (ax,) = [ax for ax in plateau_rates({"resnet50": lines}).axes if ax.axison]
    drawn = ax.get_lines()
    colours = [line.get_color() for line in drawn]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert (drawn[1].get_label(), drawn[1].get_ydata().tolist()) == ("_schedule-1, trial 2", [1e-3, 1e-4])
    assert ax.get_legend_handles_labels()[1] == ["schedule-1", "schedule-2"]

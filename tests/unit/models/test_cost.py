"""Costs against the figures that the libraries publish, and against the paper's network by hand."""

import pytest
import torch
import torchvision
from torch import nn

from hilum.core.errors import InputError
from hilum.models.cost import cost_of, multiply_adds, n_parameters


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("resnet50", torchvision.models.ResNet50_Weights.IMAGENET1K_V1),
        ("densenet121", torchvision.models.DenseNet121_Weights.IMAGENET1K_V1),
        ("squeezenet1_0", torchvision.models.SqueezeNet1_0_Weights.IMAGENET1K_V1),
    ],
)
def test_the_whole_library_network_has_the_published_figures(name, weights):
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None)
        film = torch.empty(1, 3, 224, 224)
    assert round(multiply_adds(network, film) / 1e9, 3) == weights.meta["_ops"]
    assert n_parameters(network) == weights.meta["num_params"]
    assert network.training


def test_a_study_s_network_is_the_library_s_but_for_its_head():
    # resnet50 without its fc has 23 508 032 parameters (25 557 032 - 2 049 000); the head is 2048 -> 64 -> 4
    found = cost_of("resnet50", 224, 4)
    head = 2048 * 64 + 64 + 64 * 4 + 4
    assert (found["parameters"], found["trained"]) == (23_508_032 + head, head)
    assert found["multiply_adds"] == 4_089_184_256 - 2048 * 1000 + 2048 * 64 + 64 * 4
    assert cost_of("resnet50", 224, 4, finetuned=True)["trained"] == found["parameters"]
    # squeezenet: the 1x1 convolution has 4 classes in place of 1000 on a map of 13 x 13
    found = cost_of("squeezenet1_0", 224, 4)
    assert found["parameters"] == 1_248_424 - (512 * 1000 + 1000) + (512 * 4 + 4)
    assert found["multiply_adds"] == 818_924_576 - 996 * 512 * 13 * 13
    assert cost_of("densenet121", 224, 4)["parameters"] == 7_978_856 - 1024 * 1000 - 1000 + 1024 * 4 + 4


def test_the_network_of_figure_14():
    found = cost_of("cnn", 244, 4)
    by_hand = (3 * 9 * 8 + 8) + (117_128 * 968 + 968) + (968 * 32 + 32) + (32 * 4 + 4)
    assert found["parameters"] == found["trained"] == by_hand == 113_412_236
    assert found["multiply_adds"] == 8 * 242 * 242 * 27 + 117_128 * 968 + 968 * 32 + 32 * 4


def test_more_pixels_cost_more_and_weigh_the_same():
    small, large = cost_of("tf_efficientnet_lite0", 128, 4), cost_of("tf_efficientnet_lite0", 256, 4)
    assert small["parameters"] == large["parameters"]
    assert large["multiply_adds"] / small["multiply_adds"] == pytest.approx(4, rel=0.01)


def test_nothing_is_left_changed_and_unknown_names_are_refused():
    layer = nn.Sequential(nn.Linear(5, 3), nn.Dropout(0.5)).train()
    assert multiply_adds(layer, torch.zeros(2, 5)) == 2 * 5 * 3
    assert layer.training
    with pytest.raises(InputError, match=r"unknown backbone 'resnet5'.*resnet50"):
        cost_of("resnet5", 224, 4)

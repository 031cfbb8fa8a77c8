"""A file of weights is brought to its network by rules that are named, or refused; nothing in it is run."""

from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from hilum.core.errors import InputError
from hilum.models.backbone import FrozenBackbone, build_network
from hilum.models.registry import Backbone, backbone
from hilum.models.states import fit
from hilum.models.weights import find, state_sha256

RESNET = backbone("resnet18")


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(1)
    return torchvision.models.resnet18()


def saved(folder: Path, held: object) -> Path:
    torch.save(held, folder / "w.pth")
    return folder / "w.pth"


PREFIXES = ("module.", "model.", "backbone.", "net.", "encoder.", "module.model.", "_orig_mod.module.")


def fitted(
    b: Backbone, folder: Path, held: object, wanted: nn.Module
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    return fit(b, saved(folder, held), wanted.state_dict())


@pytest.mark.parametrize(
    ("wrapper", "prefix"),
    [
        *((None, p) for p in PREFIXES),
        *((w, "module.") for w in ("state_dict", "model", "model_state_dict")),
    ],
)
def test_wrappers_and_prefixes_are_taken_off_and_named(
    tmp_path: Path, net: nn.Module, prefix: str, wrapper: str | None
) -> None:
    held: object = {f"{prefix}{k}": v for k, v in net.state_dict().items()}
    state, notes = fitted(RESNET, tmp_path, {wrapper: held, "epoch": 3} if wrapper else held, net)
    assert notes == (f"prefix {prefix[:-1]!r} taken off",)
    assert all(torch.equal(state[k], v) for k, v in net.state_dict().items())


def test_a_foreign_classifier_is_left_out_and_named(tmp_path: Path, net: nn.Module) -> None:
    own = net.state_dict()
    body = {k: v for k, v in own.items() if not k.startswith("fc.")}
    cases = {
        "classifier fc of 3 outputs left out": {**body, "fc.weight": torch.ones(3, 512), "fc.bias": torch.ones(3)},
        "classifier projector of 7 outputs left out": {**body, "projector.weight": torch.ones(7, 512), "projector.bias": torch.ones(7)},
        "without a classifier": body,
    }  # fmt: skip
    for words, held in cases.items():
        state, notes = fitted(RESNET, tmp_path, held, net)
        assert notes == (words,)
        assert not state["fc.weight"].any()  # what is cut off anyway, the same whatever was there
        assert torch.equal(state["layer4.1.conv2.weight"], own["layer4.1.conv2.weight"])
    weights = find(RESNET, str(saved(tmp_path, cases["without a classifier"])))
    assert weights.source == "file w.pth; without a classifier"
    films = torch.zeros(2, 64, 64, dtype=torch.uint8).numpy()
    expected = FrozenBackbone(RESNET, find(RESNET, str(saved(tmp_path, own)))).features(films, 2)
    assert torch.equal(
        FrozenBackbone(RESNET, find(RESNET, str(saved(tmp_path, body)))).features(films, 2), expected
    )


def test_a_layer_too_many_inside_the_body_is_no_classifier(tmp_path: Path, net: nn.Module) -> None:
    held = {**net.state_dict(), "layer4.2.conv1.weight": torch.ones(1)}
    with pytest.raises(
        InputError,
        match=r"0 tensors missing, 1 unknown, 0 of another shape \(first: 'layer4.2.conv1.weight'\)",
    ):
        fitted(RESNET, tmp_path, held, net)


def test_a_first_convolution_of_other_channels_follows_a_named_rule(tmp_path: Path, net: nn.Module) -> None:
    colour = net.state_dict()
    grey = {**colour, "conv1.weight": colour["conv1.weight"].sum(1, keepdim=True)}
    state, notes = fitted(RESNET, tmp_path, grey, net)
    assert notes == ("first convolution of 1 channel divided by 3 and repeated",)
    x = torch.rand(1, 1, 32, 32)
    # a grey film in three channels meets what it met in one
    three = nn.functional.conv2d(x.expand(-1, 3, -1, -1), state["conv1.weight"])
    assert torch.allclose(three, nn.functional.conv2d(x, grey["conv1.weight"]), atol=1e-5)

    one = torchvision.models.resnet18()
    one.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    state, notes = fitted(RESNET, tmp_path, colour, one)
    assert notes == ("first convolution summed over its 3 channels",)
    assert torch.equal(state["conv1.weight"], colour["conv1.weight"].sum(1, keepdim=True))
    with pytest.raises(InputError, match=r"1 of another shape \(first: 'conv1.weight'\)"):
        fitted(RESNET, tmp_path, {**colour, "conv1.weight": torch.ones(64, 4, 7, 7)}, net)


def test_a_file_from_before_batches_were_counted_fits(tmp_path: Path, net: nn.Module) -> None:
    held = {k: v for k, v in net.state_dict().items() if "num_batches" not in k}
    assert len(held) == 102
    path = saved(tmp_path, held)
    assert state_sha256(build_network(RESNET, find(RESNET, str(path)))) == state_sha256(net)

"""A head of several findings says no as well as yes, and becomes a head of one finding and its absence."""

import numpy as np
import pytest
import torch

from hilum.core.errors import InputError
from hilum.models.heads import HEADS, ConvHead, head_for, of_one_output, two_logits
from hilum.models.registry import backbone
from hilum.study.tables import HeadKind


@pytest.mark.parametrize("kind", list(HEADS))
def test_the_softmax_of_one_output_alone_is_its_sigmoid(kind: HeadKind) -> None:
    torch.manual_seed(0)
    whole, alone = HEADS[kind](12, 3), HEADS[kind](12, 2)
    if kind == "conv":
        return  # its logits are never below 0: no head of several findings
    x = torch.randn(5, 12, 4, 4) if isinstance(whole, ConvHead) else torch.randn(5, 12)
    state = {k: v.detach().numpy() for k, v in whole.state_dict().items()}
    for k in range(3):
        alone.load_state_dict({n: torch.from_numpy(np.array(v)) for n, v in of_one_output(state, k).items()})
        p = torch.softmax(alone(x), dim=1)[:, 1]
        assert torch.allclose(p, torch.sigmoid(whole(x)[:, k]), atol=1e-6)


def test_squeezenet_has_a_head_without_relu_for_findings() -> None:
    assert (head_for("conv", "classes"), head_for("conv", "multilabel")) == ("conv", "conv-linear")
    assert head_for("linear", "multilabel") == "linear"
    assert backbone("squeezenet1_0").with_head("conv-linear").head == "conv-linear"
    torch.manual_seed(0)
    z = HEADS["conv-linear"](8, 2)(torch.randn(20, 8, 3, 3))
    assert (z < 0).any()
    assert (HEADS["conv"](8, 2)(torch.randn(20, 8, 3, 3)) >= 0).all()


def test_an_unknown_kind_is_refused_and_two_logits_are_a_sigmoid() -> None:
    with pytest.raises(InputError, match=r"no head 'convv' for squeezenet1_0, .*; did you mean 'conv'"):
        backbone("squeezenet1_0").with_head("convv")
    z = np.array([[0.3, -2.0], [5.0, 1.0]])
    e = np.exp(two_logits(z, 1))
    assert np.allclose((e / e.sum(axis=1, keepdims=True))[:, 1], 1 / (1 + np.exp(-z[:, 1])))

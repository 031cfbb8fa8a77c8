"""Losses of several findings against torch and torchvision on the entries that are known, gradients too."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import sigmoid_focal_loss

from hilum.core.errors import InputError
from hilum.study.losses import CrossEntropy, Focal
from hilum.training.finding_losses import build_finding_loss, positive_weights

FINDINGS = ["effusion", "mass", "nodule"]


def films(seed: int, n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits with a gradient, and what is known, about a third of it nothing."""
    rng = torch.Generator().manual_seed(seed)
    z = (3 * torch.randn(n, 3, generator=rng, dtype=torch.float64)).requires_grad_()
    return z, torch.randint(-1, 2, (n, 3), generator=rng)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_it_is_torchs_loss_of_the_known_entries(seed: int) -> None:
    z, known = films(seed)
    loss = build_finding_loss(CrossEntropy(), FINDINGS, known.numpy())(z, known)
    mask = known != -1
    theirs = torch.nn.BCEWithLogitsLoss()(z[mask], known[mask].double())
    assert loss.item() == pytest.approx(theirs.item(), rel=1e-12)
    (ours,), (other,) = torch.autograd.grad(loss, z), torch.autograd.grad(theirs, z)
    assert torch.allclose(ours, other, rtol=1e-12, atol=1e-16)
    assert not ours[~mask].any()  # what is not known moves nothing


def test_weights_are_torchs_pos_weight() -> None:
    z, known = films(3)
    named = {"effusion": 2.0, "mass": 0.5, "nodule": 7.0}
    loss = build_finding_loss(CrossEntropy(class_weights=named), FINDINGS, known.numpy())(z, known)
    weight = torch.tensor([2.0, 0.5, 7.0], dtype=torch.float64)
    every = torch.nn.BCEWithLogitsLoss(pos_weight=weight, reduction="none")(z, (known == 1).double())
    assert loss.item() == pytest.approx(every[known != -1].mean().item(), rel=1e-12)


def test_balanced_weights_are_films_without_over_films_with() -> None:
    known = np.array([[1, 0, 1], [0, 0, -1], [0, 1, 0], [0, 0, -1]])
    assert positive_weights("balanced", FINDINGS, known).tolist() == [3.0, 3.0, 1.0]
    with pytest.raises(InputError, match=r"with and without every finding; 'mass' lacks one"):
        positive_weights("balanced", FINDINGS, known[:2])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), gamma=st.sampled_from([0.0, 0.5, 2.0, 5.0]))
def test_focal_is_torchvisions_of_the_known_entries(seed: int, gamma: float) -> None:
    z, known = films(seed)
    loss = build_finding_loss(Focal(kind="focal", gamma=gamma), FINDINGS, known.numpy())(z, known)
    mask = known != -1
    theirs = sigmoid_focal_loss(z[mask], known[mask].double(), alpha=-1, gamma=gamma, reduction="mean")
    assert loss.item() == pytest.approx(theirs.item(), rel=1e-10)
    (ours,), (other,) = torch.autograd.grad(loss, z), torch.autograd.grad(theirs, z)
    assert torch.allclose(ours, other, rtol=1e-8, atol=1e-12)


def test_a_batch_of_which_nothing_is_known_has_no_loss_and_no_slope() -> None:
    z, known = films(1)
    loss = build_finding_loss(CrossEntropy(), FINDINGS, known.numpy())(z, torch.full_like(known, -1))
    (slope,) = torch.autograd.grad(loss, z)
    assert loss.item() == 0
    assert not slope.any()

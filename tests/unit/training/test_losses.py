"""Losses against torch, torchvision and scikit-learn, gradients too."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy
from torchvision.ops import sigmoid_focal_loss

from hilum.core.errors import InputError
from hilum.study.losses import CrossEntropy, Focal
from hilum.training.losses import LossFunction, build_loss, class_weights

CLASSES = ["bacterial", "covid", "normal", "viral"]
LABELS = np.array([0, 1, 1, 2, 2, 2, 2, 3])


def logits(n: int = 8, classes: int = 4, seed: int = 0, spread: float = 3.0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (spread * torch.randn(n, classes, generator=rng, dtype=torch.float64)).requires_grad_()


def value_and_slope(loss: LossFunction, z: torch.Tensor, y: torch.Tensor) -> tuple[float, torch.Tensor]:
    z = z.detach().clone().requires_grad_()
    value = loss(z, y)
    value.backward()
    return value.item(), z.grad


def test_plain_cross_entropy_is_torchs_to_the_bit() -> None:
    z, y = logits().float(), torch.from_numpy(LABELS)
    assert torch.equal(build_loss(CrossEntropy(), CLASSES, LABELS)(z, y), cross_entropy(z, y))


def test_balanced_weights_are_scikit_learns() -> None:
    found = class_weights("balanced", CLASSES, LABELS)
    assert found.tolist() == compute_class_weight("balanced", classes=np.arange(4), y=LABELS).tolist()
    assert found.tolist() == [2.0, 1.0, 0.5, 2.0]


def test_the_mean_is_weighted_as_torchs() -> None:
    z, y = logits(), torch.from_numpy(LABELS)
    loss = build_loss(CrossEntropy(class_weights="balanced"), CLASSES, LABELS)
    p = torch.softmax(z, 1)[range(8), y]
    w = torch.tensor([2.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 2.0])
    assert loss(z, y).item() == pytest.approx(((-w * p.log()).sum() / w.sum()).item(), rel=1e-12)
    named = {"bacterial": 1.0, "covid": 3.0, "normal": 0.5, "viral": 2.0}
    by_name = build_loss(CrossEntropy(class_weights=named), CLASSES, LABELS)
    expected = cross_entropy(z, y, weight=torch.tensor([1.0, 3.0, 0.5, 2.0], dtype=torch.float64))
    assert by_name(z, y).item() == pytest.approx(expected.item(), rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), spread=st.floats(0.1, 30))
def test_focal_at_gamma_0_is_cross_entropy(seed: int, spread: float) -> None:
    z, y = logits(seed=seed, spread=spread), torch.from_numpy(LABELS)
    ours = value_and_slope(build_loss(Focal(kind="focal", gamma=0), CLASSES, LABELS), z, y)
    theirs = value_and_slope(cross_entropy, z, y)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-10, abs=1e-14)
    assert torch.allclose(ours[1], theirs[1], rtol=1e-10, atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    gamma=st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]),
    alpha=st.sampled_from([-1.0, 0.25, 0.6]),
)
def test_focal_of_two_classes_is_torchvisions(seed: int, gamma: float, alpha: float) -> None:
    z, y = logits(20, 2, seed), torch.arange(20) % 2
    # torchvision: alpha for the positive class, 1 - alpha for the other; below 0, none
    named = "none" if alpha < 0 else {"no": 1 - alpha, "yes": alpha}
    loss = build_loss(Focal(kind="focal", gamma=gamma, alpha=named), ["no", "yes"], y.numpy())

    def theirs(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        difference = logits[:, 1] - logits[:, 0]
        return sigmoid_focal_loss(difference, labels.double(), alpha, gamma, reduction="mean")

    ours, other = value_and_slope(loss, z, y), value_and_slope(theirs, z, y)
    assert ours[0] == pytest.approx(other[0], rel=1e-9)
    assert torch.allclose(ours[1], other[1], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0, 2.0])
def test_a_film_that_is_certain_has_a_finite_slope(gamma: float) -> None:
    z = torch.tensor([[200.0, 0.0, 0.0, 0.0], [0.0, 200.0, 0.0, 0.0]])
    loss = build_loss(Focal(kind="focal", gamma=gamma), CLASSES, LABELS)
    value, slope = value_and_slope(loss, z, torch.tensor([0, 0]))
    assert value == pytest.approx(100.0)
    assert torch.isfinite(slope).all()


def test_softmax_first_takes_probabilities_for_logits() -> None:
    z, y = logits(), torch.from_numpy(LABELS)
    got = build_loss(CrossEntropy(), CLASSES, LABELS, softmax_first=True)(z, y)
    assert got.item() == pytest.approx(cross_entropy(torch.softmax(z, 1), y).item(), rel=1e-12)
    # a certain and right answer still costs log(e + 3) - 1: the fault's floor
    sure = build_loss(CrossEntropy(), CLASSES, LABELS, softmax_first=True)
    assert sure(torch.tensor([[99.0, 0, 0, 0]]), torch.tensor([0])).item() == pytest.approx(
        0.743668, abs=1e-6
    )


def test_weights_follow_the_precision_of_the_logits() -> None:
    z, y = logits(), torch.from_numpy(LABELS)
    for loss in (CrossEntropy(class_weights="balanced"), Focal(kind="focal", alpha="balanced")):
        built = build_loss(loss, CLASSES, LABELS)
        assert built(z.float(), y).dtype == torch.float32
        assert built(z.float(), y).item() == pytest.approx(built(z, y).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"covid": 2.0}, "class weights must name every class; 'bacterial' has none"),
        ({"covd": 2.0}, "class weights name 'covd', which is no class; did you mean 'covid'?"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        build_loss(Focal(kind="focal", alpha=weights), CLASSES, LABELS)


def test_balanced_needs_films_of_every_class() -> None:
    with pytest.raises(InputError, match="training films of every class; 'viral' has none"):
        build_loss(CrossEntropy(class_weights="balanced"), CLASSES, np.array([0, 1, 2]))

"""Which stages train when, and at which rate, written out; the rates between are fastai's."""

import math

import pytest

from hilum.study.policies.constant import ConstantPolicy
from hilum.study.policies.one_cycle import OneCyclePolicy, Phase
from hilum.study.tables import FinetuneTable
from hilum.training.unfreezing import epoch_plan, head_epochs, head_policy


def even_mults(start: float, stop: float, n: int) -> list[float]:
    """fastai's ``even_mults``, from its documentation: `n` values from `start` to `stop`, each the same multiple of the one before."""
    step = (stop / start) ** (1 / (n - 1))
    return [start * step**k for k in range(n)]


def test_fine_tune_is_fastais() -> None:
    """``fine_tune(base_lr, freeze_epochs, lr_mult)``: frozen at base_lr; base_lr halved; then slice(base_lr / lr_mult, base_lr)."""
    options = FinetuneTable(unfreeze="fine_tune", head_epochs=2, rate_divisor=100)
    assert head_epochs(options) == 2
    for epoch in (1, 2):
        assert epoch_plan(options, 6, epoch).trained == 1
        assert epoch_plan(options, 6, epoch).factors[-1] == 1.0
    for epoch in (3, 9):
        assert epoch_plan(options, 6, epoch).trained == 6
        assert epoch_plan(options, 6, epoch).factors == pytest.approx(
            even_mults(0.5 / 100, 0.5, 6), rel=1e-12
        )


def test_gradual_unfreezes_one_more_stage_each_epoch() -> None:
    options = FinetuneTable(unfreeze="gradual", head_epochs=1, rate_divisor=16)
    assert [epoch_plan(options, 4, e).trained for e in range(1, 7)] == [1, 2, 3, 4, 4, 4]
    factors = epoch_plan(options, 4, 2).factors
    assert [math.log2(f) for f in factors] == pytest.approx([-5, -1 - 8 / 3, -1 - 4 / 3, -1])


def test_at_once_and_head_alone_have_one_rate_and_no_epochs_before() -> None:
    for options, trained in ((FinetuneTable(), 5), (FinetuneTable(train="head", unfreeze="gradual"), 1)):
        assert head_epochs(options) == 0
        assert {epoch_plan(options, 5, e).trained for e in (1, 2, 7)} == {trained}
        assert epoch_plan(options, 5, 3).factors == (1.0,) * 5


def test_the_heads_own_epochs_have_the_policys_rate_and_optimiser() -> None:
    cycle = OneCyclePolicy(
        kind="one_cycle", phases=[Phase(epochs=2, max_rate=1e-3), Phase(epochs=1, max_rate=5e-4)],
        optimizer="adamw", weight_decay=1e-4, clip_value=0.1,
    )  # fmt: skip
    assert head_policy(cycle) == ConstantPolicy(
        learning_rate=1e-3, optimizer="adamw", weight_decay=1e-4, clip_value=0.1
    )
    assert head_policy(ConstantPolicy(learning_rate=2e-4)).learning_rate == 2e-4

"""Curves written out as numbers, what a schedule refuses, and that its state is enough to go on."""

import json

import numpy as np
import pytest

from hilum.core.errors import HilumError, InputError
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.policies.cosine import CosinePolicy
from hilum.study.policies.one_cycle import OneCyclePolicy, Phase
from hilum.study.policies.plateau import PlateauPolicy
from hilum.study.policies.simulate import simulate
from hilum.study.policies.step import StepPolicy
from hilum.study.policies.warmup import WarmupPolicy


def one_cycle(*phases: tuple[int, float], **options: object) -> OneCyclePolicy:
    return OneCyclePolicy(
        kind="one_cycle", phases=[Phase(epochs=e, max_rate=r) for e, r in phases], **options
    )


def test_one_cycle_written_out() -> None:
    # ten steps, of which the first three rise from 1/25 to 1; then half a cosine down to 1/250 000
    expected = [0.04, 0.52, 1.0, 0.950485, 0.811746, 0.611262, 0.388742, 0.188258, 0.049519, 0.000004]
    assert simulate(one_cycle((2, 1.0)), epochs=7, steps_per_epoch=5).round(6).tolist() == expected
    running, momenta = one_cycle((2, 1.0)).schedule(7, 5), []
    for _ in range(10):
        momenta.append(round(running.settings().beta1, 4))
        running.stepped()
    assert momenta == [0.95, 0.9, 0.85, 0.855, 0.8688, 0.8889, 0.9111, 0.9312, 0.945, 0.95]


def test_phases_follow_each_other() -> None:
    both = simulate(one_cycle((2, 1.0), (3, 0.5)), epochs=1, steps_per_epoch=4)
    first, second = simulate(one_cycle((2, 1.0)), 1, 4), simulate(one_cycle((3, 0.5)), 1, 4)
    assert np.array_equal(both, np.concatenate([first, second]))


def test_a_rise_of_no_steps_begins_at_the_first_rate() -> None:
    assert simulate(one_cycle((1, 1.0), pct_start=0.25), 1, 4)[0] == pytest.approx(0.04)


def test_plateau_written_out() -> None:
    policy = PlateauPolicy(
        kind="plateau", learning_rate=1e-3, patience=2, factor=0.15
    )  # the paper's schedule 1
    losses = [1.0, 0.8, 0.8, 0.9, 0.79995, 0.5, 0.6, 0.6, 0.6, 0.6]
    # three epochs in a row without a loss below .8 (1 - 1e-4) lower the rate; .5 starts the count anew
    assert simulate(policy, 10, 1, losses).tolist() == pytest.approx([1e-3] * 5 + [1.5e-4] * 4 + [2.25e-5])


def test_plateau_without_losses_stays_where_it_is() -> None:
    policy = PlateauPolicy(kind="plateau", learning_rate=2e-4, patience=0, factor=0.7)
    assert simulate(policy, 3, 2).tolist() == [2e-4] * 6


def test_a_training_that_was_stopped_early_has_a_shorter_curve() -> None:
    policy = PlateauPolicy(kind="plateau", learning_rate=1.0, patience=0, factor=0.5)
    assert simulate(policy, 20, 2, [1.0, 1.0, 1.0]).tolist() == [1, 1, 1, 1, 0.5, 0.5]


def test_cosine_and_warmup_written_out() -> None:
    cosine = CosinePolicy(kind="cosine", learning_rate=1.0, min_rate=0.2)
    assert simulate(cosine, 1, 5).round(6).tolist() == [1.0, 0.882843, 0.6, 0.317157, 0.2]
    warm = WarmupPolicy(kind="warmup", learning_rate=1.0, warmup_epochs=1, start_factor=0.2)
    assert simulate(warm, 2, 4).round(6).tolist() == [0.2, 0.4, 0.6, 0.8, 1.0, 0.75, 0.25, 0.0]
    flat = warm.model_copy(update={"then": "constant"})
    assert simulate(flat, 2, 4).round(6).tolist() == [0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0]


def test_step_written_out() -> None:
    policy = StepPolicy(kind="step", learning_rate=1e-4)  # Deep-COVID's: a tenth every seven epochs
    rates = simulate(policy, 16, 2).tolist()
    assert rates == pytest.approx([1e-4] * 14 + [1e-5] * 14 + [1e-6] * 4)


def test_a_single_step_is_taken_at_the_rate() -> None:
    assert simulate(CosinePolicy(kind="cosine", learning_rate=0.3), 1, 1).tolist() == [0.3]


def test_constant_leaves_the_momentum_alone() -> None:
    settings = ConstantPolicy(learning_rate=5e-4).schedule(1, 1).settings()
    assert (settings.learning_rate, settings.beta1, settings.fresh) == (5e-4, None, False)


def test_a_plateaus_state_is_json_before_the_first_loss_too() -> None:
    policy = PlateauPolicy(kind="plateau", learning_rate=1.0, patience=1, factor=0.5)
    running = policy.schedule(5, 1)
    state = json.loads(json.dumps(running.state(), allow_nan=False))
    other = policy.schedule(5, 1)
    other.restore(state)
    for loss in (3.0, 3.0, 3.0):
        running.epoch_ended(loss)
        other.epoch_ended(loss)
    assert running.state() == other.state() == {"rate": 0.5, "best": 3.0, "bad_epochs": 0, "cooldown": 0}


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="the cosine policy has no learning rate"):
        simulate(CosinePolicy(kind="cosine"), 1, 1)
    with pytest.raises(InputError, match="a warm-up of 3 epochs is longer than the training of 2"):
        simulate(WarmupPolicy(kind="warmup", learning_rate=1.0, warmup_epochs=3), 2, 1)
    running = ConstantPolicy(learning_rate=1.0).schedule(1, 2)
    running.stepped()
    running.stepped()
    with pytest.raises(HilumError, match="a schedule of 2 steps was asked for step 3"):
        running.settings()

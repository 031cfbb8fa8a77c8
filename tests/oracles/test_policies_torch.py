"""Every policy against torch's scheduler of that name on a real optimiser, step for step, and across a checkpoint in the middle."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)

from hilum.study.policies import Policy
from hilum.study.policies.cosine import CosinePolicy
from hilum.study.policies.one_cycle import OneCyclePolicy, Phase
from hilum.study.policies.plateau import PlateauPolicy
from hilum.study.policies.schedule import StepSettings
from hilum.study.policies.simulate import simulate
from hilum.study.policies.step import StepPolicy
from hilum.study.policies.warmup import WarmupPolicy
from hilum.training.optimizers import build_optimizer

RELATIVE = 1e-12
RATES = st.floats(1e-5, 1.0)


def weight() -> torch.nn.Parameter:
    parameter = torch.nn.Parameter(torch.zeros(1))
    parameter.grad = torch.zeros(1)
    return parameter


def with_rate(optimizer: str, rate: float) -> Optimizer:
    made = build_optimizer(CosinePolicy(kind="cosine", optimizer=optimizer), [[weight()]])
    made.param_groups[0]["lr"] = rate
    return made


def run_torch(optimizer: Optimizer, scheduler: LRScheduler, n_steps: int) -> list[tuple[float, float]]:
    group, seen = optimizer.param_groups[0], []
    for _ in range(n_steps):
        seen.append((group["lr"], group["betas"][0] if "betas" in group else group["momentum"]))
        optimizer.step()
        scheduler.step()
    return seen


def run_ours(
    policy: Policy, epochs: int, steps: int, losses: list[float] | None = None, stop: int | None = None
) -> list[StepSettings]:
    """All settings; with `stop`, the schedule is written to JSON after that many steps and a new one goes on."""
    running, seen = policy.schedule(epochs, steps), []
    n_epochs = policy.n_epochs(epochs)
    for epoch in range(n_epochs):
        for _ in range(steps):
            if len(seen) == stop:
                text = json.dumps(running.state())
                running = policy.schedule(epochs, steps)
                running.restore(json.loads(text))
            seen.append(running.settings())
            running.stepped()
        running.epoch_ended(losses[epoch] if losses else 1.0)
    return seen


def same(ours: list[StepSettings], theirs: list[float]) -> None:
    np.testing.assert_allclose([s.learning_rate for s in ours], theirs, rtol=RELATIVE, atol=0)


@settings(deadline=None)  # the first use of an optimiser imports a large part of torch
@given(
    phases=st.lists(st.tuples(st.integers(1, 3), RATES), min_size=1, max_size=3),
    steps=st.integers(1, 12),
    pct_start=st.floats(0.01, 0.99),
    div=st.floats(1, 100),
    final_div=st.floats(1, 1e5),
    kept=st.booleans(),
    optimizer=st.sampled_from(["adam", "sgd"]),
    where=st.floats(0, 1),
)
def test_one_cycle_is_torchs(
    phases: list[tuple[int, float]],
    steps: int,
    pct_start: float,
    div: float,
    final_div: float,
    kept: bool,
    optimizer: str,
    where: float,
) -> None:
    assume(all(pct_start * epochs * steps != 1 for epochs, _ in phases))  # torch divides by zero there
    policy = OneCyclePolicy(
        kind="one_cycle",
        optimizer=optimizer,
        phases=[Phase(epochs=e, max_rate=r) for e, r in phases],
        optimizer_per_phase="kept" if kept else "fresh",
        pct_start=pct_start,
        div_factor=div,
        final_div_factor=final_div,
    )
    theirs: list[tuple[float, float]] = []
    starts = []
    running = with_rate(optimizer, 0.0)
    for epochs, rate in phases:
        if not kept:
            running = with_rate(optimizer, 0.0)
        cycle = OneCycleLR(
            running,
            rate,
            epochs=epochs,
            steps_per_epoch=steps,
            pct_start=pct_start,
            div_factor=div,
            final_div_factor=final_div,
        )
        starts.append(len(theirs))
        theirs += run_torch(running, cycle, epochs * steps)
    ours = run_ours(policy, 99, steps, stop=int(where * (len(theirs) - 1)))
    same(ours, [rate for rate, _ in theirs])
    np.testing.assert_allclose([s.beta1 for s in ours], [m for _, m in theirs], rtol=RELATIVE, atol=0)
    assert [k for k, s in enumerate(ours) if s.fresh] == ([] if kept else starts[1:])


@settings(max_examples=60, deadline=None)
@given(
    losses=st.lists(st.sampled_from([0.5, 0.8, 0.80001, 0.9, 0.9999, 1.0, 2.0]), min_size=1, max_size=30),
    steps=st.integers(1, 3),
    rate=RATES,
    factor=st.floats(0.05, 0.95),
    patience=st.integers(0, 4),
    cooldown=st.integers(0, 3),
    threshold=st.sampled_from([0.0, 1e-4, 0.1]),
    min_rate=st.sampled_from([0.0, 1e-4]),
    where=st.floats(0, 1),
)
def test_plateau_is_torchs(
    losses: list[float],
    steps: int,
    rate: float,
    factor: float,
    patience: int,
    cooldown: int,
    threshold: float,
    min_rate: float,
    where: float,
) -> None:
    policy = PlateauPolicy(
        kind="plateau",
        learning_rate=rate,
        patience=patience,
        factor=factor,
        threshold=threshold,
        cooldown=cooldown,
        min_rate=min_rate,
    )
    optimizer = with_rate("adam", rate)
    scheduler = ReduceLROnPlateau(
        optimizer,
        factor=factor,
        patience=patience,
        threshold=threshold,
        cooldown=cooldown,
        min_lr=min_rate,
    )
    theirs = []
    for loss in losses:
        theirs += [optimizer.param_groups[0]["lr"]] * steps
        scheduler.step(loss)
    same(run_ours(policy, len(losses), steps, losses, stop=int(where * (len(theirs) - 1))), theirs)
    assert simulate(policy, len(losses), steps, losses).tolist() == theirs


@settings(max_examples=60, deadline=None)
@given(
    epochs=st.integers(1, 10), steps=st.integers(2, 40), rate=RATES, floor=st.sampled_from([0.0, 1e-6, 1e-3])
)
def test_cosine_is_torchs_and_ends_at_the_lowest_rate(
    epochs: int, steps: int, rate: float, floor: float
) -> None:
    n = epochs * steps
    policy = CosinePolicy(kind="cosine", learning_rate=rate, min_rate=floor)
    optimizer = with_rate("adam", rate)
    theirs = run_torch(optimizer, CosineAnnealingLR(optimizer, T_max=n - 1, eta_min=floor), n)
    same(run_ours(policy, epochs, steps, stop=n // 2), [r for r, _ in theirs])
    assert simulate(policy, epochs, steps)[-1] == floor


def after_warmup(then: str, rest: int) -> Callable[[Optimizer], LRScheduler]:
    if then == "constant":
        return lambda optimizer: LinearLR(optimizer, start_factor=1.0, total_iters=1)
    return lambda optimizer: CosineAnnealingLR(optimizer, T_max=rest - 1)


@settings(max_examples=60, deadline=None)
@given(
    warm=st.integers(1, 4),
    more=st.integers(1, 4),
    steps=st.integers(2, 30),
    rate=RATES,
    start=st.floats(0.01, 1.0),
    then=st.sampled_from(["constant", "cosine"]),
)
def test_warmup_is_torchs(warm: int, more: int, steps: int, rate: float, start: float, then: str) -> None:
    policy = WarmupPolicy(
        kind="warmup", learning_rate=rate, warmup_epochs=warm, start_factor=start, then=then
    )
    optimizer = with_rate("adam", rate)
    n_warm, rest = warm * steps, more * steps
    theirs = run_torch(optimizer, LinearLR(optimizer, start_factor=start, total_iters=n_warm), n_warm)
    optimizer = with_rate("adam", rate)
    theirs += run_torch(optimizer, after_warmup(then, rest)(optimizer), rest)
    same(run_ours(policy, warm + more, steps, stop=n_warm + 1), [r for r, _ in theirs])


@settings(max_examples=60, deadline=None)
@given(
    epochs=st.integers(1, 30),
    steps=st.integers(1, 12),
    rate=RATES,
    step_size=st.integers(1, 8),
    gamma=st.floats(0.05, 1.0),
    where=st.floats(0, 1),
)
def test_step_is_torchs_to_the_last_bit(
    epochs: int, steps: int, rate: float, step_size: int, gamma: float, where: float
) -> None:
    policy = StepPolicy(kind="step", optimizer="sgd", learning_rate=rate, step_size=step_size, gamma=gamma)
    optimizer = with_rate("sgd", rate)
    scheduler = StepLR(optimizer, step_size=step_size, gamma=gamma)
    theirs: list[float] = []
    for _ in range(epochs):
        theirs += [optimizer.param_groups[0]["lr"]] * steps
        optimizer.step()
        scheduler.step()
    ours = run_ours(policy, epochs, steps, stop=int(where * (len(theirs) - 1)))
    assert [s.learning_rate for s in ours] == theirs
    assert {s.beta1 for s in ours} == {None}  # the momentum stays torch's own


@pytest.mark.parametrize(
    "phases",
    [
        [(15, 1e-3), (8, 5e-4), (5, 5e-4)],
        [(10, 5e-4), (5, 5e-4), (13, 1e-4)],
        [(15, 5e-4), (5, 1e-4)],
        [(10, 5e-4), (10, 1e-4)],
    ],
)
def test_the_papers_four_schedules_at_full_length(phases: list[tuple[int, float]]) -> None:
    steps = 257  # 8 200 films in batches of 32
    policy = OneCyclePolicy(kind="one_cycle", phases=[Phase(epochs=e, max_rate=r) for e, r in phases])
    theirs: list[float] = []
    for epochs, rate in phases:
        optimizer = with_rate("adam", 0.0)
        cycle = OneCycleLR(optimizer, rate, total_steps=epochs * steps)
        theirs += [r for r, _ in run_torch(optimizer, cycle, epochs * steps)]
    ours = simulate(policy, 20, steps)
    assert len(ours) == sum(e for e, _ in phases) * steps
    np.testing.assert_allclose(ours, theirs, rtol=RELATIVE, atol=0)

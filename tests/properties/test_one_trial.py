"""What may be said of equal cells whose trainings differ by a spread: nothing at one trial, a false verdict seldom at more (a short check).

The long one, 2 000 studies a case, is in test_comparison_coverage.py.
"""

import runpy
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.comparisons import ONE_TRIAL

SIMULATED = runpy.run_path(str(Path(__file__).parents[1] / "simulated_studies.py"))
study, compare, SPREADS = SIMULATED["study"], SIMULATED["compare"], SIMULATED["SPREADS"]


def test_one_trial_has_no_verdict_at_any_spread_although_its_p_is_small_too_often() -> None:
    rng = np.random.default_rng(1)
    small = {}
    for spread in SPREADS:
        rows = [compare(study(rng, 2, 1, 300, trial_sd=spread), k)[0] for k in range(80)]
        assert {r.verdict for r in rows} == {ONE_TRIAL}
        assert all(r.n_needed is None and r.p is not None and "no verdict" in r.note for r in rows)
        small[spread] = np.mean([(r.p or 0) < 0.05 for r in rows])
    print({s: round(float(v), 3) for s, v in small.items()})
    assert small[0.4] > 0.25  # in truth .42: what the verdict would have been by films alone
    assert small[0.0] < 0.15


@pytest.mark.parametrize("trials", [2, 3, 5])
def test_several_trials_give_a_false_verdict_in_a_twentieth_of_studies_at_most(trials: int) -> None:
    rng = np.random.default_rng([2, trials])
    false, each = 0, 75
    for spread in SPREADS:
        rows = [compare(study(rng, 2, trials, 150, trial_sd=spread), k)[0] for k in range(each)]
        assert not any(r.verdict == ONE_TRIAL for r in rows)
        false += sum(r.verdict in ("better", "worse") for r in rows)
    n = each * len(SPREADS)
    print(f"{trials} trials: a verdict in {false / n:.3f} of {n}")
    assert false / n <= 0.05 + 3 * (0.05 * 0.95 / n) ** 0.5


def test_one_training_scored_in_two_ways_has_a_verdict() -> None:
    """Films are the only chance then; known by digest."""
    rng = np.random.default_rng(3)
    (row,) = compare(study(rng, 2, 1, 300, gain=2.0, shared_weights=True), 0)
    assert row.shared_weights
    assert (row.verdict, row.n_trials) == ("better", 1)
    assert "films are the only chance" in row.note
    (apart,) = compare(study(np.random.default_rng(3), 2, 1, 300, gain=2.0), 0)
    assert (apart.verdict, apart.shared_weights) == (ONE_TRIAL, False)
    assert apart.p == pytest.approx(row.p)

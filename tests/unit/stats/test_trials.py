"""Standard errors and t intervals by hand (t quantiles from a printed table)."""

import pytest

from hilum.core.errors import InputError
from hilum.stats.trials import summarise_trials


def test_three_trials() -> None:
    s = summarise_trials([0.87, 0.91, 0.95])
    assert s.mean == pytest.approx(0.91)
    assert s.standard_error == pytest.approx(0.04 / 3**0.5)
    assert s.high == pytest.approx(0.91 + 4.3027 * 0.04 / 3**0.5, abs=1e-5)  # t(.975, 2 df)


def test_two_trials() -> None:
    s = summarise_trials([0.9, 0.8])
    assert s.low == pytest.approx(0.85 - 12.706 * 0.05, abs=1e-4)  # t(.975, 1 df); not cut at 0


def test_one_trial_is_not_estimable() -> None:
    s = summarise_trials([0.9])
    assert (s.mean, s.standard_error, s.low, s.high) == (0.9, None, None, None)
    assert s.note == "not estimable: one trial"


@pytest.mark.parametrize("values", [[], [0.9, float("nan")], [[0.9]]])
def test_wrong_input_is_named(values: list[float]) -> None:
    with pytest.raises(InputError, match="one finite number a trial"):
        summarise_trials(values)

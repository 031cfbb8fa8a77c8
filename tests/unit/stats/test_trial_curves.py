from __future__ import annotations

import numpy as np
import pytest

from hilum.stats.calibration import apply_temperature, fit_temperature
from hilum.stats.trial_curves import calibration


def test_overconfident_scores_are_calibrated_at_the_temperature_that_validation_films_chose() -> None:
    rng = np.random.default_rng(3)
    honest = 2 * rng.normal(size=(8000, 3))
    true = (apply_temperature(honest, 1.0).cumsum(axis=1) < rng.random((8000, 1))).sum(axis=1)
    valid, test = slice(0, 4000), slice(4000, 8000)
    temperature = fit_temperature(3 * honest[valid], true[valid]).value
    found = calibration(true[test], apply_temperature(3 * honest[test], 1.0), temperature, np.arange(4000), 0)
    assert temperature == pytest.approx(3.0, rel=0.06)
    assert found.predicted.ece > 0.1 > 0.02 > found.scaled.ece
    assert found.predicted.brier > found.scaled.brier + 0.02
    assert found.predicted.slope == pytest.approx(1 / 3, abs=0.04)
    assert found.scaled.slope == pytest.approx(1, abs=0.1)
    assert found.predicted.log_loss > found.scaled.log_loss + 0.1


def test_a_temperature_of_one_changes_nothing_and_a_probability_of_zero_stays_zero() -> None:
    found = calibration([0, 1, 1], [[1.0, 0.0], [0.25, 0.75], [1.0, 0.0]], 1.0, [0, 1, 2], 1)
    assert found.predicted.log_loss == pytest.approx(found.scaled.log_loss)
    assert found.predicted.brier == pytest.approx((0 + 2 * 0.25**2 + 2) / 3)
    assert calibration([0, 1], [[1.0, 0.0], [0.0, 1.0]], 50.0, [0, 1], 1).scaled.brier == 0

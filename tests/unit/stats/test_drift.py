"""What moved between two sets of films."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from hilum.stats.drift import drift


def test_what_moved_is_first_and_what_did_not_has_no_small_p() -> None:
    rng = np.random.default_rng(0)
    still, moved = rng.normal(size=(2, 300)), rng.normal(size=300)
    words = [["PA"] * 200 + ["AP"] * 100, ["PA"] * 90 + ["AP"] * 210]
    rows = drift(
        {"grey": moved.tolist(), "size": still[0].tolist(), "view": words[0]},
        {"grey": (moved + 1).tolist(), "size": still[1].tolist(), "view": words[1]},
    )
    assert [r.statistic for r in rows] == ["grey", "view = AP", "size"]
    grey, view, size = rows
    assert grey.shift == pytest.approx(1 / moved.std(ddof=1))
    assert grey.low < grey.shift < grey.high
    assert grey.distance == scipy_stats.ks_2samp(moved, moved + 1).statistic
    assert view.distance == pytest.approx(210 / 300 - 100 / 300)
    assert (view.source, view.outside) == pytest.approx((1 / 3, 0.7))
    assert max(grey.p_adjusted, view.p_adjusted) < 1e-9
    assert size.p_adjusted > 0.05
    assert size.p_adjusted == size.p  # Holm's last


def test_austins_difference_of_shares() -> None:
    """Austin 2009: of shares .5 and .6 it is .1 / sqrt((.25 + .24) / 2)."""
    (row,) = drift({"sex": ["F"] * 50 + ["M"] * 50}, {"sex": ["F"] * 60 + ["M"] * 40})
    assert row.shift == pytest.approx(0.1 / np.sqrt((0.25 + 0.24) / 2))


def test_what_one_side_lacks_or_nothing_varies() -> None:
    rows = drift({"age": [1.0] * 9, "sex": ["F"] * 9, "few": [1.0] * 4}, {"age": [2.0] * 9, "few": [1.0] * 9})
    assert [(r.statistic, r.distance, r.shift) for r in rows] == [("age", 1.0, None)]

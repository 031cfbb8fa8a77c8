"""Compiled walks on cases small enough to do by hand."""

import numpy as np

from hilum.stats.walks import SortedRanking, areas_of_resamples


def test_areas_by_hand() -> None:
    # by falling score: positive, negative, positive; resamples: as is, first twice, no positive, no negative
    ranking = SortedRanking.of(
        np.array([True, True, False]), np.array([0.1, 0.9, 0.5]), np.array([0, 1, 2], dtype=np.int32)
    )
    counts = np.array([[1, 1, 0, 1], [1, 2, 0, 1], [1, 1, 1, 0]], dtype=np.uint16)
    found = areas_of_resamples(ranking, counts)
    wanted = [
        [0.5 + 0.5 * (1 / 2 + 2 / 3) / 2, 0.5 + 0.5 * 2 / 3, 0.5],
        [2 / 3 + 1 / 3 * (2 / 3 + 3 / 4) / 2, 2 / 3 + 1 / 3 * 3 / 4, 2 / 3],
        [np.nan, np.nan, np.nan],
        [1, 1, np.nan],
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_no_film() -> None:
    nobody = SortedRanking.of(np.zeros(0, np.bool_), np.zeros(0), np.zeros(0, np.int32))
    assert np.isnan(areas_of_resamples(nobody, np.ones((2, 3), dtype=np.uint16))).all()

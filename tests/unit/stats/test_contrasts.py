"""What the probabilities say to a question about some of the films."""

import numpy as np
import pytest

from hilum.core.errors import InputError
from hilum.stats.contrasts import contrast

TRUE = np.array([0, 1, 2, 2, 2, 3])  # bacterial, covid, normal, viral
SCORE = np.array(
    [
        [0.3, 0.5, 0.1, 0.1],
        [0.1, 0.7, 0.1, 0.1],
        [0.1, 0.1, 0.7, 0.1],
        [0.1, 0.6, 0.2, 0.1],
        [0.1, 0.1, 0.7, 0.1],
        [0.2, 0.1, 0.1, 0.6],
    ]
)


def test_among_all_classes_the_highest_one_decides() -> None:
    adult_normal = np.array([False, False, True, False, False, False])
    found = contrast(SCORE, "covid vs adult normal", TRUE == 1, adult_normal, (1,))
    assert found.rows.tolist() == [False, True, True, False, False, False]
    assert found.score.tolist() == SCORE[:, 1].tolist()
    assert found.said.tolist() == [True, True, False, True, False, False]
    assert found.only is None


def test_between_two_sides_only_their_classes_count() -> None:
    found = contrast(SCORE, "bacterial vs viral", TRUE == 0, TRUE == 3, (0,), (3,))
    assert found.rows.tolist() == [True, False, False, False, False, True]
    assert found.score[[0, 5]].tolist() == [0.3 / 0.4, pytest.approx(0.25)]
    assert found.said[[0, 5]].tolist() == [True, False]  # between the two, though covid scored higher


def test_several_classes_may_be_asked_for() -> None:
    found = contrast(SCORE, "pneumonia", np.isin(TRUE, (0, 3)), TRUE == 2, (0, 3))
    assert found.score.tolist() == pytest.approx([0.4, 0.2, 0.2, 0.2, 0.2, 0.8])
    assert found.said.tolist() == [False, False, False, False, False, True]


def test_without_a_positive_side_only_the_specificity_makes_sense() -> None:
    found = contrast(SCORE, "children", [False] * 6, TRUE == 2, (1,), one_sided=True)
    assert found.only == ("specificity",)


def test_no_score_for_either_side_counts_as_half() -> None:
    found = contrast([[0.0, 0.0, 1.0]], "x", [True], [False], (0,), (1,))
    assert found.score.tolist() == [0.5]


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (("x", [True] * 6, [False] * 5 + [True], (1,)), "without a film in common.* and 1 in common"),
        (("x", [True] * 5, [False] * 5, (1,)), "two sides of 6 films"),
        (("x", [True] * 6, [False] * 6, (4,)), "not all among the 4 columns"),
        (("x", [True] * 6, [False] * 6, ()), "not all among the 4 columns"),
    ],
)
def test_wrong_input_is_named(sides: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        contrast(SCORE, *sides)

"""Which films a person should look at, of answers written by hand: three classes, two models, three trials, six films."""

import numpy as np
import pytest

from hilum.stats.answers import NO_ANSWER, Answers, in_turn

N = [np.nan] * 3
# rows: films; film 5 was tested by one trial of the second model only
FIRST = [
    [[0.8, 0.1, 0.1], [0.1, 0.9, 0.0], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.0, 0.0, 1.0], N],
    [[0.6, 0.3, 0.1], [0.2, 0.8, 0.0], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], N, N],
    [[0.7, 0.2, 0.1], N, [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.0, 0.2, 0.8], N],
]
SECOND = [
    [[0.9, 0.1, 0.0], [0.7, 0.3, 0.0], [0.9, 0.1, 0.0], [0.0, 0.0, 1.0], [0.4, 0.3, 0.3], [0.5, 0.5, 0.0]],
    [N] * 6,
    [N] * 6,
]
TRUTH = [0, 0, 0, 2, 1, 1]


@pytest.fixture
def answers() -> Answers:
    return Answers(np.array(TRUTH), np.array([FIRST, SECOND]), 0)


def test_a_model_says_the_class_of_the_highest_mean_and_the_first_of_equal_ones(answers: Answers) -> None:
    assert answers.said.tolist() == [[0, 1, 1, 1, 2, NO_ANSWER], [0, 0, 0, 2, 0, 0]]
    assert answers.votes[0].T.tolist() == [
        [0, 0, 0], [1, 1, -1], [1, 0, 0], [2, 1, 1], [2, -1, 2], [-1, -1, -1],
    ]  # fmt: skip
    np.testing.assert_allclose(answers.sure[0], [0.7, 0.85, 1.4 / 3, 0.6, 0.9, 0], atol=1e-12)
    # film 2: means .433, .467, .1, though two of three trials call it right
    assert answers.wrong.tolist() == [
        [False, True, True, True, True, False],
        [False, False, False, False, True, True],
    ]


def test_spread_is_of_the_positive_class_over_the_trials_that_tested_a_film(answers: Answers) -> None:
    np.testing.assert_allclose(
        answers.spread[0][:5], [0.1, 0.05 * 2**0.5, np.std([0.2, 0.5, 0.6], ddof=1), 0.1, 0]
    )
    assert np.isnan(answers.spread[0][5])
    assert np.isnan(answers.spread[1]).all()
    np.testing.assert_allclose(answers.minority[0], [0, 0, 1 / 3, 1 / 3, 0, 0], atol=1e-12)


def test_lists_are_in_the_order_to_look_at(answers: Answers) -> None:
    assert answers.errors(0).tolist() == [4, 1, 3, 2]  # .9, .85, .6, .467
    assert answers.matrix(0).tolist() == [[1, 2, 0], [0, 0, 1], [0, 1, 0]]
    assert answers.behind(0, 0, 1).tolist() == [1, 2]
    assert answers.behind(1, 0, 0).tolist() == [
        1,
        0,
        2,
    ]  # right: the least sure first, equal ones as they came
    assert answers.apart(0).tolist() == [2, 3]  # equally split: the larger spread first
    assert answers.apart(1).tolist() == []
    films, tested = answers.in_group(0, np.array([True, True, False, False, True, True]))
    assert (films.tolist(), tested) == ([4, 1], 3)


def test_across_models_a_film_needs_two_that_tested_it(answers: Answers) -> None:
    assert answers.wrong_for_all().tolist() == [4]  # film 5 is wrong too, but of one model only
    assert answers.wrong_alone(0).tolist() == [1, 3, 2]
    assert answers.wrong_alone(1).tolist() == []


def test_lists_have_their_turns_until_the_room_is_full() -> None:
    lists = [np.array([5, 1, 2]), np.array([5, 3]), np.array([], dtype=int)]
    assert in_turn(lists, 10) == [5, 1, 3, 2]
    assert in_turn(lists, 3) == [5, 1, 3]
    assert in_turn(lists, 10, deep=1) == [5]
    assert in_turn(lists, 4, taken=[9, 3]) == [9, 3, 5, 1]
    assert in_turn([], 3) == []

"""Which films each clean contrast is about."""

import numpy as np
import pytest

from hilum.core.errors import InputError
from hilum.stats.contrasts import AGE_UNKNOWN, contrasts

CLASSES = ["bacterial", "covid", "normal", "viral"]
TRUE = [0, 1, 2, 2, 2, 3]
AGE = ["child", "adult", "adult", "child", "", "child"]
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


def test_rows_scores_and_decisions() -> None:
    adults, children, pneumonia = contrasts(TRUE, SCORE, AGE, CLASSES)
    assert adults.name == "covid vs adult normal"
    assert adults.rows.tolist() == [False, True, True, False, False, False]  # unknown age takes no part
    assert adults.score.tolist() == SCORE[:, 1].tolist()
    assert children.name == "covid among child normals"
    assert children.rows.tolist() == [False, False, False, True, False, False]
    assert children.said[3]
    assert children.only == ("specificity",)
    assert pneumonia.name == "bacterial vs viral"
    assert pneumonia.rows.tolist() == [True, False, False, False, False, True]
    assert pneumonia.score[[0, 5]].tolist() == [0.3 / 0.4, pytest.approx(0.25)]
    assert pneumonia.said[[0, 5]].tolist() == [True, False]  # between the two, though covid scored higher


def test_without_ages_the_questions_about_age_have_no_film_and_say_why() -> None:
    for age in (None, [""] * 6):
        adults, children, pneumonia = contrasts(TRUE, SCORE, age, CLASSES)
        assert not adults.rows.any()
        assert not children.rows.any()
        assert adults.note == children.note == AGE_UNKNOWN
        assert pneumonia.rows.any()
        assert not pneumonia.note


def test_other_classes_have_no_such_contrasts() -> None:
    assert contrasts([0, 1], [[0.5, 0.5], [0.5, 0.5]], None, ["covid", "other"]) == []


def test_no_score_for_either_side_counts_as_half() -> None:
    (pneumonia,) = contrasts([0], [[0.0, 0.0, 1.0]], None, ["bacterial", "viral", "covid"])
    assert pneumonia.score.tolist() == [0.5]


def test_wrong_input_is_named() -> None:
    with pytest.raises(InputError, match="'flu' is not one of"):
        contrasts(TRUE, SCORE, AGE, CLASSES, "flu")
    with pytest.raises(InputError, match="they must agree"):
        contrasts(TRUE, SCORE, AGE[:-1], CLASSES)

"""Golden cases of the paper's Tables 6 and 7 (counts printed there), and what is undefined."""

import numpy as np
import pytest

from hilum.core.errors import InputError
from hilum.stats.confusion import Undefined, confusion, predicted_class, rates, ratios
from hilum.study.metrics import METRIC

TABLE_6 = [[636, 4, 10, 69], [0, 1742, 65, 1], [0, 275, 4790, 31], [6, 13, 29, 625]]
TABLE_7 = [[624, 2, 1, 92], [4, 1738, 59, 7], [7, 407, 4621, 61], [35, 5, 26, 607]]
COVID = 1


@pytest.mark.parametrize(
    ("matrix", "sensitivity", "specificity", "strict", "ppv"),
    [(TABLE_6, 0.9635, 0.9550, 0.9326, 0.8564), (TABLE_7, 0.9613, 0.9362, 0.9020, 0.8076)],
    ids=["table 6", "table 7"],
)
def test_the_papers_tables(
    matrix: list[list[int]], sensitivity: float, specificity: float, strict: float, ppv: float
) -> None:
    found = rates(matrix, COVID)
    wanted = {"sensitivity": sensitivity, "specificity": specificity, "strict_rate": strict, "ppv": ppv}
    assert {name: round(found[name], 4) for name in wanted} == wanted


def test_rows_are_the_truth() -> None:
    assert confusion([2, 2, 0], [1, 2, 0], 3).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]


def test_films_rebuilt_from_table_6_give_table_6() -> None:
    cells = np.repeat(np.arange(16), np.ravel(TABLE_6))
    assert confusion(cells // 4, cells % 4, 4).tolist() == TABLE_6


def test_a_tie_goes_to_the_first_class() -> None:
    assert predicted_class([[0.25, 0.25, 0.25, 0.25], [0.1, 0.4, 0.1, 0.4]]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("matrix", "name", "reason"),
    [
        ([[5, 1], [0, 0]], "sensitivity", "no film of the class"),
        ([[0, 0], [1, 5]], "specificity", "no film of another class"),
        ([[0, 0], [1, 5]], "strict_rate", "no film of another class"),
        ([[5, 0], [3, 0]], "ppv", "no film predicted as the class"),
        ([[0, 5], [0, 3]], "npv", "every film predicted as the class"),
        ([[5, 0], [0, 0]], "f1", "no film of the class and none predicted as it"),
        ([[0, 0], [0, 0]], "accuracy", "no film"),
    ],
)
def test_zero_by_zero_is_undefined_with_its_reason(matrix: list[list[int]], name: str, reason: str) -> None:
    assert rates(matrix, 1)[name] == Undefined(reason)


def test_every_figure_has_a_formula() -> None:
    assert set(rates(TABLE_6, COVID)) == {m.name for m in METRIC.values() if not m.is_area and m.formula}


def test_with_two_classes_the_strict_rate_is_the_specificity() -> None:
    found = rates([[7, 3], [2, 8]], 1)
    assert found["strict_rate"] == found["specificity"] == 0.7


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: confusion([0, 4], [0, 0], 4), r"y_true: position 1 holds 4; expected 0 \.\. 3"),
        (lambda: confusion([0, 1], [0], 2), "y_true has 2 films and y_pred 1"),
        (lambda: confusion([0.0, 1.0], [0, 1], 2), "expected integer class numbers"),
        (lambda: ratios(4, 4), r"expected a class in 0 \.\. 3"),
        (lambda: rates([[1, 2, 3], [4, 5, 6]], 0), r"square matrix of counts, got shape \(2, 3\)"),
    ],
)
def test_wrong_input_is_named(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]

"""Findings of a film, of several readers, as one class and as columns."""

from __future__ import annotations

import pytest

from hilum.core.errors import InputError
from hilum.sources.findings import class_of, parse_classes, settled, value_of, voted

TWO = {"no_finding": "normal", "pneumonia": "pneumonia"}


@pytest.mark.parametrize(
    ("findings", "classes", "expected"),
    [
        ({"no_finding": "1", "pneumonia": "0"}, TWO, "normal"),
        ({"pneumonia": "1", "edema": "1"}, TWO, "pneumonia"),  # edema is not mapped and makes no difference
        ({"pneumonia": "1", "no_finding": "1"}, TWO, "findings disagree"),
        ({"pneumonia": "1", "edema": "1"}, {"pneumonia": "sick", "edema": "sick"}, "sick"),
        ({"edema": "1"}, TWO, "finding not in the study"),
        ({"edema": "1"}, TWO | {"other": "abnormal"}, "abnormal"),
        ({"edema": "1", "pneumonia": "1"}, TWO | {"other": "abnormal"}, "pneumonia"),
        ({"no_finding": "1"}, {"other": "abnormal"}, "finding not in the study"),
        ({"pneumonia": "-1", "edema": "0"}, TWO, "finding uncertain"),
        ({"pneumonia": "-1", "no_finding": "1"}, TWO, "finding uncertain"),
        ({"edema": "-1", "no_finding": "1"}, TWO, "normal"),
        ({"pneumonia": "1", "edema": "-1"}, {"pneumonia": "sick", "edema": "sick"}, "sick"),
        ({"pneumonia": "", "no_finding": ""}, TWO, "finding not in the study"),
    ],
)
def test_a_film_has_the_class_of_its_mapped_findings(
    findings: dict[str, str], classes: dict[str, str], expected: str
) -> None:
    found = class_of(findings, classes)
    assert (found if isinstance(found, str) else found[0]) == expected


def test_the_policies_for_uncertain_findings() -> None:
    """U-Ones, U-Zeroes and U-Ignore of CheXpert's authors (Irvin et al., arXiv:1901.07031, section 3.1)."""
    film = {"pneumonia": "-1", "no_finding": ""}
    assert class_of(settled(film, "positive"), TWO) == "pneumonia"
    assert class_of(settled(film, "negative"), TWO)[0] == "finding not in the study"
    assert class_of(settled(film, "ignore"), TWO)[0] == "finding uncertain"


def test_several_readers() -> None:
    readers = {
        "R8": {"pneumonia": "1", "mass": "0", "no_finding": "0"},
        "R9": {"pneumonia": "1", "mass": "1", "no_finding": "0"},
        "R10": {"pneumonia": "0", "mass": "0", "no_finding": "1"},
    }
    assert voted(readers, "majority") == {"pneumonia": "1", "mass": "0", "no_finding": "0"}
    assert voted(readers, "any") == {"pneumonia": "1", "mass": "1", "no_finding": "0"}
    assert voted({k: readers[k] for k in ("R8", "R10")}, "majority") == {
        "pneumonia": "-1", "mass": "0", "no_finding": "-1",
    }  # fmt: skip
    assert voted({"R8": {"mass": ""}, "R9": {"mass": "1"}}, "majority") == {"mass": "1"}


@pytest.mark.parametrize("text", ["2", "0.5", "yes"])
def test_a_value_that_is_none_is_refused_with_its_row(text: str) -> None:
    with pytest.raises(
        InputError, match=rf"line 3 of train.csv: expected a finding to be 1, 0, -1 or blank, got '{text}'"
    ):
        value_of(text, "line 3 of train.csv")


@pytest.mark.parametrize("text", ["pneumonia", "pneumonia:", ":normal", "a:b,a:c"])
def test_a_mapping_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--findings"):
        parse_classes(text)

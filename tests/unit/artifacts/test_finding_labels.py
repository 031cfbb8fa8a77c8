"""What is known of a film's findings as one text: nothing is lost on the way there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.artifacts.finding_labels import UNKNOWN, check_names, finding_matrix, findings_of, findings_text
from hilum.core.errors import InputError

FINDINGS = ["mass", "no_finding", "pleural_effusion"]


@given(st.lists(st.sampled_from([1, 0, UNKNOWN]), min_size=3, max_size=3))
def test_a_text_says_what_was_known(values: list[int]) -> None:
    text = findings_text(dict(zip(FINDINGS, values, strict=True)))
    assert findings_of(text, FINDINGS) == tuple(values)
    assert findings_of(text, FINDINGS[::-1]) == tuple(values[::-1])


def test_texts_that_people_read() -> None:
    assert findings_text({"mass": 1, "no_finding": 0, "pleural_effusion": 1}) == "mass|pleural_effusion"
    assert findings_text({"mass": 0, "no_finding": UNKNOWN}) == "?no_finding"
    assert findings_text({"mass": 0, "no_finding": 0}) == "nothing"
    assert finding_matrix(["nothing", "", "mass"], ["mass"]).tolist() == [[0], [UNKNOWN], [1]]
    assert finding_matrix([], FINDINGS).shape == (0, 3)
    assert finding_matrix([], FINDINGS).dtype == np.int64


def test_a_finding_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"film 'a': no finding 'masss'.*did you mean 'mass'"):
        findings_of("masss", FINDINGS, "film 'a'")


@pytest.mark.parametrize("name", ["a|b", "?a", "nothing"])
def test_names_that_could_be_read_in_two_ways_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="its name may have no"):
        check_names(["mass", name])

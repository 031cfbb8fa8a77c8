"""Which class is the positive one, where it is named and where it is not."""

import pytest

from hilum.core.errors import InputError
from hilum.study.classes import positive_class


def test_a_class_is_found_whatever_its_case_and_spelled_as_the_films_spell_it() -> None:
    assert positive_class("tb", ["No finding", "TB"], "m.csv") == "TB"
    assert positive_class(None, ["COVID", "Normal"], "m.csv") == "COVID"
    assert positive_class("covid", ["COVID", "covid"], "m.csv") == "covid"


def test_nobody_is_asked_about_a_class_that_is_not_there() -> None:
    with pytest.raises(InputError) as caught:
        positive_class(None, ["TB", "No finding"], "m.csv")
    assert str(caught.value) == (
        "m.csv: which class is the positive one? Give --positive 'No finding' or --positive 'TB' (classes: No finding, TB)"
    )
    with pytest.raises(InputError, match="no class 'TBC' for --positive; did you mean 'TB'"):
        positive_class("TBC", ["TB", "No finding"], "m.csv")

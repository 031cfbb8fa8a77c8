"""Who may take every core: a call that is alone, and was for a while."""

from __future__ import annotations

import pytest

from hilum.inference.company import ALONE_S, Company


def test_a_call_is_alone_when_no_two_were_inside_for_a_while():
    seconds = [0.0]
    company = Company(lambda: seconds[0])
    with company.joined() as first:
        assert first
        with company.joined() as second:
            assert not second
            seconds[0] = 1.0
        seconds[0] = 1.0 + ALONE_S / 2
    with company.joined() as between:  # the other will be back at once
        assert not between
    seconds[0] = 1.0 + 2 * ALONE_S
    with company.joined() as later:
        assert later


def test_a_call_that_fails_leaves():
    company = Company()
    with pytest.raises(ValueError, match="its own"), company.joined():
        raise ValueError("its own")
    with company.joined() as alone:
        assert alone

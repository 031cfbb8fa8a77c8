"""Bounds of what is inside at a time, and the rate of a token."""

from __future__ import annotations

import pytest

from hilum.inference.opener import Opener
from hilum.inference.opening import opened
from hilum.serve.limits import Admission, Limits, Rates
from hilum.serve.problems import Problem
from serving import film


def test_as_many_requests_as_may_and_no_more():
    admission = Admission(Limits(waiting=2))
    with admission.request(), admission.request():
        with pytest.raises(Problem) as e, admission.request():
            pass
        assert (e.value.status, e.value.headers["retry-after"]) == (429, "1")
    with admission.request():
        assert admission.requests == 1
    assert admission.requests == 0


def test_bytes_of_a_request_and_of_all():
    admission = Admission(Limits(request_bytes=100, held_bytes=150))
    with admission.request() as one:
        one.add(100)
        with pytest.raises(Problem) as e:
            one.add(1)
        assert e.value.status == 413
        with admission.request() as two, pytest.raises(Problem) as e:
            two.add(60)
        assert e.value.status == 429
    assert admission.held_bytes == 0


def test_a_rate_is_a_bucket_that_fills_evenly():
    rates = Rates(60)
    for _ in range(60):
        rates.take("a", 0.0)
    with pytest.raises(Problem) as e:
        rates.take("a", 0.0)
    assert (e.value.status, e.value.retry_after_s) == (429, 1)
    rates.take("b", 0.0)
    rates.take("a", 1.0)
    with pytest.raises(Problem):
        rates.take("a", 1.5)
    slow = Rates(1)
    slow.take("a", 0.0)
    with pytest.raises(Problem) as e:
        slow.take("a", 10.0)
    assert e.value.retry_after_s == 50


def test_a_film_of_more_pixels_than_may_be_is_refused():
    found = opened(Opener(None), "a", film(0, 64), 64 * 64 - 1)
    assert (found.error, found.pixels) == ("too large", None)
    assert found.words == "the header declares 64 x 64 px = 0 Mpx; at most 0.00409 Mpx are accepted"
    assert opened(Opener(None), "a", film(0, 64), 64 * 64).error == ""

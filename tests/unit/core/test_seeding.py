"""A generator depends on its seed and key alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.core.seeding import generator, key_entropy


def test_a_written_out_draw_stays_the_same_for_ever() -> None:
    # Philox is specified bit for bit; a change here changes every study ever run
    assert generator(1, "split", "covid").integers(0, 2**32, 3).tolist() == [
        504477940,
        2371295014,
        3081018826,
    ]


@given(st.integers(0, 2**62), st.lists(st.one_of(st.text(max_size=8), st.integers(0, 99)), max_size=4))
def test_other_draws_do_not_disturb(seed: int, key: list[str | int]) -> None:
    first = generator(seed, *key).random(4)
    generator(seed, "other").random(100)
    assert np.array_equal(first, generator(seed, *key).random(4))


@pytest.mark.parametrize(("a", "b"), [(("1",), (1,)), (("a", "b"), ("ab",)), (("a",), ("a", ""))])
def test_keys_that_look_alike_are_different(a: tuple[str | int, ...], b: tuple[str | int, ...]) -> None:
    assert key_entropy(5, *a) != key_entropy(5, *b)

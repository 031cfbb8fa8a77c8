"""What quality flags count by loops of their own is what scipy and numpy say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from hilum.imaging.quality.kinds import percentiles
from hilum.imaging.quality.marks import border_share
from hilum.imaging.quality.pieces_kernel import pieces_of


@given(arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24))))
def test_pieces_are_scipys_in_its_order(mask):
    labels, n = ndimage.label(mask, np.ones((3, 3), int))
    rows = [(s[0].start, s[0].stop, s[1].start, s[1].stop) for s in ndimage.find_objects(labels)]
    pixels = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    found = pieces_of(mask)
    assert found[:, :4].tolist() == [list(r) for r in rows]
    assert found[:, 4].tolist() == pixels.tolist()


@given(
    arrays(
        np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats(0, 255, width=32)
    )
)
def test_percentiles_are_numpys_bit_for_bit(film):
    assert percentiles(film.ravel()).tolist() == np.percentile(film, [5, 25, 50, 75, 95]).tolist()


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 300)), elements=st.integers(0, 12)))
def test_lines_of_one_grey_are_those_by_numpys_percentiles(film):
    def border(lines):
        ends = [np.percentile(line, (0.5, 99.5)) for line in lines]
        return next((n for n, (low, high) in enumerate(ends) if high - low > 4), len(lines))

    def inside(lines):
        return max(len(lines) - border(lines) - border(lines[::-1]), 0)

    assert border_share(film) == 1 - inside(film) * inside(film.T) / film.size

"""What quality flags count by loops of their own is what scipy and numpy say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from hilum.imaging.quality.kinds import percentiles
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
    assert percentiles(film).tolist() == np.percentile(film, [5, 25, 50, 75, 95]).tolist()

"""A film's shape against scikit-image."""

import numpy as np
import pytest
import skimage.data
from PIL import Image
from skimage.feature import hog

from hilum.core.seeding import generator
from hilum.imaging.quality.kinds import without_dark_margins
from hilum.imaging.shape import shape_of
from hilum.synthetic.phantom import draw

FILMS = {
    "phantom": draw("covid", generator(3, "shape"), 200).pixels,
    "coins": skimage.data.coins(),
    "noise": np.random.default_rng(1).integers(0, 256, (50, 70), np.uint8),
    "one grey": np.full((64, 64), 80, np.uint8),
}


@pytest.mark.parametrize("name", FILMS)
def test_edges_are_the_histograms_of_oriented_gradients_of_scikit_image(name: str) -> None:
    inner = Image.fromarray(without_dark_margins(FILMS[name]))
    grey = np.asarray(inner.resize((64, 64), Image.Resampling.BOX), np.float32)
    found = shape_of(FILMS[name])
    expected = hog(grey, 8, (8, 8), (1, 1), block_norm="L1", feature_vector=True)
    assert found[:512] == pytest.approx(expected, abs=5e-4)  # float16
    assert found.dtype == np.float16
    small = grey.reshape(16, 4, 16, 4).mean((1, 3)).ravel()
    assert found[512:] == pytest.approx((small - small.mean()) / (small.std() + 1e-3), abs=2e-3)


def test_sharpness_moves_a_shape_less_than_a_mirror() -> None:
    film = FILMS["phantom"]
    blurred = np.asarray(
        Image.fromarray(film).resize((100, 100), Image.Resampling.BICUBIC).resize((200, 200))
    )
    near, far = (np.abs(shape_of(f).astype(float) - shape_of(film)).mean() for f in (blurred, film[:, ::-1]))
    assert near < far / 4

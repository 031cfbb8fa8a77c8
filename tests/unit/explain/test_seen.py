"""Lungs, marks and scale of a film go through its model's preparation as its pixels do."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.manifest import FilmRow
from hilum.augment.pipeline import Pipeline
from hilum.explain.seen import Seeing
from hilum.imaging.film import DecodedFilm

RESIZE = {"op": "resize", "width_px": 50, "height_px": 40}
ROW = FilmRow("a", "", "", "", "", "", "")


def seeing(*steps: dict) -> Seeing:
    return Seeing(Pipeline.from_dict({"name": "p", "steps": list(steps)}).certain, None, None, True)


def film(height: int = 80, width: int = 100, **facts: str) -> DecodedFilm:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    return DecodedFilm(pixels, "dicom", "MONOCHROME2", facts)


def test_a_box_is_where_its_pixels_are_after_a_crop_and_a_resize(tmp_path: Path) -> None:
    see = seeing({"op": "crop_centre", "percentage_area": 0.25}, RESIZE)
    got = see.film(film(), ROW, [(0.25, 0.25, 0.25, 0.5), (0.0, 0.0, 0.1, 0.1)])
    # the middle half of each side is left; the box is its left half, the other box is gone
    expected = np.zeros((40, 50), bool)
    expected[:, :25] = True
    assert np.array_equal(got.found, expected)
    mask = np.zeros((80, 100), np.uint8)
    mask[20:60, 25:50] = 200
    Image.fromarray(mask).save(tmp_path / "m.png")
    by_mask = see.film(film(), ROW, [tmp_path / "m.png"])
    assert (by_mask.found != expected).mean() < 0.03
    assert np.array_equal(by_mask.film, see.pipeline.deterministic(film().pixels))
    assert see.film(film(), ROW, [(0.0, 0.0, 0.1, 0.1)]).found is None


def test_the_scale_follows_from_the_spacing_and_from_each_side() -> None:
    spaced = film(pixel_spacing="0.2 0.1")  # mm from row to row, and from column to column
    assert seeing(RESIZE).film(spaced, ROW, []).mm_per_px == pytest.approx((0.2, 0.4))
    assert seeing(RESIZE).film(film(), ROW, []).mm_per_px == ()


def test_a_sources_own_lungs_come_first(tmp_path: Path) -> None:
    mask = np.zeros((80, 100), np.uint8)
    mask[20:60, 15:40] = mask[20:60, 60:85] = 255
    Image.fromarray(mask).save(tmp_path / "lungs.png")
    row = FilmRow("a", "", "", "", "", "", "", lung_mask=str(tmp_path / "lungs.png"))
    lungs = seeing(RESIZE).film(film(), row, []).lungs
    assert lungs is not None
    assert (lungs != (mask[::2, ::2] > 0)).mean() < 0.05
    assert seeing(RESIZE).film(film(), ROW, []).lungs is None

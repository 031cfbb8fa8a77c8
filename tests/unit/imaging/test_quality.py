"""Each quality flag on pictures with a known answer; the formulas in numbers; the model is a softmax of what it says that it sees."""

from __future__ import annotations

import json

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.special import softmax

from hilum.core.seeding import generator
from hilum.imaging.quality import FLAGS, flags, rates, scores
from hilum.imaging.quality.kinds import KINDS, MODEL, described, kind_probabilities, without_dark_margins
from hilum.imaging.quality.marks import border_share, clipped_share, painted_letters
from hilum.report.caution import KINDS as CAUTIONS
from hilum.synthetic.phantom import LABELS, draw

Film = NDArray[np.uint8]


@pytest.fixture(scope="module")
def phantoms() -> list[Film]:
    """Films that the model was not trained on."""
    return [draw(LABELS[k % 4], generator(77, k), 256).pixels for k in range(24)]


def test_a_clean_film_has_no_flag(phantoms: list[Film]) -> None:
    assert [flags(film) for film in phantoms].count({}) >= 23


def test_a_negative_is_told(phantoms: list[Film]) -> None:
    told = ["inverted" in flags(np.asarray(255 - film, np.uint8)) for film in phantoms]
    assert sum(told) >= 22


def test_pictures_noise_and_gradients_are_no_chest_films() -> None:
    y, x = np.mgrid[0:1:200j, 0:1:200j]
    pictures = [
        np.asarray(Image.fromarray(skimage.data.astronaut()).convert("L")), skimage.data.coins(), skimage.data.page(),
        generator(3, "noise").integers(0, 256, (200, 200), np.uint8), (255 * x).astype(np.uint8), (255 * x * y).astype(np.uint8),
    ]  # fmt: skip
    assert [1 - kind_probabilities(p)["frontal"] > 0.9 for p in pictures] == [True] * 6


def test_the_model_is_a_softmax_of_what_it_describes(phantoms: list[Film]) -> None:
    model = json.loads(MODEL.read_text())["kinds"]
    x = described(phantoms[0])
    assert x.shape == (90,)
    logits = [float(np.dot(model[k]["weights"], x)) + model[k]["intercept"] for k in KINDS]
    found = kind_probabilities(phantoms[0])
    assert list(found) == list(KINDS)
    assert list(found.values()) == pytest.approx(softmax(logits), abs=1e-4)


def test_what_the_model_sees_of_a_film_is_its_own_at_any_size_and_exposure(phantoms: list[Film]) -> None:
    film = phantoms[1]
    twice = np.asarray(np.kron(film, np.ones((2, 2), np.uint8)))
    assert described(twice)[:64] == pytest.approx(described(film)[:64], abs=0.05)
    darker = (film * 0.6).astype(np.uint8)
    assert described(darker)[:64] == pytest.approx(described(film)[:64], abs=0.05)
    assert (
        without_dark_margins(np.pad(film[20:-20, 20:-20], 30)).shape
        == without_dark_margins(film[20:-20, 20:-20]).shape
    )
    black = np.zeros((40, 40), np.uint8)
    assert without_dark_margins(black).shape == (40, 40)


def test_a_border_is_its_share(phantoms: list[Film]) -> None:
    film = generator(1, "film").integers(0, 256, (100, 100), np.uint8)
    assert border_share(film) == 0.0
    for grey in (0, 128, 255):
        wide = np.full((100, 130), grey, np.uint8)
        wide[:, 10:110] = film
        assert border_share(wide) == pytest.approx(30 / 130)
        assert "wide-border" in flags(wide)
    assert border_share(np.full((20, 20), 7, np.uint8)) == 1.0
    assert max(border_share(f) for f in phantoms) < 0.2


def test_clipping_is_its_share(phantoms: list[Film]) -> None:
    film = np.arange(256, dtype=np.uint8).repeat(40).reshape(80, 128)
    assert clipped_share(film) == pytest.approx(3 / 256)
    light = np.minimum(film.astype(int) * 2, 255).astype(np.uint8)
    assert clipped_share(light) == pytest.approx(0.5, abs=0.01)
    dark = np.maximum(film.astype(int) - 128, 0).astype(np.uint8)
    assert clipped_share(dark) == pytest.approx(0.5, abs=0.06)
    air = np.zeros((100, 100), np.uint8)  # dark around the body, by right
    air[20:80, 20:80] = generator(2, "body").integers(60, 250, (60, 60), np.uint8)
    assert clipped_share(air) < 0.03
    assert max(clipped_share(f) for f in phantoms) < 0.1


@pytest.mark.parametrize("fill", [0, 255])
def test_painted_words_are_counted_in_letters(phantoms: list[Film], fill: int) -> None:
    found = []
    for film in phantoms[:8]:
        picture = Image.fromarray(np.clip(film, 60, 190))
        ImageDraw.Draw(picture).text((60, 120), "PORTABLE 07:45", fill=fill, font=ImageFont.load_default(14))
        found.append(painted_letters(np.asarray(picture)))
    assert sum(f >= 4 for f in found) >= 7
    assert max(painted_letters(f) for f in phantoms) < 4  # an R alone is a marker
    assert painted_letters(np.zeros((64, 64), np.uint8)) == 0.0


def test_a_blank_film_is_told() -> None:
    assert scores(np.array([[7, 8] * 16] * 32, np.uint8))["nearly-blank"] == 1.0


def test_every_flag_has_a_caution_and_measured_rates() -> None:
    assert set(rates()) == {f.code for f in FLAGS} <= set(CAUTIONS)
    for flag in FLAGS:
        measured = rates()[flag.code]
        assert sum(n for _, n in measured["missed"].values()) >= 50
        alarms = measured["named"] if flag.score else measured["false_alarms"]
        assert sum(n for _, n in alarms.values()) > 1000
        assert all(0 <= k <= n for by in measured.values() for k, n in by.values())

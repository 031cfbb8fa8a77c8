"""The picture of a film says what its model said, and marks a map that does not pass on the picture."""

from dataclasses import replace

import numpy as np

from hilum import RESEARCH_NOTICE
from hilum.artifacts.explanations import ExplainedFilm, FilmMap, MapCheck
from hilum.explain.colours import in_colours
from hilum.report.overlay import FilmOverlay, overlay_figure, said_of
from hilum.report.style import png_bytes

BAD = MapCheck("randomised", "Randomised weights", 0.9, 0.5, False, "")
GOOD = MapCheck("stability", "Stability", 0.9, 0.8, True, "")
FILM = ExplainedFilm("clinic/a", "covid", "p", (0.2, 0.7, 0.1), True, mm_per_px=(0.5, 0.5))


def overlay(*checks: MapCheck, signed: bool = False) -> FilmOverlay:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(64, 64)).astype(np.float32)
    method = "occlusion" if signed else "grad-cam"
    film = replace(FILM, maps=(FilmMap.judged(method, "covid", checks, 0.1),))
    said = said_of(film, ("bacterial", "covid", "normal"), "covid", 0.4)
    half = np.arange(64)[:, None] + np.zeros((64, 64)) < 32
    values = {method: values if signed else np.abs(values)}
    return FilmOverlay(film, rng.integers(0, 256, (64, 64), np.uint8), values, {method: {}}, said, half, half)


def texts(figure) -> str:
    return "\n".join(t.get_text() for ax in (figure, *figure.axes) for t in ax.texts)


def test_it_says_what_the_model_said_with_scale_and_note() -> None:
    found = texts(overlay_figure(overlay(GOOD)))
    assert "covid 0.700   bacterial 0.200   normal 0.100" in found
    assert "p(covid) 0.700 ≥ 0.400, called covid" in found
    assert "50 mm" in found
    assert "Stability 0.90 (0.80)" in found
    assert RESEARCH_NOTICE in found
    assert "does not pass" not in found


def test_a_map_that_fails_is_marked_on_its_picture() -> None:
    figure = overlay_figure(overlay(GOOD, BAD))
    plain, over, bar = figure.axes
    assert [t.get_text() for t in over.texts] == ["does not pass: Randomised weights"]
    assert over.patches
    assert not plain.patches
    assert bar.get_ylabel() == "speaks for the class"


def test_checks_are_told_whole_in_two_digits_and_a_long_id_by_its_end() -> None:
    longest = MapCheck("deletion-insertion", "Deletion and insertion", -0.312345, -0.124957, False, "")
    drawn = overlay(longest)
    found = texts(overlay_figure(drawn))
    assert "Deletion and insertion −0.31 (−0.12)" in found
    found = texts(overlay_figure(replace(drawn, of=replace(drawn.of, image_id="long/" * 20 + "last"))))
    assert "…ng/long/long/" in found
    assert "/long/last" in found


def test_a_signed_map_is_clear_at_zero_and_its_colours_are_symmetric() -> None:
    image = overlay_figure(overlay(GOOD, signed=True)).axes[1].images[1]
    assert image.norm.vmin == -image.norm.vmax
    assert image.cmap(0.5)[3] < 0.1 < image.cmap(0.0)[3] == image.cmap(1.0)[3]


def test_colours_begin_at_the_least_value() -> None:
    """RISE lies far above zero everywhere: from zero on it would be one colour."""
    values = np.linspace(0.005, 0.008, 64 * 64, dtype=np.float32).reshape(64, 64)
    _, _, norm = in_colours(values, signed=False)
    assert norm.vmin == values.min()
    assert values.min() < norm.vmax < values.max()
    _, _, norm = in_colours(np.full((64, 64), 0.25, np.float32), signed=False)
    assert (norm.vmin, norm.vmax) == (0, 0.25)


def test_equal_pictures_are_equal_bytes() -> None:
    assert png_bytes(overlay_figure(overlay(BAD))) == png_bytes(overlay_figure(overlay(BAD)))

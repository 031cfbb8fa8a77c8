"""The figure of a box under each pipeline: the outline is drawn on the pixels it encloses; the shares are in a table."""

import numpy as np
import pytest

from hilum.report.boxed_film import BoxedFilm, box_panel, box_table


@pytest.fixture
def films():
    film = np.zeros((40, 60), np.uint8)
    film[10:20, 30:50] = 255
    outline = np.array([[30.0, 10], [50, 10], [50, 20], [30, 20]])
    return [
        BoxedFilm("as it was", film, "60×40 px", outline, 1.0),
        BoxedFilm("gone", film, "one; two", np.empty((0, 2)), 0.0),
    ]


def test_the_outline_encloses_the_pixels_of_the_box(films):
    fig = box_panel(films)
    first, second = fig.axes
    (outline,) = first.patches
    corners = outline.get_xy()[:4]
    fig.canvas.draw()
    image = first.images[0]
    # the picture's pixel (x, y) lies around the whole numbers x, y on these axes
    inside = [(x, y) for y in range(40) for x in range(60) if outline.get_path().contains_point((x, y))]
    assert {(x, y) for y, x in zip(*np.nonzero(np.asarray(image.get_array())), strict=True)} == set(inside)
    assert corners.tolist() == [[29.5, 9.5], [49.5, 9.5], [49.5, 19.5], [29.5, 19.5]]
    assert not second.patches
    assert second.get_xlabel() == "one\ntwo\n0.0\N{NO-BREAK SPACE}% of the box inside the film"


def test_the_table_has_the_shares(films):
    lines = box_table(films).to_csv().splitlines()
    assert lines[0] == "pipeline,what_was_drawn,box_left"
    assert lines[1:] == ["as it was,60×40 px,1", "gone,one; two,0"]


def test_six_films_stand_in_two_rows(films):
    fig = box_panel(films * 3)
    assert len([ax for ax in fig.axes if ax.axison]) == 6
    assert fig.axes[0].get_subplotspec().get_gridspec().nrows == 2

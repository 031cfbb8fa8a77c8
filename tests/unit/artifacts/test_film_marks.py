"""Boxes and masks find their films by any name that a table of labels would find them by."""

from pathlib import Path

import pytest

from hilum.artifacts.film_marks import read_film_marks
from hilum.core.errors import InputError


def table(folder: Path, text: str) -> Path:
    (folder / "boxes.csv").write_text(text)
    return folder / "boxes.csv"


def test_boxes_and_masks_of_films_are_found_by_id_path_or_name(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "Image,x,y,width,height,mask\nnih/a.jpg,.1,.2,.3,.4,\nnih/a.jpg,.5,.5,.50004,.1,\nb.png,,,,,m/b.png\nc,0,0,1,1,\n",
    )
    found = read_film_marks(path).of(["nih/a", "x/b.png"])
    assert set(found) == {"nih/a", "x/b.png"}
    assert found["nih/a"][0] == pytest.approx((0.1, 0.2, 0.3, 0.4))
    assert found["nih/a"][1] == pytest.approx(
        (0.5, 0.5, 0.5, 0.1)
    )  # rounded in the table, within the film here
    assert found["x/b.png"] == [tmp_path / "m" / "b.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,x,y\na,1,2\n", "expected columns image"),
        ("image,x,y,width,height\na,1,2,3,wide\n", "line 2: x, y, width and height are numbers"),
        ("image,x,y,width,height\n", "it has no rows"),
        ("image,x,y,width,height\na,0.5,0.5,0.8,0.2\n", "line 2: a box lies within the film, .*; got x 0.5, y 0.5, width 0.8, height 0.2"),
        ("image,x,y,width,height\nz,0,0,1,1\n", "none of its 1 rows names a film; its first is 'z', that of the films 'a'"),
    ],
)  # fmt: skip
def test_a_table_that_is_of_no_use_says_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_film_marks(table(tmp_path, text)).of(["a", "b"])
    with pytest.raises(InputError, match="there is no such file"):
        read_film_marks(tmp_path / "none.csv")

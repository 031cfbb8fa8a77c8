"""``--labels`` as readers write it: films by image_id, films left out, and what is for people only."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.core.errors import InputError
from ingesting import run, write_csv


def films(root: Path, *names: str) -> Path:
    for k, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (20, 20), np.uint8)).save(path)
    return root


def test_a_reader_s_csv_corrects_labels_leaves_films_out_and_its_comments_reach_no_film(
    tmp_path: Path,
) -> None:
    root = films(tmp_path / "s", "covid/a.png", "covid/b.png", "normal/c.png", "normal/d.png")
    columns = ("image_id", "label", "leave_out", "given_label", "reading", "comment")
    labels = write_csv(
        tmp_path / "comments.csv", columns,
        ("s/covid/a", "normal", "", "covid", "normal", 'clear, says "Dr. B"\nsee =1+1'),
        ("s/covid/b", "", "", "covid", "cannot tell", ""),
        ("s/normal/c", "", "not a usable film", "normal", "not a usable film", "'=cmd|calc"),
    )  # fmt: skip
    done = run(tmp_path, root, labels=labels, no_patient_ids=["s"])
    assert {f.image_id: (f.label, dict(f.attributes)) for f in done.manifest.films} == {
        "s/covid/a": ("normal", {}),
        "s/covid/b": ("covid", {}),
        "s/normal/d": ("normal", {}),
    }
    (out,) = done.exclusions
    assert (out.path, out.reason) == ("normal/c.png", "left out by --labels")
    assert out.detail == "line 5 of comments.csv: not a usable film"
    assert done.manifest.header.options["labels"] == {"rows": 3, "changed": 1, "left_out": 1}
    assert [n for n in done.notes if "labels file" in n] == [
        "the labels file changed the label of 1 film", "the labels file left out 1 film",
    ]  # fmt: skip


def test_what_a_later_file_says_goes_first(tmp_path: Path) -> None:
    root = films(tmp_path / "s", "covid/a.png", "covid/b.png")
    columns = ("path", "label", "patient_id")
    theirs = write_csv(
        tmp_path / "theirs.csv", columns, ("covid/a.png", "viral", "1"), ("covid/b.png", "viral", "2")
    )
    ours = write_csv(tmp_path / "ours.csv", ("image_id", "label"), ("s/covid/b", "normal"))
    done = run(tmp_path, root, labels=[theirs, ours])
    assert [(f.label, f.patient_id) for f in done.manifest.films] == [("viral", "s:1"), ("normal", "s:2")]
    header = done.manifest.header
    assert header.options["labels 2"] == {"rows": 1, "changed": 1}
    assert set(header.inputs) >= {"labels 1", "labels 2"}
    assert "labels file 2 changed the label of 1 film" in done.notes


def test_an_image_id_is_looked_for_where_the_path_leads_nowhere(tmp_path: Path) -> None:
    root = films(tmp_path / "s", "covid/a.png", "covid/a.bmp", "normal/a.png")
    rows = [("s/covid/a.bmp", "gone/1.png", "normal"), ("s/normal/a", "gone/2.png", "covid")]
    labels = write_csv(tmp_path / "l.csv", ("image_id", "path", "label"), *rows)
    done = run(tmp_path, root, labels=labels, no_patient_ids=["s"])
    assert {f.image_id: f.label for f in done.manifest.films} == {
        "s/covid/a.bmp": "normal", "s/covid/a.png": "covid", "s/normal/a": "covid",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("image_id", "comment"), ("s/x/a", "?")], "label, patient_id or leave_out, got image_id, comment"),
        ([("image_id", "label"), ("x/a.png", "y")], "none of its 1 rows names a film of the sources, the first is 'x/a.png'"),
        ([("image_id", "label"), ("s/x/a", "y"), ("s/x/a.png", "z")], "lines 2 and 3: both name 's/x/a.png'"),
    ],
)  # fmt: skip
def test_ids_that_are_wrong_say_where(tmp_path: Path, rows: list[tuple[str, ...]], message: str) -> None:
    root = films(tmp_path / "s", "x/a.png")
    with pytest.raises(InputError, match=message):
        run(tmp_path, root, labels=write_csv(tmp_path / "l.csv", *rows), no_patient_ids=["s"])

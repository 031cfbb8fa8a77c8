"""COVIDx's lists: the lines are those of labels/train_COVIDx9A.txt, labels/test_COVIDx9B.txt and labels/train_COVIDx.txt of
https://github.com/lindawangg/COVID-Net."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.core.errors import InputError
from ingesting import facts, films, left_out, run

SARS = "SARS-10.1148rg.242035193-g04mr34g0-Fig8a-day0.jpeg"
RICORD = "MIDRC-RICORD-1C-419639-003251-46647-0.png"


def test_patients_classes_and_parts_of_the_lists(tmp_path: Path) -> None:
    root = films(tmp_path / "covidx", f"train/{SARS}", f"test/{RICORD}", "test/ARDSSevere.png")
    (root / "train_COVIDx9A.txt").write_text(f"3 {SARS} pneumonia cohen\n7 gone.jpeg normal rsna\n")
    (root / "test_COVIDx9A.txt").write_text(f"419639-003251 {RICORD} COVID-19 ricord\n")
    done = run(tmp_path, root)
    assert facts(done, "label", "patient_id", "source_part", "of_set", "finding_covid") == {
        f"covidx/train/{SARS[:-5]}": ("pneumonia", "covidx:3", "train", "cohen", "0"),
        f"covidx/test/{RICORD[:-4]}": ("covid", "covidx:419639-003251", "test", "ricord", "1"),
    }
    assert left_out(done) == {"train/gone.jpeg": "no such file", "test/ARDSSevere.png": "no row in metadata"}


def test_a_film_of_one_name_in_two_parts_is_two_films(tmp_path: Path) -> None:
    """The lists of Kaggle's covidx-cxr2, and those of the first versions, which have no sources."""
    root = films(tmp_path / "covidx", "train/a.png", "test/a.png", "val/b.png")
    for part, line in (
        ("train", "5 a.png negative"),
        ("test", "9 a.png positive"),
        ("val", "6 b.png negative"),
    ):
        (root / f"{part}.txt").write_text(line)
    done = run(tmp_path, root)
    assert facts(done, "label", "patient_id", "source_part") == {
        "covidx/train/a": ("no_covid", "covidx:5", "train"),
        "covidx/test/a": ("covid", "covidx:9", "test"),
        "covidx/val/b": ("no_covid", "covidx:6", "val"),
    }


def test_a_line_that_is_none_and_several_versions_are_refused(tmp_path: Path) -> None:
    root = films(tmp_path / "covidx", "train/a.png")
    (root / "train.txt").write_text("5 a.png negative cohen\n6 b.png level2 cohen\n")
    with pytest.raises(
        InputError, match=r"line 2 of train.txt: expected a class among COVID-19, .*got 'level2'"
    ):
        run(tmp_path, root)
    (root / "train.txt").write_text("5 a.png negative cohen\n6 b.png\n")
    with pytest.raises(
        InputError, match=r"line 2 of train.txt: expected 'patient file class source', got 2 fields"
    ):
        run(tmp_path, root)
    (root / "train_COVIDx9A.txt").write_text("5 a.png normal cohen\n")
    with pytest.raises(InputError, match=r"holds train.txt, train_COVIDx9A.txt, of which COVIDx has one"):
        run(tmp_path, root)

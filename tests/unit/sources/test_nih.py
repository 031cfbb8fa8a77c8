"""NIH ChestX-ray14 as published.

The header and the rows of films 00000001 are those of the file itself, of which https://github.com/mlmed/torchxrayvision has a copy
(torchxrayvision/data/Data_Entry_2017_v2020.csv.gz); the first release writes ages as 058Y and ends its header with a comma.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.core.errors import InputError
from ingesting import facts, films, left_out, run, write_csv

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
ROWS = (
    "00000001_000.png,Cardiomegaly,0,1,57,M,PA,2682,2749,0.14300000000000002,0.14300000000000002",
    "00000001_001.png,Cardiomegaly|Pneumonia,1,1,58,M,PA,2894,2729,0.14300000000000002,0.14300000000000002",
    "00000002_000.png,No Finding,0,2,80,M,AP,2500,2048,0.171,0.171",
    "00000003_000.png,No Finding,0,3,412,F,PA,2500,2048,0.168,0.168",
    "00000004_000.png,Mass,0,4,82,M,AP,2500,2048,0.168,0.168",
)


@pytest.fixture
def nih(tmp_path: Path) -> Path:
    """Films in the folders of two of the archives, those of patient 4 not downloaded, one that no row names."""
    names = (f"images_001/images/0000000{k}.png" for k in ("1_000", "1_001", "2_000"))
    root = films(
        tmp_path / "nih", *names, "images_002/images/00000003_000.png", "images_002/images/copied.png"
    )
    (root / "Data_Entry_2017_v2020.csv").write_text("\n".join([HEADER, *ROWS]))
    (root / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png\n00000003_000.png\n")
    (root / "test_list.txt").write_text("00000002_000.png\n00000004_000.png")
    return root


def test_classes_patients_views_parts_and_findings(tmp_path: Path, nih: Path) -> None:
    done = run(tmp_path, nih)
    assert facts(
        done, "label", "patient_id", "source_part", "view", "age", "sex", "finding_cardiomegaly"
    ) == {
        "nih/images_001/images/00000001_001": ("pneumonia", "nih:1", "train", "PA", "58", "M", "1"),
        "nih/images_001/images/00000002_000": ("normal", "nih:2", "test", "AP", "80", "M", "0"),
        "nih/images_002/images/00000003_000": ("normal", "nih:3", "train", "PA", "", "F", "0"),
    }
    assert left_out(done) == {
        "images_001/images/00000001_000.png": "finding not in the study",
        "images_002/images/copied.png": "no row in metadata",
        "00000004_000.png": "no such file",
    }
    assert sum(c.startswith("finding_") for c in done.manifest.attributes) == 15
    option = done.manifest.header.options["sources"]["nih"]
    assert option["findings"] == {"no_finding": "normal", "pneumonia": "pneumonia"}
    assert {"nih/Data_Entry_2017_v2020.csv", "nih/test_list.txt"} <= set(done.manifest.header.inputs)
    assert any("no_finding -> normal, pneumonia -> pneumonia (--findings nih=" in n for n in done.notes)


def test_the_first_release(tmp_path: Path, nih: Path) -> None:
    (nih / "Data_Entry_2017_v2020.csv").unlink()
    rows = [HEADER + ",", *(r.replace(",58,", ",058Y,") + "," for r in ROWS)]
    (nih / "Data_Entry_2017.csv").write_text("\n".join(rows))
    done = run(tmp_path, nih)
    assert facts(done, "age")["nih/images_001/images/00000001_001"] == ("58",)


def test_findings_that_are_asked_for(tmp_path: Path, nih: Path) -> None:
    done = run(tmp_path, nih, findings={"nih": {"No Finding": "clear", "other": "abnormal"}})
    assert done.manifest.count_by("label") == {"abnormal": 2, "clear": 2}
    with pytest.raises(
        InputError, match="--findings nih: unknown finding 'cardiomegalie'; did you mean 'cardiomegaly'"
    ):
        run(tmp_path, nih, findings={"nih": {"cardiomegalie": "heart"}})
    with pytest.raises(
        InputError, match=r"none of its 4 films has a class: 4 finding not in the study; .*hernia -> hernia"
    ):
        run(tmp_path, nih, findings={"nih": {"hernia": "hernia"}})


def test_labels_of_others_go_before_the_findings(tmp_path: Path, nih: Path) -> None:
    """The films that the mapping leaves without a class can have one of a file, such as readers' labels of the same films."""
    labels = write_csv(tmp_path / "labels.csv", ("path", "label"), ("00000001_000.png", "opacity"))
    done = run(tmp_path, nih, labels=labels)
    assert facts(done, "label")["nih/images_001/images/00000001_000"] == ("opacity",)


def test_a_csv_that_is_not_understood_is_refused_by_column(tmp_path: Path, nih: Path) -> None:
    table = nih / "Data_Entry_2017_v2020.csv"
    table.write_text(table.read_text().replace("Patient ID", "Subject"))
    with pytest.raises(
        InputError,
        match=r"v2020.csv line 1: read as a table of NIH ChestX-ray14, expected the columns patient_id; got image_index, .*subject",
    ):
        run(tmp_path, nih)


def test_a_finding_that_is_not_the_sets_is_refused_with_its_line(tmp_path: Path, nih: Path) -> None:
    table = nih / "Data_Entry_2017_v2020.csv"
    table.write_text(table.read_text().replace("|Pneumonia", "|Covid"))
    with pytest.raises(
        InputError, match=r"line 3 of Data_Entry_2017_v2020.csv: expected findings among .*, got 'Covid'"
    ):
        run(tmp_path, nih)


def test_two_tables_and_none_are_refused(tmp_path: Path, nih: Path) -> None:
    table = nih / "Data_Entry_2017_v2020.csv"
    (nih / "Data_Entry_2017.csv").write_text(table.read_text())
    with pytest.raises(
        InputError,
        match=r"holds Data_Entry_2017.csv, Data_Entry_2017_v2020.csv, of which NIH ChestX-ray14 has one",
    ):
        run(tmp_path, nih)
    table.unlink()
    (nih / "Data_Entry_2017.csv").unlink()
    with pytest.raises(InputError, match="does not have the layout 'nih'"):
        run(tmp_path, nih, layouts={"nih": "nih"})


def test_a_mapping_for_a_source_without_findings_is_refused(tmp_path: Path, nih: Path) -> None:
    other = films(tmp_path / "own", "covid/a.png", "normal/b.png")
    with pytest.raises(
        InputError, match="--findings own: it was read as 'folder', which tells a class of each film"
    ):
        run(tmp_path, nih, other, no_patient_ids=["own"], findings={"own": {"mass": "mass"}})
    with pytest.raises(InputError, match=r"--findings 'nihh' names no source; did you mean 'nih'"):
        run(tmp_path, nih, findings={"nihh": {"mass": "mass"}})


def test_a_folder_around_two_sets_is_refused_as_before(tmp_path: Path, nih: Path) -> None:
    around = tmp_path / "all"
    around.mkdir()
    nih.rename(around / "nih")
    films(around / "own", "covid/COVID-1.png", "normal/b.png")
    with pytest.raises(InputError, match=r"holds a set of films, which is no class: nih \(nih\)"):
        run(tmp_path, around)

"""VinDr-CXR as published on PhysioNet, and its training part as the VinBigData challenge has it.

Columns of PhysioNet: https://physionet.org/content/vindr-cxr/1.0.0/ (28 findings; ``Other diseases`` in one file and ``Other disease`` in
the other). Header and first rows of the challenge's train.csv are the file's own, of which https://github.com/mlmed/torchxrayvision has a
copy (torchxrayvision/data/vinbigdata-train.csv.gz).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.sources.vindr import FINDINGS
from ingesting import facts, films, left_out, run

IDS = (
    "50a418190bc3fb1ef1633bf9678929b3",
    "9a5094b2563a1ef3ff50dc5c7ff71345",
    "21a10246a5ec7af151081d0cd6d65dc9",
)


def row(image: str, reader: str, *positive: str) -> str:
    values = ("1" if f in positive else "0" for f in FINDINGS)
    return ",".join([image, *([reader] if reader else []), *values])


@pytest.fixture
def vindr(tmp_path: Path) -> Path:
    root = films(tmp_path / "vindr", f"train/{IDS[0]}.png", f"train/{IDS[1]}.png", f"test/{IDS[2]}.png")
    train = [
        "image_id,rad_id," + ",".join(FINDINGS).replace("Other disease", "Other diseases"),
        *(row(IDS[0], r, "No finding") for r in ("R11", "R8", "R9")),
        row(IDS[1], "R8", "Pneumonia", "Cardiomegaly"),
        row(IDS[1], "R9", "Pneumonia"),
        row(IDS[1], "R10", "No finding"),
    ]
    (root / "annotations").mkdir()
    (root / "annotations" / "image_labels_train.csv").write_text("\n".join(train))
    test = ["image_id," + ",".join(FINDINGS), row(IDS[2], "", "Tuberculosis")]
    (root / "annotations" / "image_labels_test.csv").write_text("\n".join(test))
    return root


def test_three_readers_a_film(tmp_path: Path, vindr: Path) -> None:
    asked = {"no_patient_ids": ["vindr"]}
    (vindr / "train.csv").write_text("image,fold\nx,1\n")  # of somebody's own, which is no table of the set
    done = run(tmp_path, vindr, **asked)
    columns = ("label", "source_part", "view", "finding_pneumonia", "finding_cardiomegaly", "reader_R8")
    assert facts(done, *columns) == {
        f"vindr/train/{IDS[0]}": ("normal", "train", "PA", "0", "0", ""),
        f"vindr/train/{IDS[1]}": ("pneumonia", "train", "PA", "1", "0", ""),
        f"vindr/test/{IDS[2]}": ("tuberculosis", "test", "PA", "0", "0", ""),
    }
    assert done.manifest.header.options["sources"]["vindr"]["readers"] == "majority"
    each = facts(run(tmp_path, vindr, readers="each", **asked), "label", "reader_R8", "reader_R10")
    assert each[f"vindr/train/{IDS[1]}"] == ("pneumonia", "cardiomegaly|pneumonia", "no_finding")
    heart = {"vindr": {"cardiomegaly": "heart", "no finding": "normal"}}
    assert run(tmp_path, vindr, findings=heart, readers="any", **asked).manifest.count_by("label") == {
        "heart": 1,
        "normal": 1,
    }
    assert "heart" not in run(tmp_path, vindr, findings=heart, **asked).manifest.count_by("label")


def test_patients_have_to_be_declared(tmp_path: Path, vindr: Path) -> None:
    with pytest.raises(InputError, match="--no-patient-ids vindr"):
        run(tmp_path, vindr)


def test_the_challenges_table(tmp_path: Path) -> None:
    root = films(tmp_path / "vinbigdata", *(f"train/{i}.png" for i in IDS), "test/x.png")
    (root / "train.csv").write_text(
        "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\n"
        + "".join(f"{IDS[0]},No finding,14,{r},,,,\n" for r in ("R11", "R2", "R3"))
        + f"{IDS[1]},Cardiomegaly,3,R10,691.0,1375.0,1653.0,1831.0\n{IDS[1]},Cardiomegaly,3,R9,691.0,1375.0,1653.0,1831.0\n"
        + f"{IDS[1]},Pleural effusion,10,R9,1.0,1.0,2.0,2.0\n{IDS[1]},No finding,14,R8,,,,\n"
    )
    asked = {
        "no_patient_ids": ["vinbigdata"],
        "findings": {"vinbigdata": {"no_finding": "normal", "cardiomegaly": "heart"}},
    }
    done = run(tmp_path, root, **asked)
    assert facts(done, "label", "finding_pleural_effusion", "finding_pneumonia") == {
        f"vinbigdata/train/{IDS[0]}": ("normal", "0", ""),
        f"vinbigdata/train/{IDS[1]}": ("heart", "0", ""),
    }
    assert left_out(done) == {f"train/{IDS[2]}.png": "no row in metadata", "test/x.png": "no row in metadata"}

"""RSNA Pneumonia Detection Challenge as published on Kaggle (columns patientId, class; a row a box), with RSNA's mapping to NIH's films."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hilum.core.errors import InputError
from ingesting import facts, films, left_out, run

IDS = (
    "0004cfab-14fd-4e49-80ba-63a80b6bddd6",
    "00313ee0-9eaa-42f4-b0ab-c148ed3241cd",
    "00436515-870c-4b36-a041-de91049b9ab4",
)
CLASSES = ("No Lung Opacity / Not Normal", "Normal", "Lung Opacity", "Lung Opacity")


@pytest.fixture
def rsna(tmp_path: Path) -> Path:
    root = films(
        tmp_path / "rsna", *(f"stage_2_train_images/{i}.png" for i in IDS), "stage_2_test_images/0000a175.png"
    )
    rows = zip((*IDS, IDS[2]), CLASSES, strict=True)
    (root / "stage_2_detailed_class_info.csv").write_text(
        "patientId,class\n" + "".join(f"{i},{c}\n" for i, c in rows)
    )
    (root / "stage_2_train_labels.csv").write_text("patientId,x,y,width,height,Target\n")
    return root


def test_a_row_a_box_and_an_id_a_film(tmp_path: Path, rsna: Path) -> None:
    done = run(tmp_path, rsna)
    assert facts(done, "label", "patient_id", "finding_lung_opacity") == {
        f"rsna/stage_2_train_images/{IDS[1]}": ("normal", f"rsna:{IDS[1]}", "0"),
        f"rsna/stage_2_train_images/{IDS[2]}": ("lung_opacity", f"rsna:{IDS[2]}", "1"),
    }
    assert left_out(done)[f"stage_2_train_images/{IDS[0]}.png"] == "finding not in the study"
    assert left_out(done)["stage_2_test_images/0000a175.png"] == "no row in metadata"
    assert any("one person may sit in two parts" in n for n in done.notes)


def test_persons_come_from_the_mapping(tmp_path: Path, rsna: Path) -> None:
    mapping = rsna / "pneumonia-challenge-dataset-mappings_2018.json"
    mapping.write_text(
        json.dumps([{"subset_img_id": i, "img_id": f"0001322{k // 2}_00{k}.png"} for k, i in enumerate(IDS)])
    )
    done = run(
        tmp_path, rsna, findings={"rsna": {"lung_opacity": "opacity", "normal": "normal", "other": "normal"}}
    )
    assert [p for (p,) in facts(done, "patient_id").values()] == [
        "rsna:00013220",
        "rsna:00013220",
        "rsna:00013221",
    ]
    assert any("patients are NIH's" in n for n in done.notes)
    assert f"rsna/{mapping.name}" in done.manifest.header.inputs
    mapping.write_text('{"a": 1}')
    with pytest.raises(InputError, match="expected a list of objects with subset_img_id and img_id"):
        run(tmp_path, rsna)

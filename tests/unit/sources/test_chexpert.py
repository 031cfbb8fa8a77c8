"""CheXpert as published.

The header and the rows of patients 00001 and 00002 are those of the file itself, of which https://github.com/mlmed/torchxrayvision has a
copy (torchxrayvision/data/chexpert_train.csv.gz).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.core.errors import InputError
from ingesting import facts, films, left_out, run

HEADER = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,"
    "Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
TRAIN = (
    "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,,,,,,,0.0,,,,1.0",
    "CheXpert-v1.0-small/train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,AP,,,-1.0,1.0,,-1.0,-1.0,,-1.0,,-1.0,,1.0,",
    "CheXpert-v1.0-small/train/patient00002/study1/view2_lateral.jpg,Female,83,Lateral,,,,,1.0,,,,1.0,,,,,,",
    "CheXpert-v1.0-small/train/patient00003/study1/view1_frontal.jpg,Male,41,Frontal,PA,,,,1.0,,,,-1.0,,,,,,",
)
VALID = (
    "CheXpert-v1.0-small/valid/patient64541/study1/view1_frontal.jpg,Male,73,Frontal,AP,"
    "0.0,1.0,1.0,1.0,0.0,0.0,1.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0"
)
FILMS = (
    "train/patient00001/study1/view1_frontal.jpg",
    "train/patient00002/study2/view1_frontal.jpg",
    "train/patient00002/study1/view2_lateral.jpg",
    "train/patient00003/study1/view1_frontal.jpg",
    "valid/patient64541/study1/view1_frontal.jpg",
)


@pytest.fixture
def chexpert(tmp_path: Path) -> Path:
    root = films(tmp_path / "CheXpert-v1.0-small", *FILMS)
    (root / "train.csv").write_text("\n".join([HEADER, *TRAIN]))
    (root / "valid.csv").write_text("\n".join([HEADER, VALID]))
    return root


def test_patients_of_the_paths_views_and_parts(tmp_path: Path, chexpert: Path) -> None:
    done = run(tmp_path, f"chexpert={chexpert}")
    at = "chexpert/{}/study1/view1_frontal"
    assert facts(done, "label", "patient_id", "source_part", "view", "age", "sex") == {
        at.format("train/patient00001"): ("normal", "chexpert:patient00001", "train", "AP", "68", "F"),
        at.format("valid/patient64541"): ("pneumonia", "chexpert:patient64541", "valid", "AP", "73", "M"),
    }
    assert left_out(done) == {
        "train/patient00002/study1/view2_lateral.jpg": "not frontal",
        "train/patient00002/study2/view1_frontal.jpg": "finding not in the study",
        "train/patient00003/study1/view1_frontal.jpg": "finding uncertain",
    }


@pytest.mark.parametrize(
    ("uncertain", "label", "columns"),
    [("positive", "heart", ("1", "1")), ("negative", None, ("0", "1")), ("ignore", None, ("-1", "1"))],
)
def test_uncertain_findings_by_name(
    tmp_path: Path, chexpert: Path, uncertain: str, label: str | None, columns: tuple[str, ...]
) -> None:
    classes = {"chexpert": {"no_finding": "normal", "lung_opacity": "opacity"}}
    film = "chexpert/train/patient00002/study2/view1_frontal"
    done = run(tmp_path, f"chexpert={chexpert}", findings=classes, uncertain=uncertain)
    assert facts(done, "label", "finding_cardiomegaly", "finding_fracture")[film] == ("opacity", *columns)
    assert done.manifest.header.options["sources"]["chexpert"]["uncertain"] == uncertain
    heart = {"chexpert": {"no_finding": "normal", "cardiomegaly": "heart"}}
    found = facts(run(tmp_path, f"chexpert={chexpert}", findings=heart, uncertain=uncertain), "label")
    assert found.get(film, (None,)) == (label,)


def test_the_release_in_batches(tmp_path: Path) -> None:
    root = tmp_path / "chexpertchestxrays"
    films(root, *(f.replace("train/", "CheXpert-v1.0 batch 2 (train 1)/") for f in FILMS[:4]))
    films(root, *(f.replace("valid/", "CheXpert-v1.0 batch 1 (validate & csv)/valid/") for f in FILMS[4:]))
    at = root / "CheXpert-v1.0 batch 1 (validate & csv)"
    (at / "train.csv").write_text("\n".join([HEADER, *(r.replace("-small", "") for r in TRAIN)]))
    (at / "valid.csv").write_text("\n".join([HEADER, VALID.replace("-small", "")]))
    done = run(tmp_path, f"chexpert={root}")
    assert set(facts(done, "patient_id", "source_part").values()) == {
        ("chexpert:patient00001", "train"), ("chexpert:patient64541", "valid"),
    }  # fmt: skip


def test_a_train_csv_of_another_set_is_not_taken_for_it_and_a_missing_column_is_named(
    tmp_path: Path, chexpert: Path
) -> None:
    (chexpert / "train.csv").write_text("\n".join([HEADER.replace("Edema", "Oedema"), *TRAIN]))
    with pytest.raises(
        InputError, match=r"train.csv line 1: .*CheXpert, expected the columns edema; got path, .*oedema"
    ):
        run(tmp_path, chexpert)
    other = films(tmp_path / "other", "normal/a.png", "covid/b.png")
    (other / "train.csv").write_text("id,weight\n1,2\n")
    assert {c.layout for c in run(tmp_path, other, no_patient_ids=["other"]).counts} == {"folder"}

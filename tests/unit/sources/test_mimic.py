"""MIMIC-CXR-JPG: the columns are those of https://physionet.org/content/mimic-cxr-jpg/2.1.0/; the ids of the rows are made up."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hilum.core.errors import InputError
from ingesting import facts, films, left_out, run

METADATA = (
    "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,StudyTime,"
    "ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,PatientOrientationCodeSequence_CodeMeaning"
)
CHEXPERT = (
    "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,"
    "No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices"
)
STUDY = "files/p10/p1000003{}/s5041426{}/{}.jpg"


def packed(path: Path, *lines: str) -> None:
    path.write_bytes(gzip.compress("\n".join(lines).encode()))


@pytest.fixture
def mimic(tmp_path: Path) -> Path:
    root = films(
        tmp_path / "mimic-cxr-jpg",
        STUDY.format(2, 7, "02aa804e-bde0afdd"), STUDY.format(2, 7, "174413ec-4ec4c1f7"), STUDY.format(3, 8, "2a2277a9-b0ded155"),
        STUDY.format(3, 9, "e084de3b-be89b11e"),
    )  # fmt: skip
    row = "{},1000003{},5041426{},CHEST (PA AND LAT),{},3056,2544,21800506,213014.531,CHEST (PA AND LAT),{},Erect"
    packed(
        root / "mimic-cxr-2.0.0-metadata.csv.gz", METADATA,
        row.format("02aa804e-bde0afdd", 2, 7, "PA", "postero-anterior"), row.format("174413ec-4ec4c1f7", 2, 7, "LATERAL", "lateral"),
        row.format("2a2277a9-b0ded155", 3, 8, "AP", "antero-posterior"), row.format("e084de3b-be89b11e", 3, 9, "AP", ""),
    )  # fmt: skip
    packed(
        root / "mimic-cxr-2.0.0-chexpert.csv.gz", CHEXPERT,
        "10000032,50414267,,,,,,,,,1.0,,,,,", "10000033,50414268,,-1.0,,,,,,1.0,,,,1.0,0.0,1.0",
    )  # fmt: skip
    packed(
        root / "mimic-cxr-2.0.0-split.csv.gz", "dicom_id,study_id,subject_id,split",
        "02aa804e-bde0afdd,50414267,10000032,train", "174413ec-4ec4c1f7,50414267,10000032,train",
        "2a2277a9-b0ded155,50414268,10000033,validate",
    )  # fmt: skip
    return root


def test_films_of_studies_with_the_tables_packed_as_they_come(tmp_path: Path, mimic: Path) -> None:
    done = run(tmp_path, f"mimic={mimic}")
    columns = (
        "label",
        "patient_id",
        "source_part",
        "view",
        "study_id",
        "finding_pneumothorax",
        "finding_cardiomegaly",
    )
    assert facts(done, *columns) == {
        "mimic/files/p10/p10000032/s50414267/02aa804e-bde0afdd": ("normal", "mimic:10000032", "train", "PA", "50414267", "", ""),
        "mimic/files/p10/p10000033/s50414268/2a2277a9-b0ded155": ("pneumonia", "mimic:10000033", "valid", "AP", "50414268", "0", "-1"),
    }  # fmt: skip
    assert left_out(done) == {
        STUDY.format(2, 7, "174413ec-4ec4c1f7"): "not frontal",
        STUDY.format(3, 9, "e084de3b-be89b11e"): "finding not in the study",  # its study has no row of labels
    }
    assert {c.layout for c in done.counts} == {"mimic"}


def test_unpacked_tables_are_the_same_and_one_beside_its_archive_counts_once(
    tmp_path: Path, mimic: Path
) -> None:
    before = facts(run(tmp_path, mimic), "label", "patient_id")
    for path in list(mimic.glob("*.gz")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    assert facts(run(tmp_path, mimic), "label", "patient_id") == before


def test_a_table_that_is_missing_or_cut_off_is_named(tmp_path: Path, mimic: Path) -> None:
    labels = mimic / "mimic-cxr-2.0.0-chexpert.csv.gz"
    whole = labels.read_bytes()
    labels.write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"chexpert.csv.gz: cannot be read: Compressed file ended"):
        run(tmp_path, mimic)
    labels.unlink()
    with pytest.raises(
        InputError, match=r"expected mimic-cxr-.*chexpert.csv, as MIMIC-CXR-JPG has it; it is not there"
    ):
        run(tmp_path, mimic, layouts={"mimic-cxr-jpg": "mimic"})

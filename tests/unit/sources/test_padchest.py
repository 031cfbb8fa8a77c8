"""PadChest as published.

The columns are those of the file, as https://bimcv.cipf.es/bimcv-projects/padchest and PC_Dataset of
https://github.com/mlmed/torchxrayvision have them; the ids of the rows are made up in its form.
"""

from __future__ import annotations

from pathlib import Path

from ingesting import facts, films, left_out, run

HEADER = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,Projection,MethodProjection,"
    "Pediatric,ReportID,Report,MethodLabel,Labels"
)
ROWS = (
    "0,111_00-001-001.png,0,20140915,s1,839860488,1930.0,F,POSTEROANTERIOR,PA,Manual review of DICOM fields,No,1,,Physician,['normal']",
    '''1,112_00-001-002.png,0,20140915,s2,839860489,1970.0,M,,AP_horizontal,Manual,No,2,,RNN_model,"['atypical pneumonia', 'NSG tube']"''',
    "2,113_00-001-003.png,1,20140915,s3,839860490,2000.0,M,LATERAL,L,Manual,No,3,,Physician,['normal']",
    '''3,114_00-001-004.png,1,20140915,s4,839860491,,F,,PA,Manual,No,4,,Physician,"['tuberculosis sequelae', 'suboptimal study']"''',
    '''4,115_00-001-005.png,1,20140915,s5,839860492,2004.0,F,,PA,Manual,PED,5,,Physician,"[' laminar atelectasis', 'unchanged']"''',
)


def test_lists_of_findings_views_and_ages(tmp_path: Path) -> None:
    names = (f"images/{'0' if k < 3 else '1'}/11{k}_00-001-00{k}.png" for k in range(1, 6))
    root = films(tmp_path / "padchest", *names)
    (root / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv").write_text("\n".join([HEADER, *ROWS]))
    done = run(
        tmp_path,
        root,
        findings={"padchest": {"normal": "normal", "pneumonia": "pneumonia", "atelectasis": "atelectasis"}},
    )
    columns = ("label", "patient_id", "view", "age", "sex", "findings", "finding_pneumonia", "finding_mass")
    assert facts(done, *columns) == {
        "padchest/images/0/111_00-001-001": ("normal", "padchest:839860488", "PA", "84", "F", "normal", "0", "0"),
        "padchest/images/0/112_00-001-002":
            ("pneumonia", "padchest:839860489", "AP Supine", "44", "M", "atypical pneumonia|NSG tube", "1", "0"),
        "padchest/images/1/115_00-001-005":
            ("atelectasis", "padchest:839860492", "PA", "10", "F", "laminar atelectasis|unchanged", "0", "0"),
    }  # fmt: skip
    assert left_out(done) == {
        "images/1/113_00-001-003.png": "not frontal",
        "images/1/114_00-001-004.png": "left out by its set",
    }

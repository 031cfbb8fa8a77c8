"""Shenzhen and Montgomery as on https://data.lhncbc.nlm.nih.gov/public/Tuberculosis-Chest-X-ray-Datasets/: names, readings, masks."""

from __future__ import annotations

from pathlib import Path

from ingesting import facts, films, left_out, run


def readings(root: Path, **texts: str) -> None:
    (root / "ClinicalReadings").mkdir()
    for name, text in texts.items():
        (root / "ClinicalReadings" / f"{name}.txt").write_text(text)


def test_shenzhen(tmp_path: Path) -> None:
    root = films(
        tmp_path / "shenzhen", "CXR_png/CHNCXR_0001_0.png", "CXR_png/CHNCXR_0327_1.png", "CXR_png/CHNCXR_0115_0.png",
        "masks/CHNCXR_0001_0_mask.png", "Annotations-2/masks/CHNCXR_0327_1_Pleural_Effusion_2.png",
    )  # fmt: skip
    readings(
        root,
        CHNCXR_0001_0="male 45yrs\nnormal",
        CHNCXR_0327_1="female 28yrs\nSTB",
        CHNCXR_0115_0="male 16month\nnormal",
    )
    done = run(tmp_path, root)
    mask = str(root / "masks" / "CHNCXR_0001_0_mask.png")
    assert facts(done, "label", "patient_id", "age", "age_group", "sex", "lung_mask") == {
        "shenzhen/CXR_png/CHNCXR_0001_0": ("normal", "shenzhen:CHNCXR_0001", "45", "adult", "M", mask),
        "shenzhen/CXR_png/CHNCXR_0327_1": ("tuberculosis", "shenzhen:CHNCXR_0327", "28", "adult", "F", ""),
        "shenzhen/CXR_png/CHNCXR_0115_0": ("normal", "shenzhen:CHNCXR_0115", "1.333", "child", "M", ""),
    }
    assert left_out(done)["Annotations-2/masks/CHNCXR_0327_1_Pleural_Effusion_2.png"] == "outside the layout"


def test_montgomery(tmp_path: Path) -> None:
    sides = (f"ManualMask/{side}/MCUCXR_0001_0.png" for side in ("leftMask", "rightMask"))
    root = films(tmp_path / "montgomery", "CXR_png/MCUCXR_0001_0.png", "CXR_png/MCUCXR_0104_1.png", *sides)
    readings(root, MCUCXR_0001_0="Patient's Sex: F\nPatient's Age: 027Y\nnormal\n")
    done = run(tmp_path, root)
    assert facts(done, "label", "patient_id", "age", "sex") == {
        "montgomery/CXR_png/MCUCXR_0001_0": ("normal", "montgomery:MCUCXR_0001", "27", "F"),
        "montgomery/CXR_png/MCUCXR_0104_1": ("tuberculosis", "montgomery:MCUCXR_0104", "", ""),
    }
    assert sum(reason == "outside the layout" for reason in left_out(done).values()) == 2

"""COVID-QU-Ex's folders as on https://www.kaggle.com/datasets/anasmohammedtahir/covidqu."""

from __future__ import annotations

from pathlib import Path

from ingesting import facts, films, left_out, run


def test_classes_parts_and_lung_masks_are_folders(tmp_path: Path) -> None:
    lung, infection = (f"{x}/{x}/" for x in ("Lung Segmentation Data", "Infection Segmentation Data"))
    root = films(
        tmp_path / "covidqu",
        lung + "Train/COVID-19/images/covid_1.png", lung + "Train/COVID-19/lung masks/covid_1.png",
        lung + "Val/Non-COVID/images/non_COVID (1).png", lung + "Test/Normal/images/Normal (1).png",
        infection + "Train/COVID-19/images/covid_1.png", infection + "Train/COVID-19/infection masks/covid_1.png",
        infection + "Train/COVID-19/lung masks/covid_1.png",
    )  # fmt: skip
    done = run(tmp_path, root, no_patient_ids=["covidqu"])
    mask = str(root / (lung + "Train/COVID-19/lung masks/covid_1.png"))
    assert facts(done, "label", "source_part", "lung_mask") == {
        f"covidqu/{lung}Train/COVID-19/images/covid_1": ("covid", "train", mask),
        f"covidqu/{lung}Val/Non-COVID/images/non_COVID (1)": ("pneumonia", "val", ""),
        f"covidqu/{lung}Test/Normal/images/Normal (1)": ("normal", "test", ""),
    }
    assert left_out(done) == {
        infection + "Train/COVID-19/images/covid_1.png": "listed twice",
        infection + "Train/COVID-19/infection masks/covid_1.png": "outside the layout",
    }

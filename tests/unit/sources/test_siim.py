"""SIIM-FISABIO-RSNA COVID-19 Detection as on https://www.kaggle.com/c/siim-covid19-detection/data; the ids are made up in its form."""

from __future__ import annotations

from pathlib import Path

from ingesting import facts, films, left_out, run


def test_films_have_the_appearance_of_their_study(tmp_path: Path) -> None:
    places = (
        "00086460a852/9e8302230c91/65761e66de9f",
        "000c9c05fd14/e555410bd2cd/51759b5579bc",
        "00292f8c37bd/73120b4a13cb/f6293b1c49e2",
    )
    root = films(
        tmp_path / "siim",
        *(f"train/{p}.png" for p in places),
        "test/00188a671292/3eb5a506ccf3/3dcdfc352a06.png",
    )
    (root / "train_study_level.csv").write_text(
        "id,Negative for Pneumonia,Typical Appearance,Indeterminate Appearance,Atypical Appearance\n"
        "00086460a852_study,0,1,0,0\n000c9c05fd14_study,1,0,0,0\n00292f8c37bd_study,0,0,1,0\n"
    )
    (root / "train_image_level.csv").write_text(
        "id,boxes,label,StudyInstanceUID\n"
        """65761e66de9f_image,"[{'x': 720.65, 'y': 636.5}]",opacity 1 720.6 636.5 1332.7 1284.2,00086460a852\n"""
        "51759b5579bc_image,,none 1 0 0 1 1,000c9c05fd14\nf6293b1c49e2_image,,none 1 0 0 1 1,00292f8c37bd\n"
    )
    done = run(tmp_path, root)
    assert facts(done, "label", "patient_id") == {
        f"siim/train/{places[0]}": ("covid", "siim:00086460a852"),
        f"siim/train/{places[1]}": ("no_pneumonia", "siim:000c9c05fd14"),
    }
    assert left_out(done)[f"train/{places[2]}.png"] == "finding not in the study"
    assert {c.layout for c in done.counts} == {"siim-covid"}
    assert any("the study is the patient" in n for n in done.notes)

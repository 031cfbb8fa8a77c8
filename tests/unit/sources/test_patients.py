"""Ids that are none, and ids that are hardly one person's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.header import read_json
from hilum.core.errors import InputError
from hilum.sources.patients import is_dummy, one_id_on_many
from ingesting import run

N = 8


def table(folder: Path, *ids: str, labels: tuple[str, ...] = ("covid", "normal")) -> Path:
    """A table of films with these ids, and the films."""
    folder.mkdir()
    rows = ["path,label,patient_id"]
    for k, patient in enumerate(ids):
        pixels = np.random.default_rng(k).integers(0, 256, (20, 20), np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")
        rows.append(f"{k}.png,{labels[k % len(labels)]},{patient}")
    (folder / "t.csv").write_text("\n".join(rows))
    return folder / "t.csv"


@pytest.mark.parametrize(
    "word",
    ["nan", "NaN", "NA", "N/A", "None", "null", "NULL", "-", "--", "?", "unknown", " ", "<NA>", "t:nan"],
)
def test_words_for_not_known_are_no_ids(tmp_path: Path, word: str) -> None:
    csv = table(tmp_path / "t", word, "P1", word, "P3")
    with pytest.raises(InputError, match=r"source 't': 2 of 4 films have no patient id, such as '0.png'"):
        run(tmp_path, csv)
    done = run(tmp_path, csv, no_patient_ids=["t"])
    assert [f.patient_id for f in done.manifest.films] == ["", "t:P1", "", "t:P3"]


def test_a_labels_file_with_such_words_gives_nothing(tmp_path: Path) -> None:
    csv = table(tmp_path / "t", "P0", "P1")
    labels = tmp_path / "l.csv"
    labels.write_text("path;label;patient_id\n0.png;None;nan\n1.png;viral;?\n")
    done = run(tmp_path, csv, labels=labels)
    assert [(f.patient_id, f.label) for f in done.manifest.films] == [("t:P0", "covid"), ("t:P1", "viral")]


def test_a_class_that_is_not_known_is_no_class(tmp_path: Path) -> None:
    csv = table(tmp_path / "t", "1", "2", "3", labels=("covid", "N/A", "normal"))
    assert run(tmp_path, csv).excluded == {("t", "no label"): 1}


@pytest.mark.parametrize(
    "patient", ["ANONYMOUS", "0", "000000", "anon", "Anonymized^Patient", "xxx", "REMOVED", "99999", "123456"]
)
def test_a_dummy_id_is_said_with_its_films_and_kept_together(tmp_path: Path, patient: str) -> None:
    done = run(tmp_path, table(tmp_path / "t", *[patient] * N))
    (note,) = done.notes
    assert note.startswith(
        f"t: patient id {patient!r} is on 8 of 8 films (covid 4, normal 4), which is what anonymisers write; "
    )
    assert "a split may have an empty part" in note
    assert note.endswith("--no-patient-ids t")
    assert {f.patient_id for f in done.manifest.films} == {f"t:{patient}"}
    header = read_json(tmp_path / "out" / "m.header.json")["header"]
    assert header["options"]["one_id_on_many_films"] == {f"t:{patient}": 8}


def test_a_dummy_id_counts_as_none_where_the_source_is_declared_to_have_none(tmp_path: Path) -> None:
    csv = table(tmp_path / "t", *["ANONYMOUS"] * N, "P1")
    done = run(tmp_path, csv, no_patient_ids=["t"])
    assert [f.patient_id for f in done.manifest.films] == [""] * N + ["t:P1"]
    (note,) = done.notes
    assert note == (
        "t: patient id 'ANONYMOUS' is on 8 of 9 films (covid 4, normal 4), which is what anonymisers write; "
        "it counts as no id, as --no-patient-ids t declares"
    )
    assert "one_id_on_many_films" not in done.manifest.header.options
    with pytest.raises(InputError, match="was declared to have no patient ids, but its 4 films all have one"):
        run(tmp_path, table(tmp_path / "u", "1", "2", "3", "4"), no_patient_ids=["u"])


def test_an_id_on_most_films_is_said_whatever_it_is() -> None:
    def said(*films: tuple[str, str]) -> list[tuple[str, int, int, dict[str, int], bool]]:
        found = one_id_on_many(("s", patient, label) for patient, label in films)
        return [(o.patient, o.films, o.films_of_source, o.classes, o.dummy) for o in found]

    others = [(f"P{k}", "normal") for k in range(40)]
    everyone = [("H1", "covid")] * 6 + [("H1", "normal")] * 6
    assert said(*everyone) == [("H1", 12, 12, {"covid": 6, "normal": 6}, False)]
    assert said(*everyone[:6], *others) == [("H1", 6, 46, {"covid": 6}, False)]  # all films of a class
    assert said(*everyone[:5], *others) == []  # one person may have five
    assert said(*everyone, *[("P", "covid")] * 6, *others) == []
    assert said(("anon", "covid"), ("anon", "normal"), *others) == [
        ("anon", 2, 42, {"covid": 1, "normal": 1}, True)
    ]
    assert said(("0", "covid"), ("0", "covid"), *others) == []  # 0 may be a number like others
    assert said(*[("0", "covid")] * 3, *others) == [("0", 3, 43, {"covid": 3}, True)]
    assert said(*[("", "covid")] * 20) == []


def test_ids_of_people_are_no_dummies() -> None:
    assert is_dummy("An\u00f3nimo")
    for patient in (
        "P0",
        "person1",
        "IM-0007",
        "10",
        "2020",
        "Noah",
        "tested-3",
        "X1",
        "s:1",
        "00023130",
    ):
        assert not is_dummy(patient), patient


def test_an_id_with_a_point_is_the_one_without_where_the_source_has_both(tmp_path: Path) -> None:
    done = run(tmp_path, table(tmp_path / "t", "12.0", "12", "7.0", "012"))
    assert [f.patient_id for f in done.manifest.films] == ["t:12", "t:12", "t:7.0", "t:012"]
    said = [n for n in done.notes if "with and without a point" in n]
    assert said == [
        "source 't': 1 patient id is written with and without a point, such as '12.0' and '12'; the pair is taken for one patient"
    ]


def test_accents_and_points_make_no_second_class_or_patient(tmp_path: Path) -> None:
    done = run(tmp_path, table(tmp_path / "t", "\u00e9", "e\u0301", labels=("caf\u00e9", "cafe\u0301")))
    assert {(f.patient_id, f.label) for f in done.manifest.films} == {("t:\u00e9", "caf\u00e9")}
    done = run(tmp_path, table(tmp_path / "u", "1", "2", "3", labels=("1", "1.0", "0")))
    assert [f.label for f in done.manifest.films] == ["1", "1", "0"]
    assert "one class in several spellings is called '1': 1 1, 1.0 1 films" in done.notes

"""Cautions: the counts in them, by hand, from a run of 68 test films."""

import json
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.run_folder import RunFolder
from hilum.report.caution import KINDS, SEVERITIES, by_severity, caution
from hilum.report.cautions import cautions

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))


@pytest.fixture
def said(tmp_path):
    def make(**options):
        run = FAKE["make_run"](
            tmp_path / "run", pipelines=("crop",), matrices={"all": FAKE["SMALL"]}, **options
        )
        return {c.title: c.text.replace("\N{NO-BREAK SPACE}", " ") for c in cautions(RunFolder(run))}

    return make


def test_counts_by_hand(said):
    # test films: bacterial 8 and viral 10 of mooney, covid 20 and normal 30 of radiography
    texts = said(trials=1, pretrained={"resnet50": False})
    assert list(texts)[:2] == ["Class and source go together", "Class and age group go together"]
    assert "Frozen as drawn: resnet50" in texts["Random weights"]
    source = texts["Class and source go together"]
    assert "every bacterial film is from mooney, every covid film is from radiography" in source
    # the source only: 10 of 18 and 30 of 50 are right; covid is ruled out for mooney's 18 of 48 others
    assert "names the right class of 58.8 % of the films" in source
    assert "and rules covid out for 37.5 % of the others" in source
    assert texts["Few events"].startswith(
        "The test part has 20 films of class covid, in 20 groups; below 100"
    )
    assert texts["Few films of a class"].endswith("8 of bacterial, 30 of normal and 10 of viral.")
    assert "standard errors are not estimable" in texts["One trial"].replace("\n", " ")
    assert (
        "81 of 81 films have no patient id (declared for mooney and radiography)"
        in texts["Patients not known"]
    )


def test_groups_count_as_events_and_known_patients_are_not_warned_of(said):
    texts = said(trials=2, patients="all", ages=False)
    assert texts["Few events"].startswith("The test part has 20 films of class covid, in 10 groups")
    assert "Patients not known" not in texts
    assert "Random weights" not in texts
    assert "Class and age group go together" not in texts
    assert texts["Few trials"].startswith("With 2 trials a standard error has 1 degree")


def test_many_films_of_few_patients_are_few_events(tmp_path):
    """120 covid films of 60 patients are few events, 120 films of as many patients are not."""
    many = [[8, 0, 0, 0], [0, 115, 5, 0], [0, 2, 28, 0], [0, 0, 1, 9]]
    for patients, words in (
        ("all", "The test part has 120 films of class covid, in 60 groups; below 100"),
        (None, ""),
    ):
        options = {"patients": patients} if patients else {}
        run = FAKE["make_run"](
            tmp_path / str(patients), pipelines=("crop",), matrices={"all": many}, trials=1, **options
        )
        texts = {c.title: c.text for c in cautions(RunFolder(run))}
        assert ("Few events" in texts) == bool(words)
        assert texts.get("Few events", "").startswith(words)


def test_films_altered_by_chance_are_counted_from_what_was_drawn(tmp_path):
    """By hand: of four test films one was cropped (p .1) and one turned; a step that every test film passes is not chance."""
    run = FAKE["make_run"](tmp_path / "run", pipelines=("crop",), matrices={"all": FAKE["SMALL"]}, trials=1)
    assert "Films altered by chance" not in {c.title for c in cautions(RunFolder(run))}
    record = json.loads((run / "run.json").read_text())
    steps = [
        {"op": "resize", "probability": 1.0, "parts": ["train", "valid", "test"]},
        {"op": "crop_centre", "probability": 0.1, "parts": ["train", "valid", "test"]},
        {"op": "flip_left_right", "probability": 1.0, "parts": ["valid", "test"]},
        {"op": "rotate", "probability": 1.0, "parts": ["train", "test"]},
    ]
    record["pipelines"]["crop"]["steps"] = steps
    (run / "run.json").write_text(json.dumps(record))
    flipped = {"step": 2, "op": "flip_left_right", "drawn": {}}
    cropped = {"step": 1, "op": "crop_centre", "drawn": {}}
    turned = {"step": 3, "op": "rotate", "drawn": {"angle_deg": 4}}
    rows = {
        "header": Header("prepared").to_dict(),
        "train": [["d", 0, "sha", [turned]]],
        "valid": [["e", 0, "sha", [flipped]]],
        "test": [["a", 0, "sha", [cropped, flipped]], ["b", 0, "sha", [flipped, turned]],
                 ["c", 0, "sha", [flipped]], ["f", 0, "sha", [flipped]]],
    }  # fmt: skip
    (run / "prepared").mkdir()
    (run / "prepared" / "crop--trial-1.json").write_text(json.dumps(rows))
    (found,) = [c for c in cautions(RunFolder(run)) if c.code == "films-altered-by-chance"]
    assert "in trial 1: crop: 2 of 4 test films." in found.text
    assert "Leave `parts` out of the step" in found.to_do


def test_masks_that_stand_in_and_masks_of_two_makers_are_counted(tmp_path):
    run = FAKE["make_run"](tmp_path / "run", pipelines=("crop",), matrices={"all": FAKE["SMALL"]}, trials=1)

    def of_lungs(lungs_from):
        record = json.loads((run / "run.json").read_text()) | {"lungs_from": lungs_from}
        (run / "run.json").write_text(json.dumps(record))
        return {c.code: c for c in cautions(RunFolder(run)) if c.code.startswith("lungs-")}

    assert of_lungs({}) == of_lungs({"source": {"covid": 81}}) == of_lungs({"network": {"covid": 81}}) == {}
    found = of_lungs(
        {"source": {"covid": 20, "viral": 1}, "network": {"normal": 30}, "stand-in": {"viral": 2}}
    )
    assert list(found) == ["lungs-stood-in", "lungs-by-two-makers"]
    assert (
        "masks of 21 films came with them, those of 30 are the network's" in found["lungs-by-two-makers"].text
    )
    assert "`own = false`" in found["lungs-by-two-makers"].to_do
    of_viral = RunFolder(run).manifest.count_by("label")["viral"]
    assert f"2 films of 81 had no usable lung mask: 2 of {of_viral} viral." in found["lungs-stood-in"].text


def test_every_kind_of_caution_says_how_grave_it_is_and_what_to_do():
    assert len({kind["title"] for kind in KINDS.values()}) == len(KINDS) > 15
    for code, kind in KINDS.items():
        assert set(kind) == {"title", "severity", "to_do"}, code
        assert kind["severity"] in SEVERITIES
        assert kind["to_do"].endswith(".")
        assert str(caution(code, "Said.")) == f"{kind['title']}: Said. {kind['to_do']}".replace("`", "")


def test_the_gravest_come_first_and_equals_stay_as_they_came():
    found = [caution(code, "x") for code in ("copies", "one-trial", "split-leaks", "few-events", "shortcuts")]
    assert [c.code for c in by_severity(found)] == [
        "split-leaks",
        "shortcuts",
        "one-trial",
        "few-events",
        "copies",
    ]

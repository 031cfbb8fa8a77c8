"""Cautions: the counts in them, by hand, from a run of 68 test films."""

import runpy
from pathlib import Path

import pytest

from hilum.report.cautions import cautions
from hilum.report.run_folder import RunFolder

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
    assert next(iter(texts)) == "Random weights"
    source = texts["Class and source go together"]
    assert "every bacterial film is from mooney, every covid film is from radiography" in source
    # the source only: 10 of 18 and 30 of 50 are right; covid is ruled out for mooney's 18 of 48 others
    assert "names the right class of 58.8 % of the films" in source
    assert "and rules covid out for 37.5 % of the others" in source
    assert texts["Few events"].startswith("The test part has 20 covid films in 20 groups; below 100")
    assert texts["Few films of a class"].endswith("bacterial 8, normal 30 and viral 10.")
    assert "standard errors are not estimable" in texts["One trial"].replace("\n", " ")
    assert (
        "81 of 81 films have no patient id (declared for mooney and radiography)"
        in texts["Patients not known"]
    )


def test_groups_count_as_events_and_known_patients_are_not_warned_of(said):
    texts = said(trials=2, patients="all", ages=False)
    assert texts["Few events"].startswith("The test part has 20 covid films in 10 groups")
    assert "Patients not known" not in texts
    assert "Random weights" not in texts
    assert "Class and age group go together" not in texts
    assert texts["Few trials"].startswith("With 2 trials a standard error has 1 degree")

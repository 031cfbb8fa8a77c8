"""Notes that every table carries, and looks at the test films."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from hilum.artifacts.looks import count_look, looks
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import Split
from hilum.report.data_facts import apart, split_method
from hilum.report.estimates import CellColumns
from hilum.report.page import Section
from hilum.report.run_notes import noted, run_notes, unsafe_notes
from hilum.report.run_words import looks_words
from hilum.report.study_page import sentence
from hilum.report.table import Column, Table

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))


@pytest.fixture
def run(tmp_path):
    return FAKE["make_run"](tmp_path / "runs" / "r-1", trials=1, matrices={"all": FAKE["SMALL"]})


def _edit(run, change):
    value = json.loads((run / "run.json").read_text())
    change(value)
    (run / "run.json").write_text(json.dumps(value))
    return RunFolder(run)


def test_a_plain_study_has_no_note(run):
    assert run_notes(RunFolder(run)) == []


def test_faults_subset_and_the_choice_of_epoch_are_named(run):
    def change(value):
        value["cells"][0]["switches"] = ["second_softmax", "augmentor_gate"]
        value["cells"][1]["switches"] = ["second_softmax"]
        value["study"] = {
            "data": {"subset": {"name": "small", "films": 81}},
            "training": {"early_stopping": 4, "best_epoch": True, "balanced_batches": True},
        }

    folder = _edit(run, change)
    assert run_notes(folder) == [
        "Unsafe in every cell: second softmax.",
        "As run in some cells: augmentor gate.",
        "A subset: 81 films, drawn by class from those the study names (small); not comparable with figures of all films.",
        "Early stopping: training ended after 4 epochs without a lower validation loss.",
        "Balanced batches: each batch of training films has the classes evenly; films of small classes come several times an epoch.",
        "Best epoch: the weights are those of the epoch with the lowest validation loss.",
    ]
    assert unsafe_notes(folder) == ["Unsafe: a second softmax at evaluation (second_softmax, in every cell)."]


def test_notes_stand_under_each_table_after_its_own(run):
    table = Table("t", "T", "Caption.", [Column("a")], [], notes=("Own.",))
    section = Section("s", "S", (), [table], [table])
    assert noted(section, RunFolder(run)) == section
    folder = _edit(
        run, lambda value: value["study"].update(training={"best_epoch": True, "early_stopping": 4})
    )
    after = noted(section, folder)
    assert [t.notes for t in (*after.items, *after.closed)] == [("Own.", " ".join(run_notes(folder)))] * 2
    assert noted(replace(section, noted=False), folder).items == [table]


def test_looks_are_those_at_its_test_films_whatever_the_study_is_called(run):
    folder = RunFolder(run)
    assert looks(folder) is None
    assert looks_words(None) == "not recorded"
    n = len(folder.splits[1].parts["test"])
    before = {"study": "an older line", "run": "r-0", "manifest": folder.record.manifest_digest}
    ledger = run.parents[1] / "looks.jsonl"
    ledger.write_text(json.dumps(before) + "\n" + json.dumps({**before, "manifest": "other films"}))
    assert looks(folder) == (n, 1, 1, 1, 0)
    count_look(folder, "evaluate")
    renamed = _edit(run, lambda value: value.update(name="another name"))
    count_look(renamed, "compare")
    found = looks(folder)
    assert found == (n, 3, 3, 3, 2)
    assert looks_words(found) == f"the 3rd look at these {n} test films (of 3 studies), 2 of them of this run"
    last = json.loads(ledger.read_text().splitlines()[-1])
    assert (last["how"], last["study"], last["run"], last["films"]) == (
        "compare",
        "another name",
        run.name,
        n,
    )


def test_rows_without_a_source_say_so_and_that_they_test_other_films(run):
    def change(value):
        value["cells"][1]["source_left_out"] = "mooney"

    folder = _edit(run, change)
    shown = [CellColumns(folder).label(c) for c in folder.cells]
    assert shown == ["resnet50, baseline, all sources", "resnet50, crop-distortion, without mooney"]
    assert "Rows without mooney test all films of the source left out and no others" in run_notes(folder)[0]

    def every(value):
        for cell in value["cells"]:
            cell["source_left_out"] = "mooney"

    folder = _edit(run, every)
    assert "without mooney" in CellColumns(folder).label(folder.cells[0])


def test_a_page_counts_the_films_that_its_cells_tested(run):
    """Every cell is without a source: the plain split is nobody's, and its test films are not those of the figures."""

    def every(value):
        for cell in value["cells"]:
            cell |= {"source_left_out": "mooney", "splits": "without-mooney"}

    plain = Split.read(run / "splits" / "trial-1.json")
    kept = [i for i in plain.parts["test"] if i.startswith("mooney")]
    own = Split({**plain.parts, "test": kept}, plain.group_of, plain.header)
    own.write(run / "splits" / "without-mooney" / "trial-1.json")
    assert len(RunFolder(run).splits[1].parts["test"]) == 68
    folder = _edit(run, every)
    assert len(folder.splits[1].parts["test"]) == 18
    assert "the figures are of 18 test films, 0 of them covid" in sentence(folder)


def test_one_is_singular_and_a_network_from_scratch_is_not_fine_tuned(run):
    def change(value):
        for cell in value["cells"]:
            cell.update(backbone="cnn", finetuned=True)
        value["study"] = {
            "training": {"early_stopping": 1},
            "split": {"method": "fractions", "fractions": {"train": 0.5, "test": 0.5}},
        }

    folder = _edit(run, change)
    assert run_notes(folder) == [
        "Early stopping: training ended after 1 epoch without a lower validation loss."
    ]
    assert sentence(folder).startswith("One network (cnn (from scratch)) under two augmentation pipelines")
    assert split_method(folder).startswith("fractions: shares train 0.5, test 0.5;")
    assert apart(folder, []) == "none: the study names no contrast or subgroup"


def test_rows_without_a_source_are_said_to_test_other_films(run):
    def change(value):
        value["cells"][0]["source_left_out"] = "mooney"

    assert sentence(_edit(run, change)).endswith(
        "20 of them covid, the positive class; rows without mooney test all films of that source in their place."
    )

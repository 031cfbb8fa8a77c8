"""The checklists have the published items, and answer only what the run's records say."""

import json
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.run_folder import RunFolder
from hilum.report import data_facts, study_facts
from hilum.report.caution import Caution
from hilum.report.evaluated import Evaluated
from hilum.report.sections import forms
from hilum.report.sections.forms import card_markdown, card_table, model_card
from hilum.stages.evaluate import evaluate_run

CAUTION = Caution("few", "Few *events*", "limits", "n < 100", "")
FAKE = runpy.run_path(str(Path(__file__).parents[3] / "fake_run.py"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = FAKE["make_run"](
        tmp_path_factory.mktemp("card") / "run", backbones=("resnet50",), pipelines=("baseline", "crop"),
        trials=2, matrices={"all": FAKE["SMALL"]}, patients="mixed",
    )  # fmt: skip
    evaluate_run(root, n_resamples=20)
    return root


def _changed(run, tmp_path, **changes):
    """The same folder with other facts in its record."""
    root = tmp_path / "run"
    root.mkdir()
    for path in run.iterdir():
        if path.name != "run.json":
            (root / path.name).symlink_to(path)
    (root / "run.json").write_text(json.dumps({**json.loads((run / "run.json").read_text()), **changes}))
    return RunFolder(root)


def _evaluated(folder, *cautions):
    """The run, as if its cautions were these."""
    found = Evaluated(folder)
    vars(found)["cautions"] = list(cautions)
    return found


def _tables(evaluated):
    """CLAIM and TRIPOD+AI."""
    return forms.section(evaluated).closed[1:]


def _answers(table):
    return {row[0].text: row[3].text for row in table.rows}


def test_claim_2024_has_44_items_and_tripod_ai_27_in_52_parts():
    assert [n for n, *_ in forms.FORMS["claim"]["items"]] == [str(k) for k in range(1, 45)]
    numbers = [n for n, *_ in forms.FORMS["tripod-ai"]["items"]]
    assert len(numbers) == len(set(numbers)) == 52
    assert list(dict.fromkeys(int(n.rstrip("abcdefg")) for n in numbers)) == list(range(1, 28))
    words = {answer for form in ("claim", "tripod-ai") for *_, answer in forms.FORMS[form]["items"]}
    assert words - {""} == set(forms.FORMS["answers"])  # each word has its answer, and each answer is given
    parts = {3: 3, 5: 2, 6: 3, 8: 3, 9: 3, 12: 7, 18: 6, 20: 3, 23: 2, 27: 3}  # Collins et al. 2024, table 1
    for item in range(1, 28):
        assert sum(int(n.rstrip("abcdefg")) == item for n in numbers) == parts.get(item, 1)


def test_what_only_the_authors_know_is_not_reported(run):
    folder = RunFolder(run)
    claim_table, tripod_table = _tables(_evaluated(folder, *[CAUTION] * 3))
    claim, tripod = _answers(claim_table), _answers(tripod_table)
    of_the_authors = {"2", "3", "5", "11", "13", "14", "15", "18", "21", "31", "34", "41", "44"}
    # the fake run does not record what the study keeps of its manifest, which item 10 asks for
    assert {n for n, a in claim.items() if a == "not reported"} == {*of_the_authors, "10"}
    for number in (
        "2",
        "3a",
        "3b",
        "3c",
        "5b",
        "6a",
        "6c",
        "8b",
        "8c",
        "10",
        "17",
        "18a",
        "18b",
        "18d",
        "18e",
        "19",
        "25",
        "27b",
        "27c",
    ):
        assert tripod[number] == "not reported"
    assert claim["40"] == tripod["26"] == "3 named by the report"
    note = claim_table.notes[0]
    assert note.startswith("30 of 44 are answered, 0 of them by the authors")
    everything = " ".join([*claim.values(), *tripod.values()])
    for invented in (
        "retrospective",
        "no people were assigned",
        "read again",
        "from the sources",
        "Not a medical device",
    ):
        assert invented not in everything


def test_answers_are_the_run_s_counts(run):
    folder = RunFolder(run)
    claim = _answers(_tables(_evaluated(folder))[0])
    # SMALL has 8, 20, 30 and 10 films of the classes in test; the fake run adds 2 or a tenth to train and 1 to valid
    assert "test 68 (bacterial 8, covid 20, normal 30, viral 10)" in claim["32"]
    assert claim["7"] == "mooney: bacterial 11, viral 13; radiography: covid 23, normal 34"
    assert claim["12"].endswith("13 known patients with 24 films; 57 films without a patient id")
    assert "films without a patient id may share a patient" in claim["20"]
    assert claim["35"].startswith(
        "files and rows found 89; films in the manifest 81 (left out: lung mask 7, not a chest film modality 1); "
        "films of the study 81; trial 1: train"
    )
    assert data_facts.exclusions(folder) == "lung mask 7, not a chest film modality 1"
    assert claim["33"] == "none: every source of a test film has training films too"
    assert "no proof" in claim["40"]


def test_what_the_authors_say_stands_at_the_items_that_it_answers(run, tmp_path):
    study = {
        "reporting": {
            "ethics": "approved by\n  the board of X, 2021/17", "funding": "none", "design": "retrospective", "dates": "2019 to 2020",
            "limitations": "one hospital", "data_availability": "on request", "readers": "two radiologists", "users": "  ",
            "gone": "a key of another version",
        }
    }  # fmt: skip
    folder = _changed(run, tmp_path, study=study)
    table, tripod_table = _tables(_evaluated(folder, *[CAUTION] * 3))
    claim, tripod = _answers(table), _answers(tripod_table)
    assert tripod["17"] == "authors: approved by the board of X, 2021/17"
    assert claim["44"] == tripod["18a"] == "authors: none"
    assert claim["5"] == "authors: retrospective"
    assert tripod["5b"] == "authors: 2019 to 2020"
    assert claim["40"] == tripod["26"] == "3 named by the report; authors: one hospital"
    assert claim["43"].endswith("models: bundles in the run’s folder; authors: on request")
    assert tripod["3b"] == "not reported"
    assert table.notes[0].startswith("32 of 44 are answered, 5 of them by the authors")
    card = {name: text for s in model_card(_evaluated(folder)) for name, text in s.entries}
    assert card["Consent, collection, dates"] == "authors: approved by the board of X, 2021/17; 2019 to 2020"
    assert card["Limitations"] == "authors: one hospital"
    assert card["Users"] == card["Intended use"] == card["Developers, date, contact"] == "not reported"
    assert "films unlike those it was trained on (age group adult, child; view PA)" in card["Out of scope"]


def test_a_test_part_from_elsewhere_is_seen_in_the_films(run, tmp_path):
    folder = _changed(run, tmp_path)
    parts = folder.splits[1].parts
    parts["train"] = tuple(i for i in parts["train"] if not i.startswith("mooney/"))
    assert (
        data_facts.external(folder)
        == "trial 1: test films of mooney are from a source that no training film is from"
    )


def test_faults_are_said_where_they_break_the_answer(run, tmp_path):
    cells = json.loads((run / "run.json").read_text())["cells"]
    cells[0]["switches"] = ["overlapping_test_draw", "augmentor_gate"]
    folder = _changed(run, tmp_path, cells=cells)
    assert data_facts.disjoint_at(folder) == (
        "NOT disjoint where a fault was switched on on purpose (overlapping_test_draw)"
    )
    assert study_facts.chosen_cell(folder) is None


def test_a_source_left_out_of_training_is_from_elsewhere(run, tmp_path):
    cells = json.loads((run / "run.json").read_text())["cells"]
    for cell, source in zip(cells, ("none", "mooney"), strict=True):
        cell["source_left_out"] = source
    assert (
        "cells trained without mooney test all films of that source, and only those"
        in data_facts.external(_changed(run, tmp_path, cells=cells))
    )


def test_training_in_words(run, tmp_path):
    study = {
        "training": {"epochs": 20, "batch": 32, "learning_rate": 5e-4, "early_stopping": 5, "best_epoch": True},
        "policy": {"constant": {"kind": "one_cycle", "phases": [{"epochs": 15, "max_rate": 1e-3}, {"epochs": 8, "max_rate": 5e-4}],
                                "weight_decay": 1e-4, "clip_norm": None}},
        "sampling": {"covid": 3000, "viral": 0.5},
        "loss": {"weighted": {"kind": "cross_entropy", "class_weights": "balanced"}},
    }  # fmt: skip
    folder = _changed(run, tmp_path, study=study)
    words = study_facts.training(folder)
    assert (
        "one cycle (phases epochs 15 max rate 0.001, then epochs 8 max rate 0.0005, weight decay 0.0001)"
        in words
    )
    assert words.startswith(
        "batch 32; schedule constant: one cycle"
    )  # the cycles have epochs and rates of their own
    assert "early stopping after 5 epochs; weights of the epoch with the lowest validation loss" in words
    assert study_facts.imbalance(folder) == (
        "covid: 3000 training films drawn with replacement; viral: 0.5 times as many training films drawn with replacement; "
        "class weights balanced in loss weighted"
    )


def test_the_cell_is_named_by_validation_loss(run):
    folder = RunFolder(run)
    kept = {}
    for cell in folder.cells:
        rows = [
            [
                json.loads(line)
                for line in (run / "cells" / cell.name / f"trial-{t}" / "history.jsonl")
                .read_text()
                .splitlines()
            ]
            for t in (1, 2)
        ]
        kept[cell.name] = sum(r[-1]["valid_loss"] for r in rows) / 2
    best = min(kept, key=kept.get)
    cell, loss = study_facts.chosen_cell(folder)
    assert (cell.name, loss) == (best, pytest.approx(kept[best]))


def test_the_card_has_the_nine_headings_lists_every_cell_and_escapes_markdown(run):
    folder = RunFolder(run)
    evaluated = _evaluated(folder, CAUTION)
    rows, card = evaluated.rows, model_card(evaluated)
    assert [s.title for s in card] == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data", "Quantitative analyses",
        "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip
    analyses = dict(card[6].entries)
    for cell in folder.cells:
        row = rows.find(cell.name, None, "sensitivity", "covid")
        assert (
            f"Sensitivity {row.estimate:.2f} ({row.low:.2f} to {row.high:.2f})"
            in analyses[f"resnet50, {cell.pipeline}"]
        )
    assert "not chosen on test" in analyses["Named by validation"]
    text = card_markdown("A <title>", card)
    assert text.startswith("# Model card: A &lt;title>\n")
    assert "- **Few \\*events\\***: n &lt; 100" in text
    assert "- **Use**: Research software. Not a medical device; not for diagnosis or treatment." in text
    assert sum(len(s.entries) for s in card) == len(card_table(card).rows)

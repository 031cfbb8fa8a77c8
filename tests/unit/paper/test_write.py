"""The report of the whole paper, made of small studies: its numbers, its marks, its verdicts, its refusals."""

import csv
import json
import re
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.run_folder import RunFolder
from hilum.core.errors import DigestError, InputError
from hilum.paper.claims import findings
from hilum.paper.studies import Paper
from hilum.paper.write import write_paper_report
from page_tags import Tags

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_paper.py"))
PAPER = "paper-0123456789ab"


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    folder = FAKE["make_paper"](tmp_path_factory.mktemp("suite"))
    return folder, write_paper_report(folder).read_text()


def _read(path):
    with path.open(newline="") as f:
        return list(csv.DictReader(f))


def _table(suite, name):
    return _read(suite[0] / "tables" / f"{name}.csv")


def test_every_table_and_figure_of_the_paper_is_there(suite):
    folder, page = suite
    tables = {p.stem for p in (folder / "tables").glob("*.csv")}
    assert {f"table-{n}" for n in range(1, 12)} - tables == set()
    assert {
        "table-11-validation",
        "table-11-cost",
        "claims",
        "studies",
        "as-run-2-faults",
        "as-run-2-overview",
    } <= tables
    assert {p.stem for p in (folder / "tables").glob("*.tex")} == tables
    figures = {p.stem for p in (folder / "figures").glob("*.svg")}
    assert {f"figure-{n}" for n in (5, 7, 8, 9, 10, 11, 12, 13, 14)} <= figures
    for name in tables - {"claims"}:
        assert f'id="t-{name}"' in page
    for name in figures:
        assert f'id="f-{name}"' in page


def test_a_cell_stands_beside_the_paper_s_number_with_the_difference(suite):
    rows = {(r["backbone"], r["pipeline"]): r for r in _table(suite, "table-4")}
    row = rows["densenet121", "crop"]
    here = float(row["sensitivity_here"])
    trial_2 = FAKE["matrix"](0.98, 0.97)[1][1] / 80  # the last trial has the matrix as it was given
    assert here < trial_2
    assert float(row["sensitivity_paper"]) == 0.9784
    assert float(row["sensitivity_diff"]) == pytest.approx(here - 0.9784, abs=1e-6)
    assert (row["specificity_paper"], row["pr_auc_paper"], row["seconds_paper"]) == (
        "0.9909",
        "0.9956",
        "3581",
    )
    assert rows["squeezenet1_0", "baseline"]["sensitivity_paper"] == "0.9128"
    (rotation,) = [r for r in _table(suite, "table-3") if r["pipeline"] == "rotation"]
    assert (rotation["sensitivity_paper"], rotation["strict_rate_paper"]) == ("0.8508", "0.9353")


def test_a_stand_in_has_a_row_of_its_own_the_paper_s_number_in_grey_and_no_difference(suite):
    rows = {r["schedule"]: r for r in _table(suite, "table-8")}
    assert {r["backbone"] for r in rows.values()} == {"squeezenet1_0 (for resnet50)"}
    assert rows["schedule-2"]["specificity_paper"] == "0.9861"
    assert {r["sensitivity_diff"] for r in rows.values()} == {""}
    assert [(r["epochs_here"], r["epochs_paper"]) for r in rows.values()] == [
        ("20", ""), ("28", "28"), ("28", "28"), ("20", "20"), ("20", "20"),
    ]  # fmt: skip


def test_random_weights_are_marked_beside_the_paper_s_own_network_and_a_stand_in(suite):
    rows = {(r["backbone"], r["schedule"]): r for r in _table(suite, "table-9")}
    names = ["resnet50 (random weights)", "squeezenet1_0 (for resnet50)"]
    assert list(dict.fromkeys(b for b, _ in rows)) == names
    random, stand_in = (rows[b, "schedule-1"] for b in names)
    assert random["sensitivity_paper"] == stand_in["sensitivity_paper"] == "0.8637"
    assert float(random["sensitivity_diff"]) == pytest.approx(
        float(random["sensitivity_here"]) - 0.8637, abs=1e-6
    )
    assert stand_in["sensitivity_diff"] == ""


def test_counts_beside_the_paper_s(suite):
    folder = RunFolder(suite[0].parent / "experiment-2-abc")
    split = folder.splits[1]
    for row in _table(suite, "table-2")[:-1]:
        of_class = [i for i in split.parts["test"] if f"/{row['class']}/" in i]
        assert int(row["test_here"]) == len(of_class)
        assert int(row["test_diff"]) == len(of_class) - int(row["test_paper"])
    total = _table(suite, "table-2")[-1]
    assert (total["class"], total["test_paper"], total["train_as_drawn_paper"]) == ("all", "8296", "8189")


def _validation_sensitivity(cell):
    """By hand, from the files."""
    values = []
    for path in sorted(cell.glob("trial-*/predictions.csv")):
        rows = [r for r in _read(path) if r["part"] == "valid" and r["y_true"] == "covid"]
        found = [max((c for c in r if c.startswith("p_")), key=lambda c, r=r: float(r[c])) for r in rows]
        values.append(sum(c == "p_covid" for c in found) / len(rows))
    return sum(values) / len(values)


def test_table_11_is_chosen_on_test_as_in_the_paper_and_beside_it_on_validation(suite):
    cells = suite[0].parent / "experiment-2-abc" / "cells"
    by_hand = {c.name: _validation_sensitivity(c) for c in sorted(cells.iterdir())}
    (row,) = [r for r in _table(suite, "table-11-validation") if r["exp"] == "2"]
    assert float(row["sensitivity_validation"]) == pytest.approx(max(by_hand.values()), abs=1e-6)
    chosen = f"{row['backbone']}--{row['pipeline_schedule'].replace(', ', '--')}"
    assert by_hand[chosen] == max(by_hand.values())
    highest = max(_table(suite, "table-4"), key=lambda r: float(r["sensitivity_here"]))
    (on_test,) = [r for r in _table(suite, "table-11") if r["exp"] == "2"]
    assert (on_test["backbone"], on_test["sensitivity_paper"]) == (highest["backbone"], "0.9784")
    assert float(row["lost"]) == pytest.approx(
        float(on_test["sensitivity_here"]) - float(row["sensitivity_test"]), abs=1e-5
    )
    page = suite[1]
    assert "Table 11, selected on test (optimistic)." in page
    # the constant rate stands beside Experiment 3 and is not one of its schedules
    assert all(
        "constant" not in r["pipeline_schedule"] for r in _table(suite, "table-11") if r["exp"][0] in "34"
    )


def test_costs_come_from_the_run_and_films_a_second_from_its_seconds(suite):
    rows = [r for r in _table(suite, "table-11-cost") if r["exp"] == "5"]
    assert {(r["parameters"], r["multiply_adds"]) for r in rows} == {("113412236", "126000000")}
    folder = RunFolder(suite[0].parent / "experiment-5-abc")
    sizes = {p: len(ids) for p, ids in folder.splits[1].parts.items()}
    cell = folder.cells[0]
    took = [
        (s["prepare"] + s["featurize"]) / sum(sizes.values())
        + s["predict"] / (sizes["valid"] + sizes["test"])
        for s in (folder.seconds(cell, t).alone for t in folder.trials)
    ]
    (row,) = [r for r in rows if cell.schedule in r["pipeline_schedule"]]
    assert float(row["films_a_second"]) == pytest.approx(2 / sum(took), rel=1e-5)


def test_the_verdicts_follow_the_planted_evidence(suite):
    found = {f.claim.letter: f for f in findings(Paper.read(suite[0]))}
    assert (
        {letter: f.verdict for letter, f in found.items()}
        == {
            "a": "holds in part",  # densenet121 better, squeezenet1_0 not distinguishable, resnet50 not run
            "b": "holds",  # every specificity worse, and no area gains a hundredth
            "c": "not tested here",  # the intervals meet, and a frozen densenet121 says nothing of the paper's seconds
            "d": "not tested here",
            "e": "not tested here",  # two of four schedules better; the seconds of a stand-in are not resnet50's
            "f": "holds",
            "g": "holds",  # a tenth an epoch falls further in ten epochs than in eight
            "h": "not distinguishable",  # far less sensitive; 240 other films cannot say that specificities are alike
            "i": "holds",  # level from epoch 9 on
            "j": "not distinguishable",  # squeezenet1_0's one contrast; resnet50 was not run
        }
    )
    assert found["b"].conditions == ""
    assert "subset “tenth”" in found["e"].conditions
    assert "squeezenet1_0 for resnet50" in found["f"].conditions
    assert "rule of thumb" in found["i"].conditions
    assert [p.verdict for p in found["e"].parts] == ["holds in part", "not tested here"]
    assert "in two of four" in found["e"].parts[0].evidence
    assert "resnet50 with random weights, not counted" in found["f"].conditions
    assert "resnet50" not in found["f"].evidence
    rows = {r["letter"]: r["verdict"] for r in _table(suite, "claims")}
    assert rows["(a)"] == "holds in part"
    page = suite[1]
    assert "Of 10: 4 hold, 1 hold in part, 0 fail, 2 not distinguishable, 3 not tested here." in page
    for f in found.values():
        assert len(f.claim.rule) > 60
        assert f">({f.claim.letter}) " in page


def test_what_was_not_run_is_not_tested_and_says_so(suite, tmp_path):
    folder = tmp_path / "runs" / PAPER
    folder.mkdir(parents=True)
    value = json.loads((suite[0] / "paper.json").read_text())
    value["members"] = [m for m in value["members"] if m["study"] == "experiment-4"]
    (folder / "paper.json").write_text(json.dumps(value))
    (folder.parent / "experiment-4-abc").symlink_to(suite[0].parent / "experiment-4-abc")
    found = {f.claim.letter: f for f in findings(Paper.read(folder))}
    assert {f.verdict for f in found.values()} == {"holds", "not tested here"}
    assert found["f"].verdict == "holds"
    assert found["c"].evidence == "Experiment 2 was not run."
    assert found["h"].evidence == "Experiment 5 was not run."


def test_unsafe_faults_are_marked_in_page_csv_and_latex_and_are_measured(suite):
    folder, page = suite
    chapter = re.search(r'<section id="as-run-2">.*?</section>', page, re.DOTALL)[0]
    assert '<div class="unsafe"' in chapter
    assert "overlapping_test_draw, in 2 of 4 cells" in chapter
    assert page.count('<div class="unsafe"') == 1
    rows = _table(suite, "as-run-2-faults")
    assert [r["fault"] for r in rows][::3] == [
        "overlapping test draw (unsafe)",
        "no pretrained weights",
        "all",
    ]
    assert {r["worth"] for r in rows if r["fault"] == "all"} == {"-0.2"}
    assert {r["verdict"] for r in rows} == {"higher", "lower"}
    latex = (folder / "tables" / "as-run-2-faults.tex").read_text()
    assert "UNSAFE" in latex
    overview = _table(suite, "as-run-2-overview")
    assert [r["metric"] for r in overview] == ["Sensitivity", "Specificity", "PR-AUC"]
    assert overview[0]["paper"] == "0.8722"  # squeezenet1_0, crop


def test_the_size_of_a_subset_stands_in_every_table_of_its_study(suite):
    tables = suite[0] / "tables"
    films = len(RunFolder(suite[0].parent / "experiment-3-abc").manifest)
    of_study = ["table-8", "experiment-3-comparisons", "as-run-2-faults", "as-run-2-overview"]
    of_study += ["table-11", "table-11-validation", "table-11-cost", "studies"]
    for name in of_study:
        text = (tables / f"{name}.tex").read_text()
        assert f"{films} films" in text.replace("~", " "), name
        assert "tenth" in text, name
    assert "tenth" not in (tables / "table-4.tex").read_text()


def test_cautions_stand_once_a_kind_and_name_their_studies(suite):
    _, page = suite
    part = page[page.index('<section id="cautions">') :].split("</section>")[0]
    kinds = re.findall(r"<summary>(.*?) <span", part)
    assert len(kinds) == len(set(kinds)) > 1
    assert "Few events" in kinds
    few = part[part.index("<summary>Few events") :].split("</details>")[0]
    assert re.search(r"<p><b>(all studies|Exp\. \d.*?):</b> The test part has \d+ ", few)


def test_seconds_and_looks(suite):
    rows = {r["study"]: r for r in _table(suite, "studies")}
    assert rows["Experiment 1"]["looks"] == "2"
    assert rows["Experiment 2"]["looks"] == "1"
    assert rows["Experiment 2 as run"]["marks"].startswith("UNSAFE; subset")
    assert float(rows["all"]["seconds"]) == 6 * 12.0


def test_rates_of_one_cycle_come_from_the_policy(suite):
    kept = re.search(
        r'id="f-figure-9">.*?<script type="application/json">(.*?)</script>', suite[1], re.DOTALL
    )[1]
    (panel,) = json.loads(kept)
    rates = {line["name"]: line for line in panel["lines"]}
    assert {name: line["x"][-1] for name, line in rates.items()} == {
        "schedule-1": 280, "schedule-2": 280, "schedule-3": 200, "schedule-4": 200,
    }  # fmt: skip
    assert rates["schedule-1"]["y"][0] == pytest.approx(1e-3 / 25)
    assert max(rates["schedule-1"]["y"]) == pytest.approx(1e-3)
    assert max(rates["schedule-2"]["y"][150:]) == pytest.approx(1e-4)


def test_the_page_is_well_formed_needs_nothing_else_and_tells_its_curves(suite):
    _, page = suite
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert set(tags.links) <= set(tags.ids)
    assert {"claims", "overall", *(f"experiment-{n}" for n in range(1, 6)), "as-run-2", "studies"} <= set(
        tags.links
    )
    assert tags.outside == []
    assert "The whole &lt;paper&gt;" in page
    assert "<paper>" not in page
    kept = re.search(r'id="f-figure-12">.*?<script type="application/json">(.*?)</script>', page, re.DOTALL)[
        1
    ]
    panel = json.loads(kept)[1]
    assert {line["name"] for line in panel["lines"]} >= {"schedule-1", "schedule-2", "schedule-1, trial 2"}
    assert panel["lines"][0]["y"][:4] == [1e-3, 1e-3, 1e-3, 1.5e-4]


def _alone(suite, tmp_path, **change):
    folder = tmp_path / "runs" / PAPER
    folder.mkdir(parents=True)
    value = {**json.loads((suite[0] / "paper.json").read_text()), **change}
    (folder / "paper.json").write_text(json.dumps(value))
    return folder


def test_a_member_that_is_not_there_or_was_not_evaluated_is_refused_by_name(suite, tmp_path):
    member = [{"study": "experiment-4", "run": "experiment-4-abc", "seconds": 1}]
    folder = _alone(suite, tmp_path, members=member)
    with pytest.raises(
        InputError, match=r"member 'experiment-4' is run 'experiment-4-abc', but .* is no run's folder"
    ):
        write_paper_report(folder)
    source, run = suite[0].parent / "experiment-4-abc", folder.parent / "experiment-4-abc"
    run.mkdir()
    for path in source.iterdir():
        if path.name != "statistics.json":
            (run / path.name).symlink_to(path)
    with pytest.raises(InputError, match="member 'experiment-4' was not evaluated"):
        write_paper_report(folder)
    (run / "statistics.json").write_text((source / "statistics.json").read_text().replace("0.9", "0.8", 1))
    with pytest.raises(DigestError, match="was changed after it was written"):
        write_paper_report(folder)
    with pytest.raises(InputError, match=r"expected the folder of a suite, with paper\.json"):
        write_paper_report(tmp_path)


def test_without_a_family_one_cycle_is_judged_by_the_rule_of_thumb_against_experiment_2(suite, tmp_path):
    folder = _alone(suite, tmp_path)
    for path in suite[0].parent.iterdir():
        if path.name not in (PAPER, "experiment-3-abc"):
            (folder.parent / path.name).symlink_to(path)
    run = FAKE["make_run"](
        folder.parent / "experiment-3-abc", name="experiment-3", backbones=("squeezenet1_0",), pipelines=("crop",),
        schedules=("schedule-1",), matrices={"all": FAKE["matrix"](0.99, 0.97)}, trials=2, ages=False, seed=9,
        alone={"squeezenet1_0": {"featurize": 900.0}},
    )  # fmt: skip
    FAKE["compared"](run, None)
    (e,) = [f for f in findings(Paper.read(folder)) if f.claim.letter == "e"]
    sensitivity, time = e.parts
    assert sensitivity.thumb
    assert "squeezenet1_0, schedule-1 against constant" in sensitivity.evidence
    assert (time.verdict, e.verdict) == (
        "not tested here",
        "not tested here",
    )  # schedules 3 and 4 are not there


@pytest.mark.slow
def test_the_same_suite_gives_the_same_bytes(suite):
    folder, page = suite
    names = sorted(p for kind in ("tables", "figures") for p in (folder / kind).iterdir())
    before = {p.name: p.read_bytes() for p in names}
    assert write_paper_report(folder).read_text() == page
    assert {p.name: p.read_bytes() for p in names} == before


def test_a_study_that_is_none_of_the_paper_s_is_shown_without_it(suite, tmp_path):
    members = [{"study": "my-study", "run": "experiment-1-abc", "seconds": None}]
    folder = _alone(suite, tmp_path, members=members)
    (folder.parent / "experiment-1-abc").symlink_to(suite[0].parent / "experiment-1-abc")
    page = write_paper_report(folder).read_text()
    assert '<section id="my-study">' in page
    (row, *_) = _read(folder / "tables" / "my-study-results.csv")
    (same, *_) = _table(suite, "table-3")
    assert row["sensitivity_estimate"] == same["sensitivity_here"]
    assert not (folder / "tables" / "table-3.csv").exists()
    assert "0 hold, 0 hold in part, 0 fail, 0 not distinguishable, 10 not tested here." in page

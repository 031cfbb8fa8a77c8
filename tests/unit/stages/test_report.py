"""The report of a run: its numbers reach page, csv and LaTeX; marks stay; equal runs, equal bytes."""

import csv
import re
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.statistics import StudyRows
from hilum.core.errors import DigestError
from hilum.paper.side_by_side import papers_numbers
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report
from page_tags import Tags

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))


def _make(root, **options):
    options = {"pipelines": ("crop",), "trials": 2, "matrices": {"all": FAKE["SMALL"]}, **options}
    run = FAKE["make_run"](root / "run", **options)
    evaluate_run(run, n_resamples=20)
    return run


@pytest.fixture(scope="module")
def one_trial(tmp_path_factory):
    run = _make(
        tmp_path_factory.mktemp("one"), trials=1, backbones=("resnet50", "tf_efficientnet_lite0"),
        pretrained={"resnet50": False}, synthetic=True, ages=False,
    )  # fmt: skip
    (run / "films" / "viral.png").unlink()
    return run, write_report(run, papers_numbers).read_text()


def _read(path):
    with path.open(newline="") as f:
        return list(csv.DictReader(f))


def test_random_weights_are_marked_wherever_the_backbone_stands_in_a_table(one_trial):
    run, page = one_trial
    n_seen = 0
    for path in sorted((run / "tables").iterdir()):
        text = path.read_text()
        if path.stem == "confusion" or "resnet50" in text:
            n_seen += 1
            assert "resnet50 (random weights)" in text
            assert not re.search(r"resnet50(?! \(random weights\))", text), path.name
    assert n_seen >= 16
    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    for table in tables:
        if "tables" not in table and "resnet50" in table:
            assert "resnet50 (random weights)" in table


def test_one_trial_is_not_estimable_and_the_paper_s_gaps_are_dashes(one_trial):
    run, _ = one_trial
    rows = {(r["backbone"], r["metric"]): r for r in _read(run / "tables" / "table-5.csv")}
    assert rows["resnet50 (random weights)", "Sensitivity"]["crop_here"] == ""
    assert rows["resnet50 (random weights)", "Sensitivity"]["crop_paper"] == "0.0195"
    assert rows["tf_efficientnet_lite0", "Sensitivity"]["crop_paper"] == ""
    assert "not estimable & 0.0195" in (run / "tables" / "table-5.tex").read_text()
    assert "not estimable & --" in (run / "tables" / "table-5.tex").read_text()


def test_synthetic_films_are_said_first_and_last(one_trial):
    _, page = one_trial
    assert page.index("Synthetic films.") < page.index('id="results"')
    assert "(synthetic films)</title>" in page
    assert page.rindex("Synthetic films.") > page.index("How to reproduce it")


def test_a_contrast_without_ages_is_explained_and_not_drawn_as_dashes(one_trial):
    run, page = one_trial
    assert "Covid vs adult normal is not shown: the films&#39; age group is not known" in page
    assert not (run / "tables" / "contrast-covid-vs-adult-normal.csv").exists()
    assert (run / "tables" / "contrast-bacterial-vs-viral.csv").exists()


def test_a_mean_over_classes_is_no_contrast(one_trial):
    run, page = one_trial
    assert {r.class_ for r in StudyRows.read(run / "statistics.json").rows} >= {"all", "macro"}
    assert {p.stem for p in (run / "tables").glob("contrast-*.csv")} == {"contrast-bacterial-vs-viral"}
    assert "Macro is not shown" not in page


def test_the_flow_of_films_stands_on_the_page_with_every_count(one_trial, tmp_path):
    run, page = one_trial
    rows = _read(run / "tables" / "flow.csv")
    assert [(r["step"], r["left_out_because"], r["left_out"], r["films"]) for r in rows][1:4] == [
        ("", "lung mask", "7", ""),
        ("", "not a chest film modality", "1", ""),
        ("films in the manifest", "", "8", rows[-1]["films"]),
    ]
    found, films = int(rows[0]["films"]), int(rows[-1]["films"])
    assert (rows[0]["step"], rows[-1]["step"]) == ("files and rows found", "films of the study")
    assert found == films + 8
    (trial,) = _read(run / "tables" / "flow-trials.csv")
    of_study = [int(trial[f"films_of_the_study_{p}"]) for p in ("train", "valid", "test", "not_used")]
    assert sum(of_study) == films
    n_test = sum(sum(row) for row in FAKE["SMALL"])
    assert int(trial["scored_test"]) == n_test
    assert int(trial["trained_on_copies"]) == of_study[0] + 3
    assert "Flow of films" in page
    assert "Nothing was left out" not in page
    old = _make(tmp_path, trials=1)
    (old / "flow.json").unlink()
    text = write_report(old, papers_numbers).read_text()
    assert "The run keeps no record of how its films were chosen, nor of what was left out." in text
    assert not (old / "tables" / "flow.csv").exists()


def test_no_claim_of_better(one_trial):
    words = re.sub(r"<style>.*?</style>|<script>.*?</script>|<[^>]+>", " ", one_trial[1], flags=re.DOTALL)
    found = re.findall(r"\b(better|best|worse|outperform\w*|superior|significant\w*)\b", words)
    assert set(found) <= {"better"}  # "which makes results look better": the caution on unknown patients
    assert len(found) == words.count("makes results look better")


def test_the_page_is_well_formed_and_needs_nothing_else(one_trial):
    _, page = one_trial
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert set(tags.links) <= set(tags.ids)
    assert tags.outside == []
    assert "@import" not in page
    assert "url(" not in page
    assert len(page) < 6_000_000
    assert "Four pipelines &lt;compared&gt;" in page
    assert "<compared>" not in page


def test_equal_runs_give_equal_bytes_an_unchanged_one_is_left_alone_a_damaged_one_is_made_again(tmp_path):
    pages = {}
    for name in ("a", "b"):
        run = _make(tmp_path / "same")
        write_report(run, papers_numbers)
        made = sorted(p for folder in ("tables", "figures") for p in (run / folder).iterdir())
        pages[name] = {p.name: p.read_bytes() for p in [*made, run / "report.html"]}
        before = (run / "report.html").stat().st_mtime_ns
        write_report(run, papers_numbers)
        assert (run / "report.html").stat().st_mtime_ns == before
        if name == "b":
            (run / "figures" / "intervals.svg").unlink()
            (run / "tables" / "trials.csv").write_text("edited")
            write_report(run, papers_numbers)
            pages[name] = {p.name: p.read_bytes() for p in [*made, run / "report.html"]}
        (tmp_path / "same").rename(tmp_path / f"moved-{name}")
    assert pages["a"].keys() == pages["b"].keys()
    assert [n for n in pages["a"] if pages["a"][n] != pages["b"][n]] == []


def test_statistics_of_other_predictions_are_refused(tmp_path):
    run = _make(tmp_path)
    path = run / "cells" / "resnet50--crop--constant" / "trial-1" / "predictions.csv"
    path.write_text(path.read_text().replace("0.", "0.0", 1))
    with pytest.raises(DigestError, match=r"evaluation\.json: it was made from predictions"):
        write_report(run, papers_numbers)


def test_statistics_that_were_edited_are_refused(tmp_path):
    run = _make(tmp_path)
    path = run / "statistics.json"
    path.write_text(path.read_text().replace('"estimate": 0.9', '"estimate": 0.99', 1) + "\n")
    with pytest.raises(DigestError, match=r"statistics\.json: it is missing, or was changed"):
        write_report(run, papers_numbers)


def test_films_that_are_gone_leave_a_sentence_in_the_panel_s_place(one_trial):
    run, page = one_trial
    assert "The panel lacks viral: its film could not be read (unreadable)." in page
    assert (run / "figures" / "augmentation-panel.png").exists()

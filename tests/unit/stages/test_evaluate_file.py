"""Tables of scores from anywhere: what they are called, what stands for what, what is left out, and what is said of it."""

import json
import os
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from hilum import RESEARCH_NOTICE
from hilum.artifacts.film_labels import read_film_labels
from hilum.artifacts.header import Header, write_with_header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.scored_table import Reading, parse_columns, read_scored_table
from hilum.core.errors import InputError
from hilum.report.table_page import PAGE, write_table_page
from hilum.stages.compare import compare_runs
from hilum.stages.evaluate import evaluate_run
from hilum.stages.evaluate_file import Choice, evaluate_file
from statistics_rows import find, read_statistics

SMALL = runpy.run_path(str(Path(__file__).parents[2] / "small_workspace.py"))
FEW = Choice(n_resamples=20)
# 10 films of each class: 8 of covid and 9 of the other are called what they are
SCORES = [0.9] * 8 + [0.2] * 2 + [0.1] * 9 + [0.7]


def table(path: Path, head: str, row) -> Path:
    lines = [row(k, "covid" if k < 10 else "other", p) for k, p in enumerate(SCORES)]
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


def rates(found) -> tuple[float, float]:
    return tuple(find(found.rows, m, found.positive).estimate for m in ("sensitivity", "specificity"))


def test_a_bare_csv_from_anywhere(tmp_path):
    path = table(
        tmp_path / "p.csv", "image_id,patient_id,part,y_true,p_covid,p_other",
        lambda k, y, p: f"{k},p{k // 2},test,{y},{p},{1 - p}",
    )  # fmt: skip
    found = evaluate_file(path, tmp_path / "s.json", FEW)
    assert found.predictions.provenance == "unknown"
    assert read_statistics(tmp_path / "s.json") == found.rows
    assert rates(found) == (0.8, 0.9)
    assert find(found.rows, "sensitivity", "covid").unit == "patient"
    assert (found.part, found.notes) == ("test", ())


@pytest.mark.parametrize(
    ("head", "row", "words", "positive", "note"),
    [
        ("file,label,prob", lambda k, y, p: f"{k},{y},{p}", "id=file,y_true=label,score=prob", None,
         "one score a film, read as the probability of 'covid'; 'other' has the rest"),
        ("file,label,prob", lambda k, y, p: f"{k},{int(y == 'covid')},{p}", "id=file,y_true=label,score=prob", None,
         "one score a film, read as the probability of '1'; '0' has the rest"),
        ("file,label,prob", lambda k, y, p: f"{k},{float(y == 'covid')},{p}", "id=file,label=label,score=prob", "tb",
         "labels are 1 and 0, read as 'tb' and 'not tb'"),
        ("image_id,y_true,p_covid", lambda k, y, p: f"{k},{y},{p}", "", None,
         "one score a film, read as the probability of 'covid'; 'other' has the rest"),
        ("image_id,y_true,p_other", lambda k, y, p: f"{k},{y},{1 - p}", "", "COVID",
         "one score a film, read as the probability of 'other'; 'covid' has the rest"),
        ("image_id,y_true,p_covid,p_other", lambda k, y, p: f"{k},{y.upper()},{100 * p:.1f},{100 - 100 * p:.1f}", "", None,
         "probabilities are percentages: the columns of every film add up to 100"),
        ("image_id,y_true,p_covid,p_other", lambda k, y, p: f"{k},{int(y == 'covid')},{p},{1 - p}", "", None,
         "labels are 1 and 0, read as 'covid' and 'other'"),
        ("image_id;y_true;a;b", lambda k, y, p: f"{k};{y};{p};{1 - p}".replace(".", ","), "p_covid=a,p_other=b", None,
         "no column part: the films are of no part"),
    ],
)  # fmt: skip
def test_tables_of_others_give_the_same_figures(tmp_path, head, row, words, positive, note):
    path = table(tmp_path / "p.csv", head, row)
    reading = Reading(parse_columns([words] if words else []), positive)
    found = evaluate_file(path, tmp_path / "s.json", FEW, reading)
    assert rates(found) == (0.8, 0.9)
    assert note in found.notes
    assert found.part == "all"
    assert any(n.startswith("no film is of a part, so all films that have a label") for n in found.notes)


def test_percentages_of_one_score_have_to_be_declared(tmp_path):
    path = table(tmp_path / "p.csv", "image_id,y_true,score", lambda k, y, p: f"{k},{y},{100 * p:.0f}")
    with pytest.raises(
        InputError, match=r"must lie between 0 and 1, got 90.0; percentages have to be declared"
    ):
        evaluate_file(path, tmp_path / "s.json", FEW)
    found = evaluate_file(path, tmp_path / "s.json", FEW, Reading(percent=True))
    assert rates(found) == (0.8, 0.9)
    assert "probabilities are percentages: as --percent says" in found.notes


def test_rounded_percentages_may_add_up_to_99(tmp_path):
    (tmp_path / "p.csv").write_text("image_id,y_true,p_a,p_b,p_c\nx,a,33,33,33\ny,b,20,50,30\n")
    read = read_scored_table(tmp_path / "p.csv", Reading(positive="a")).predictions
    assert read.probabilities == pytest.approx(np.array([[1 / 3, 1 / 3, 1 / 3], [0.2, 0.5, 0.3]]))


def test_a_percent_sign_says_percentages_and_rounding_is_no_fault(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,y_true,score\nx,1,0.9%\ny,0,0.4%\n")
    read = read_scored_table(path)
    assert read.predictions.probabilities == pytest.approx(np.array([[0.009, 0.991], [0.004, 0.996]]))
    assert "probabilities are percentages: they have a % sign" in read.notes
    path.write_text("image_id,y_true,score\nx,1,1.0000000000000002\ny,0,-1e-17\n")
    assert read_scored_table(path).predictions.probabilities.tolist() == [[1, 0], [0, 1]]


def test_parts_are_called_in_any_way_that_parts_are(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,part,y_true,score\nx,test,1,.9\ny,Training,0,.2\nz,TEST,0,.1\nw,fold-1,0,.1\n")
    assert read_scored_table(path).predictions.parts == ("test", "train", "test", "fold-1")


def test_accents_of_classes_may_be_written_in_two_ways(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,y_true,p_caf\u00e9,p_b\nx,cafe\u0301,.8,.2\ny,b,.1,.9\n")
    read = read_scored_table(path, Reading(positive="cafe\u0301"))
    assert (read.positive, read.predictions.y_true) == ("caf\u00e9", ("caf\u00e9", "b"))


def test_a_folder_or_a_pipe_is_no_table_of_scores(tmp_path):
    with pytest.raises(InputError, match="expected a csv of predictions, got a folder"):
        read_scored_table(tmp_path)
    os.mkfifo(tmp_path / "p.csv")
    for read in (read_scored_table, read_film_labels, Manifest.read):
        with pytest.raises(InputError, match="expected a file, got a pipe or a device"):
            read(tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("text", "reading", "message"),
    [
        ("file,diagnosis,prob\na,b,.5\n", Reading(),
         r"no column 'image_id', 'y_true', 'p_<class> for each class, or one score' .* it has file, diagnosis, prob\. Name its columns"),
        ("file,y_true,score\na,b,.5\n", Reading({"image_id": "fil"}), r"--map image_id=fil: no such column; did you mean 'file'"),
        ("image_id,y_true,p_a,p_b\nx,a,.6,.6\n", Reading(), r"line 2: the probabilities must be >= 0 and add up to 1, got \[0.6, 0.6\]"),
        ("image_id,y_true,p_a,p_b\nx,a,-.5,1.5\n", Reading(), "must be >= 0 and add up to 1"),
        ("image_id,y_true,p_a,p_b\nx,a,60,39\ny,a,.6,.4\n", Reading(), r"add up to 1, got \[60.0, 39.0\]; percentages have to be"),
        ("image_id,y_true,score\nx,a,high\ny,b,.5\n", Reading(), "line 2: score must be a number, got 'high'"),
        ("image_id,y_true,score\nx,1,.2\ny,0,nan\n", Reading(), "line 3: score must be a number, got 'nan'"),
        ("image_id,y_true,p_a,p_b\nx,a,1,0\ny,b,,\n", Reading(), "line 3: p_a must be a number, got ''"),
        ("image_id,y_true,p_a,p_b\nx,a,1,0\ny,b,0,0_1\n", Reading(), "line 3: p_b must be a number, got '0_1'"),
        ("image_id,y_true,score\nx,1,.7%\ny,0,.4\n", Reading(), "line 3: a % sign on all numbers or none, got '.7%' and '.4'"),
        ("image_id,y_true,score\nx,1,.2\n,0,.1\n", Reading(), r"line 3: expected the id of a film \(image_id\), got none"),
        ("image_id,y_true,p_A,p_a\nx,A,.5,.5\n", Reading(), "the classes 'A' and 'a' differ in case alone"),
        ("image_id,y_true,prob\nx,1,.2\ny,0,.1\n", Reading({"score": "y_true"}), "column 'y_true' is mapped as label and as score"),
        ("image_id,y_true,score\n", Reading(), "expected a row for each film below the names of the columns, got none"),
        ("image_id,y_true,score\nx,a,.2\ny,b,.5\n", Reading(), "which class is the positive one.*--positive 'a' or --positive 'b'"),
        ("image_id,y_true,score\nx,a,.2\ny,b,.5\n", Reading(positive="c"), "no class 'c' for --positive"),
        ("image_id,y_true,score\nx,a,.2\ny,b,.5\nz,c,.5\n", Reading(positive="a"), "one score needs labels of two classes, got 3: a, b, c"),
        ("image_id,y_true,p_a\nx,a,.2\ny,b,.5\nz,c,.5\n", Reading(), "one column p_a needs labels of 'a' and of one other class"),
        ("image_id,y_true,score\nx,a,.2\nx,b,.5\n", Reading(positive="a"), "image_id 'x' is there more than once"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(tmp_path, text, reading, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_scored_table(tmp_path / "p.csv", reading)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("y_true", "--map 'y_true': expected NAME=COLUMN"),
        ("lable=x", "unknown name 'lable'; did you mean"),
        ("id=a,image_id=b", "--map names 'image_id' twice: 'a' and 'b'"),
    ],
)
def test_wrong_maps(words, message):
    with pytest.raises(InputError, match=message):
        parse_columns([words])


PART = "image_id,part,y_true,p_covid,p_other\na,test,covid,.9,.1\nb,test,,.9,.1\nc,valid,other,.1,.9\nd,test,other,.1,.9\n"


def test_films_without_a_label_are_left_out_and_counted(tmp_path):
    (tmp_path / "p.csv").write_text(PART)
    found = evaluate_file(tmp_path / "p.csv", tmp_path / "s.json", FEW)
    assert found.predictions.image_ids == ("a", "d")
    assert "1 films without a label were left out" in found.notes
    asked = evaluate_file(tmp_path / "p.csv", tmp_path / "s.json", Choice(part="valid", n_resamples=20))
    assert asked.predictions.image_ids == ("c",)
    (tmp_path / "p.csv").write_text(PART.replace(",test,", ",valid,"))
    with pytest.raises(
        InputError, match="no film of part 'test' has probabilities; the file has valid 4; give --part"
    ):
        evaluate_file(tmp_path / "p.csv", tmp_path / "s.json", FEW)
    (tmp_path / "p.csv").write_text("image_id,y_true,p_covid,p_other\na,,.9,.1\n")
    with pytest.raises(
        InputError, match=r"none of its 1 films has a label that is a class .* give the labels with --labels"
    ):
        evaluate_file(tmp_path / "p.csv", tmp_path / "s.json", FEW)


def test_labels_that_are_no_class_are_all_named_or_dropped(tmp_path):
    (tmp_path / "p.csv").write_text(PART + "e,test,viral,.1,.9\nf,test,covis,.1,.9\ng,test,viral,.1,.9\n")
    with pytest.raises(
        InputError,
        match=r"3 films have a label that is no class .*'covis' 1, 'viral' 2.*did you mean 'covid'",
    ):
        evaluate_file(tmp_path / "p.csv", tmp_path / "s.json", FEW)
    choice = Choice(drop_unknown_classes=True, n_resamples=20)
    found = evaluate_file(tmp_path / "p.csv", tmp_path / "s.json", choice)
    assert found.predictions.image_ids == ("a", "d")
    assert (
        "3 films of classes that the predictions do not have were left out: covis 1, viral 2" in found.notes
    )


def test_labels_of_another_table(tmp_path):
    (tmp_path / "p.csv").write_text(
        "image_id,patient_id,part,y_true,p_covid,p_other\nF/a.png,,,,.9,.1\nF/b.png,,,other,.2,.8\nF/c.png,,,covid,.3,.7\nd,,,,.5,.5\n"
    )
    (tmp_path / "l.csv").write_text("Path;Label\n/else/F/a.jpg;covid\nb.png;COVID\nF/x.png;covid\n")
    choice = Choice(labels=tmp_path / "l.csv", n_resamples=20)
    found = evaluate_file(tmp_path / "p.csv", tmp_path / "s.json", choice)
    assert found.predictions.image_ids == ("F/a.png", "F/b.png", "F/c.png")
    assert found.predictions.y_true == ("covid", "covid", "covid")
    assert found.notes[:3] == (
        f"{tmp_path / 'l.csv'} gives 2 of 4 films their label",
        "it changed the label of 1 films",
        "1 of its rows name no film of the predictions",
    )
    header = (tmp_path / "s.header.json").read_text()
    assert '"labels": "' in header


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,kind\n", "no column image_id or path and no column label; it has name, kind"),
        ("path,label\nz.png,covid\n", "none of its 1 rows with a label names a film of the predictions; its first is 'z.png'"),
        ("path,label\n1.png,covid\n", "'1.png' fits 2 films, such as 'A/1.png' and 'B/1.png'; give longer paths"),
        ("path,label\nA/1.png,covid\nA/1.jpg,other\n", "film 'A/1.png' has two labels, 'covid' and 'other'; keep one"),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit(tmp_path, text, message):
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_film_labels(tmp_path / "l.csv").of(["A/1.png", "B/1.png"])


def test_the_positive_class_of_hilum_s_own_scores_is_the_bundle_s(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,patient_id,part,y_true,p_covid,p_tb\na,,,covid,.9,.1\nb,,,tb,.1,.9\n")
    assert read_scored_table(path).positive == "covid"
    write_with_header(path, path.read_text(), Header("predictions", options={"positive": "tb"}))
    assert read_scored_table(path).positive == "tb"
    assert read_scored_table(path, Reading(positive="Covid")).positive == "covid"


def test_the_page_says_it_all(tmp_path):
    path = table(tmp_path / "p<1>.csv", "image_id,y_true,score", lambda k, y, p: f"{k},{y},{p}")
    found = evaluate_file(path, tmp_path / "s.json", FEW)
    page = write_table_page(found, tmp_path / "R", "hilum evaluate x").read_text()
    assert (tmp_path / "R" / PAGE).read_text() == page
    assert "Evaluation of p&lt;1&gt;.csv" in page
    assert "20 films, 10 of them covid: covid against other; intervals resample 20 films." in page
    assert "one score a film, read as the probability of" in page
    assert page.count("data:image/svg+xml") == 4
    assert RESEARCH_NOTICE in page
    assert (tmp_path / "R" / "tables" / "confusion.csv").read_text().splitlines()[1] == "covid,8,2,10"
    results = (tmp_path / "R" / "tables" / "results.csv").read_text().splitlines()
    assert results[0] == "class,metric,estimate,low,high,n,n_positive,note"
    assert any(line.startswith("covid,Sensitivity,0.8,") for line in results)


def test_every_way_to_open_test_films_of_a_run_counts(tmp_path):
    run = SMALL["make_workspace"](tmp_path)
    ledger = tmp_path / "looks.jsonl"
    ledger.unlink()

    def hows() -> list[str]:
        return [json.loads(line)["how"] for line in ledger.read_text().splitlines()]

    evaluate_run(run, n_resamples=20)
    assert hows() == ["evaluate"]
    evaluate_run(run, n_resamples=20)  # nothing is computed, so nothing is looked at
    assert hows() == ["evaluate"]
    evaluate_run(run, n_resamples=21)
    table_of_run = run / "cells" / "squeezenet1_0--crop--low" / "trial-1" / "predictions.csv"
    valid = evaluate_file(table_of_run, tmp_path / "s.json", Choice(part="valid", n_resamples=20))
    assert hows() == ["evaluate", "evaluate"]
    found = evaluate_file(table_of_run, tmp_path / "s.json", FEW)
    assert len(hows()) == 3
    assert found.notes == (
        f"of {run.name}: the 3rd look at these 16 test films (of 1 study), 3 of them of this run",
    )
    assert valid.notes == ()
    value = json.loads((run / "run.json").read_text())
    for cell, level in zip(value["cells"], ("as-described", "all"), strict=True):
        cell["faults"] = level
    (run / "run.json").write_text(json.dumps(value))
    other = run.with_name("other-1")
    shutil.copytree(run, other)
    compare_runs([run, other], tmp_path / "C", n_resamples=100)
    compare_runs([run, other], tmp_path / "C", n_resamples=100)
    assert hows()[3:] == ["compare", "compare"]

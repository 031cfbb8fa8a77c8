"""Tables of results of a small run: classes and macro averages with intervals, as text and as numbers; decimals; few events."""

import csv
import io
import runpy
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StatisticsRow
from hilum.report.beside import Beside
from hilum.report.estimates import contrasts, few_events_notes, films_behind, undefined_notes
from hilum.report.evaluated import Evaluated
from hilum.report.sections.contrasts import contrast_tables
from hilum.report.sections.details import one_vs_rest_table, operating_point_table, trial_table
from hilum.report.sections.results import interval_picture, key_table
from hilum.stages.evaluate import evaluate_run

FAKE = runpy.run_path(str(Path(__file__).parents[3] / "fake_run.py"))
CELL = "resnet50--crop--constant"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = FAKE["make_run"](
        tmp_path_factory.mktemp("r") / "run", pipelines=("crop",), trials=2, matrices={"all": FAKE["SMALL"]}
    )
    evaluate_run(path, n_resamples=50)
    return Evaluated(RunFolder(path))


def read(table):
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_every_class_and_the_macro_average_have_intervals(run):
    folder, rows = run.folder, run.rows
    table = one_vs_rest_table(run)
    found = {r["class"]: r for r in read(table)}
    assert list(found) == ["bacterial", "covid", "normal", "viral", "macro"]
    for class_, r in found.items():
        for metric, name in (("sensitivity", "sensitivity"), ("f1", "f1"), ("roc_auc", "roc_auc")):
            row = rows.find(CELL, None, metric, class_)
            ends = [float(r[f"{name}_{k}"]) for k in ("estimate", "low", "high", "n")]
            assert ends == pytest.approx([row.estimate, row.low, row.high, films_behind(row)], rel=1e-5)
            assert row.low < row.estimate <= row.high
    each = [rows.value(CELL, None, "sensitivity", c) for c in folder.classes]
    assert rows.value(CELL, None, "sensitivity", "macro") == pytest.approx(np.mean(each))
    text = {r[3].text: [c.text for c in r] for r in table.rows} | {
        r[2].text: [c.text for c in r] for r in table.rows
    }
    assert text["macro average"][4].count("to") == 1
    assert "balanced accuracy" in table.caption


def test_the_key_table_has_numbers_for_programs_and_few_decimals_for_people(run):
    table = key_table(run)
    (r,) = read(table)
    row = run.rows.find(CELL, None, "specificity", "covid")
    assert list(r)[:6] == [
        "backbone",
        "pipeline",
        "trials",
        "sensitivity_estimate",
        "sensitivity_low",
        "sensitivity_high",
    ]
    assert [r[f"specificity_{k}"] for k in ("estimate", "low", "high", "n")] == [
        f"{row.estimate:.6g}", f"{row.low:.6g}", f"{row.high:.6g}", "48",
    ]  # fmt: skip
    shown = table.rows[0][4].text.replace("\N{NO-BREAK SPACE}", " ")
    assert shown == f"{row.estimate:.2f} ({row.low:.2f} to {row.high:.2f})"
    assert [c.label for c in table.columns][3:] == ["Sensitivity", "Specificity", "PR-AUC", "ROC-AUC"]
    assert table.notes[-1].startswith("Few events (fewer than ten errors, counted by")


def test_two_classes_have_no_table_of_each_class(run):
    two = RunFolder(run.folder.path)
    two.classes = ("covid", "normal")
    assert one_vs_rest_table(Evaluated(two)) is None


def row(metric, n, n_positive, class_="covid"):
    return StatisticsRow(
        metric=metric, class_=class_, part="test", estimate=1.0, low=0.9, high=1.0, n=n, n_positive=n_positive, method="m",
        note="few events (0 errors)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "n_positive", "behind"),
    [
        ("sensitivity", 30, 30), ("specificity", 30, 60), ("strict_rate", 30, 60), ("accuracy", 30, 90), ("roc_auc", 30, 30),
        ("roc_auc", 70, 20), ("sensitivity@operating_point", 30, 30), ("f1", 90, 90),
    ],
)  # fmt: skip
def test_the_films_that_a_figure_is_a_share_of(metric, n_positive, behind):
    assert films_behind(row(metric, 90, n_positive)) == behind


def test_few_events_are_counted_beneath():
    assert few_events_notes([None]) == ()
    assert few_events_notes([row("f1", 9, 3), None])[0].startswith(
        "Few events (fewer than ten errors, counted by film) stand behind 1 of 1 figures here"
    )


def test_an_undefined_figure_says_why_beneath():
    gone = {"estimate": None, "note": "threshold 0.2; undefined: no film of the class (in trial 1, 2 of 2)"}
    rows = [row(m, 9, 0).model_copy(update=gone) for m in ("sensitivity", "roc_auc", "roc_auc")]
    assert undefined_notes([*rows, row("f1", 9, 3), None]) == (
        "A dash stands where a figure is undefined: no film of the class (Sensitivity and ROC-AUC).",
    )


def test_macro_averages_and_accuracy_are_no_contrasts(run):
    assert {"macro", "all"} <= set(run.rows.classes())
    assert not {"macro", "all"} & set(contrasts(run.rows, run.folder))
    assert not [t for t in contrast_tables(run) if "macro" in t.name]


def test_a_trials_seconds_are_those_of_the_trial_alone(run):
    """Alone 20 + 61 + 9.5 + .5 and one more for the second trial; here, with what trials share, they are fewer."""
    folder = run.folder
    assert [row[-1].value for row in trial_table(run).rows] == [91.0, 92.0]
    assert [sum(folder.seconds(folder.cells[0], t).here.values()) for t in (1, 2)] == [74.0, 74.0]


def test_thresholds_of_trials_are_shown_from_the_lowest_to_the_highest(run):
    (row,) = operating_point_table(run).rows
    assert "0.310 to 0.320" in [cell.text for cell in row]


class Shown(Evaluated):
    """Gives a figure in the place of its picture."""

    def picture(self, fig, *_words, **_options):
        return fig


def test_interval_plot_shows_mean_interval_trials_and_the_source_beside(run):
    marks = Beside("theirs", marks={(CELL, "sensitivity"): 0.87})
    first, second = interval_picture(Shown(run.folder, lambda *_: marks)).axes
    xs = [np.asarray(line.get_xdata()).tolist() for line in first.lines]
    row = run.row(run.folder.cells[0], "sensitivity")
    assert [row.low, row.high] in xs
    assert [run.rows.value(CELL, t, "sensitivity", "covid") for t in (1, 2)] in xs
    assert [row.estimate] in xs
    assert [0.87] in xs
    assert first.get_legend_handles_labels()[1] == ["mean over trials, 95 % interval", "a trial", "theirs"]
    assert [0.87] not in [np.asarray(line.get_xdata()).tolist() for line in second.lines]

"""From predictions to the page through the commands: the paper's Table 6 arrives in every form."""

import csv
import json
import re
import runpy
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from browser import check_page
from hilum.cli.augment import app as augment_app
from hilum.cli.evaluate import evaluate
from hilum.cli.report import report

FAKE = runpy.run_path(str(Path(__file__).parents[1] / "fake_run.py"))
app = typer.Typer()
app.command()(evaluate)
app.command()(report)
app.add_typer(augment_app, name="augment")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = FAKE["make_run"](tmp_path_factory.mktemp("page") / "run", trials=2)
    result = CliRunner().invoke(
        app, ["report", str(root), "--resamples", "40", "--quiet"], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert result.stdout.strip() == str(root / "report.html")
    return root


def test_the_page_opens_in_a_browser(run, tmp_path):
    check_page(run / "report.html", tmp_path, json.loads((run / "run.json").read_text())["title"])


def _read(path):
    with path.open(newline="") as f:
        return list(csv.DictReader(f))


def test_table_6_in_page_csv_and_latex(run):
    page = (run / "report.html").read_text()
    assert (
        "Confusion matrix of resnet50, baseline, trial 2, test films (sensitivity of covid: 0.9635)." in page
    )
    rows = _read(run / "tables" / "table-6.csv")
    assert [[int(r[f"predicted_{c}"]) for c in FAKE["CLASSES"]] for r in rows] == FAKE["TABLE_6"]
    assert r"covid & 0 & 1742 & 65 & 1 & 1808 \\" in (run / "tables" / "table-6.tex").read_text()
    assert "(sensitivity of covid: 0.9613)" in page  # Table 7


def test_the_trial_s_rates_in_csv_and_page(run):
    rows = _read(run / "tables" / "trials.csv")
    (last,) = [r for r in rows if r["trial"] == "2" and r["pipeline"] == "baseline"]
    got = [round(float(last[k]), 4) for k in ("sensitivity", "specificity", "strict_rate", "ppv")]
    assert got == [0.9635, 0.9550, 0.9326, 0.8564]
    page = (run / "report.html").read_text()
    table = re.search(r'id="t-trials">.*?</table>', page, re.DOTALL)[0]
    for number in ("0.9635", "0.9550", "0.9326", "0.8564", "0.9613", "0.9362", "0.9020", "0.8076"):
        assert f">{number}</td>" in table


def test_table_4_has_the_paper_beside(run):
    rows = {r["metric"]: r for r in _read(run / "tables" / "table-4.csv")}
    assert rows["Sensitivity"]["baseline_paper"] == "0.8715"
    assert rows["Specificity"]["crop_distortion_paper"] == "0.9055"
    trials = [
        float(r["sensitivity"]) for r in _read(run / "tables" / "trials.csv") if r["pipeline"] == "baseline"
    ]
    assert float(rows["Sensitivity"]["baseline_here"]) == pytest.approx(sum(trials) / 2, abs=1e-6)
    assert rows["Seconds"]["baseline_here"] == "91.5"  # (91 + 92) / 2


def test_seconds_alone_and_here(run):
    first, second, total = _read(run / "tables" / "seconds.csv")
    assert (first["alone_total"], first["here_shared_total"]) == ("91.5", "74")
    assert (second["here_shared_featurize"], second["here_shared_total"]) == ("0", "14")
    assert total["alone_total"] == "184"


def test_the_rest_of_the_page(run):
    page = (run / "report.html").read_text()
    assert "Research software. Not a medical device; not for diagnosis or treatment." in page
    assert "8296 test films, 1808 of them covid" in page
    assert "hilum run experiment-2 --manifest manifest.csv" in page
    assert json.loads((run / "run.json").read_text())["study_digest"] in page
    assert "modality CT &amp; slices" in page
    assert "2 equal in bytes, 1 equal in pixels, 30 near copies confirmed on aligned pixels" in page
    assert "in 31 groups, the largest of 4 films" in page
    assert "Peak memory</th><td>1.40 GiB" in page
    rows = _read(run / "tables" / "exclusions.csv")
    assert {(r["source"], r["reason"], r["films"]) for r in rows} == {
        ("cohen", "not a chest film modality", "1"), ("radiography", "lung mask", "7"),
    }  # fmt: skip
    assert page.count("data:image/svg+xml;base64,") == 7
    assert page.count("data:image/png;base64,") == 3  # panel, torchvision beside, box
    figures = {p.name for p in (run / "figures").iterdir()}
    names = (
        "intervals", "loss-curves", "roc-curves", "pr-curves", "confusion-matrices", "augmentation-panel", "flow-of-films",
        "augmentor-torchvision", "box-panel", "decision-curves",
    )  # fmt: skip
    assert figures == {f"{n}.{e}" for n in names for e in ("svg", "png")}


def test_evaluate_prints_the_table_and_what_the_file_is(run, tmp_path):
    path = run / "cells" / "resnet50--baseline--constant" / "trial-2" / "predictions.csv"
    bare = tmp_path / "bare.csv"
    bare.write_bytes(path.read_bytes())
    for file, words in ((path, "provenance hilum"), (bare, "was not written by hilum")):
        out = tmp_path / "s.json"
        result = CliRunner().invoke(app, ["evaluate", str(file), "--out", str(out), "--resamples", "20"])
        assert result.exit_code == 0
        assert words in result.stderr
        (line,) = [x for x in result.stdout.splitlines() if re.match(r"covid +Sensitivity ", x)]
        assert line.split()[:3] == ["covid", "Sensitivity", "0.9635"]
        assert re.search(r" 8296 +1808\b", line)
        (row,) = [
            r for r in json.loads(out.read_text()) if (r["metric"], r["class"]) == ("sensitivity", "covid")
        ]
        assert row["estimate"] == 1742 / 1808


def test_augment_show_writes_a_panel_and_says_what_was_drawn(run, tmp_path):
    out = tmp_path / "panel.png"
    films = [str(run / "films" / f"{c}.png") for c in ("covid", "viral")]
    args = ["augment", "show", *films, "--out", str(out), "--pipelines", "baseline,crop-zoom", "--seed", "3"]
    result = CliRunner().invoke(app, args, catch_exceptions=False)
    assert result.exit_code == 0
    lines = [x.split("\t") for x in result.stdout.strip().splitlines()]
    assert [x[:2] for x in lines] == [[f, p] for f in ("covid", "viral") for p in ("baseline", "crop-zoom")]
    assert "zoom into 195×195 px" in lines[1][2]  # .8 of 244
    with Image.open(out) as picture:
        assert picture.format == "PNG"
    first = out.read_bytes()
    CliRunner().invoke(app, args, catch_exceptions=False)
    assert out.read_bytes() == first


def test_augment_show_says_which_parts_a_step_of_a_studys_own_pipeline_acts_on(run, tmp_path):
    study = tmp_path / "own.toml"
    study.write_text(
        """
name = "own"
[[augment.pipeline]]
name = "tilted"
steps = [
    { op = "resize", width_px = 64, height_px = 64 },
    { op = "rotate", probability = 0.2, max_left_rotation = 5, max_right_rotation = 5 },
]
"""
    )
    film, out = str(run / "films" / "covid.png"), str(tmp_path / "panel.svg")
    args = ["augment", "show", film, "--out", out, "--study", str(study), "--pipelines", "tilted,crop"]
    result = CliRunner().invoke(app, args, catch_exceptions=False)
    assert result.exit_code == 0
    tilted, crop = result.stderr.strip().splitlines()
    assert tilted.startswith("tilted: resize (64 × 64 px, ")
    assert tilted.endswith(
        "all parts) → rotate (p 0.2, max_left_rotation 5, max_right_rotation 5; train only)"
    )
    assert "crop_centre (p 0.1, percentage_area 0.9; all parts)" in crop

"""Comparisons of a run's families and of two runs: against scipy's paired test, what differs, what is unsafe, found again."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from browser import check_page
from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run import run_path
from hilum.artifacts.split import Split
from hilum.artifacts.statistics import StudyRows
from hilum.core.errors import InputError
from hilum.report.compare_page import PAGE, write_compare_page
from hilum.stages.compare import compare_runs
from hilum.stages.evaluate import evaluate_run

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))
POOR = [[8, 0, 0, 0], [0, 150, 50, 0], [0, 30, 170, 0], [0, 0, 0, 10]]
GOOD = [[8, 0, 0, 0], [0, 195, 5, 0], [0, 4, 196, 0], [0, 0, 0, 10]]


def make(root, matrices=None, study=None, switches=(), **options):
    """A run of two pipelines, the second a good one."""
    matrices = matrices or {("resnet50", "baseline"): POOR, ("resnet50", "crop"): GOOD}
    run = FAKE["make_run"](root, pipelines=("baseline", "crop"), matrices=matrices, **options)
    value = json.loads((run / "run.json").read_text())
    value["study"].update(study or {})
    for cell in value["cells"]:
        cell["switches"] = list(switches)
    (run / "run.json").write_text(json.dumps(value))
    return run


FAMILY = {
    "name": "pipelines",
    "factor": "pipeline",
    "reference": "baseline",
    "metrics": ["sensitivity", "pr_auc"],
}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    root = tmp_path_factory.mktemp("ws") / "runs"
    root.mkdir()
    a = make(root / "study-a-11", {"all": POOR}, {"compare": [FAMILY]})
    b = make(
        root / "study-b-22",
        study={"training": {"epochs": 9}, "unsafe": {"second_softmax": True}},
        switches=("second_softmax",),
        seed=0,
    )
    return a, b


def test_a_study_s_families_are_compared_when_it_is_evaluated(tmp_path):
    run = make(tmp_path / "run", study={"compare": [FAMILY]})
    assert evaluate_run(run, n_resamples=100)
    rows = read_comparisons(run / "comparisons.json")
    assert [(r.metric, r.label, r.verdict) for r in rows] == [
        ("sensitivity", "crop against baseline", "better"),
        ("pr_auc", "crop against baseline", "better"),
    ]
    statistics = StudyRows.read(run / "statistics.json")
    for r in rows:
        assert r.value == pytest.approx(statistics.value(r.cell, None, r.metric, "covid"))
        assert r.reference_value == pytest.approx(statistics.value(r.reference, None, r.metric, "covid"))
    before = (run / "comparisons.json").stat().st_mtime_ns
    assert not evaluate_run(run, n_resamples=100)
    assert (run / "comparisons.json").stat().st_mtime_ns == before
    (run / "comparisons.json").unlink()
    assert evaluate_run(run, n_resamples=100)
    assert read_comparisons(run / "comparisons.json") == rows


@pytest.mark.parametrize("damage", ['{"header": {"kind": "eval', "[1]", '{"unit": {"counts": 5}}'])
def test_a_damaged_evaluation_is_made_again(tmp_path, damage):
    run = make(tmp_path / "run", study={"compare": [FAMILY]}, trials=1)
    assert evaluate_run(run, n_resamples=100)
    whole = (run / "evaluation.json").read_bytes()
    (run / "evaluation.json").write_text(damage)
    assert evaluate_run(run, n_resamples=100)
    assert (run / "evaluation.json").read_bytes() == whole


def test_the_secondary_test_is_scipy_s_binomial_test(tmp_path):
    run = make(tmp_path / "run", study={"compare": [FAMILY]}, trials=1)
    evaluate_run(run, n_resamples=100)
    row = read_comparisons(run / "comparisons.json")[0]
    right = []
    for name in (row.cell, row.reference):
        found = Predictions.read(run / "cells" / name / "trial-1" / "predictions.csv").of_part("test")
        right.append(
            {
                i: p.argmax() == 1
                for i, p, y in zip(found.image_ids, found.probabilities, found.y_true, strict=True)
                if y == "covid"
            }
        )
    gained = sum(right[0][i] and not right[1][i] for i in right[0])
    lost = sum(right[1][i] and not right[0][i] for i in right[0])
    assert row.secondary[0].p == pytest.approx(stats.binomtest(gained, gained + lost).pvalue)
    assert row.estimate == pytest.approx((gained - lost) / 200)
    assert "one trial" in row.note


def test_a_family_whose_reference_is_missing_is_refused(tmp_path):
    run = make(tmp_path / "run", study={"compare": [{**FAMILY, "reference": "zoom"}]})
    with pytest.raises(InputError, match="compare 'pipelines': no cell has pipeline 'zoom'"):
        evaluate_run(run, n_resamples=100)
    assert not (run / "statistics.json").exists()


def test_cells_without_a_source_are_compared_on_the_films_that_both_tested(tmp_path):
    """The plain cell tests all films, the other those of one source: the figures compared are of the latter, in both."""
    family = {
        **FAMILY,
        "name": "sources",
        "factor": "source_left_out",
        "reference": "none",
        "metrics": ["specificity"],
    }
    run = make(
        tmp_path / "run",
        {("resnet50", "baseline"): POOR, ("resnet50", "crop"): POOR},
        {"compare": [family]},
        trials=2,
    )
    value = json.loads((run / "run.json").read_text())
    plain, without = value["cells"]
    without |= {"pipeline": plain["pipeline"], "source_left_out": "mooney", "splits": "without-mooney"}
    (run / "run.json").write_text(json.dumps(value))
    (run / "splits" / "without-mooney").mkdir()
    for trial in (1, 2):
        path = run / "splits" / f"trial-{trial}.json"
        split = Split.read(path)
        kept = [i for i in split.parts["test"] if i.startswith("mooney")]
        Split({**split.parts, "test": kept}, split.group_of, split.header).write(
            run / "splits" / "without-mooney" / path.name
        )
        csv_path = run / "cells" / without["name"] / f"trial-{trial}" / "predictions.csv"
        lines = csv_path.read_text().splitlines(keepends=True)
        csv_path.write_text(
            lines[0] + "".join(x for x in lines[1:] if x.startswith("mooney") or ",valid," in x)
        )
    evaluate_run(run, n_resamples=20)
    (row,) = read_comparisons(run / "comparisons.json")
    assert (row.cell, row.reference, row.paired) == (without["name"], plain["name"], True)
    assert "on the test films that both have" in row.note
    assert (row.value, row.reference_value) == (
        1.0,
        1.0,
    )  # bacterial and viral films, none called covid; with normals it is .86
    everywhere = StudyRows.read(run / "statistics.json").value(plain["name"], None, "specificity", "covid")
    assert everywhere == pytest.approx(1 - 30 / 218)


def test_two_runs_cell_by_cell(two, tmp_path):
    done = compare_runs(two, tmp_path / "out", ["sensitivity"], n_resamples=100)
    assert [(r.label, r.verdict) for r in done.rows] == [
        ("baseline against study-a-11", "not distinguishable"),
        ("crop against study-a-11", "better"),
    ]
    assert all(r.paired for r in done.rows)
    assert done.rows[0].cell == "study-b-22/resnet50--baseline--constant"
    assert done.rows[0].reference == "study-a-11/resnet50--baseline--constant"
    written = write_compare_page(done, tmp_path / "out")
    remarks = {c.title: c.text for c in written.cautions}
    assert "training.epochs" in remarks["More than one thing differs"]
    assert written.unsafe[0].startswith("study-b-22/resnet50--baseline--constant: a second softmax")
    page = (tmp_path / "out" / PAGE).read_text()
    assert "Unsafe." in page
    assert "not distinguishable" in page
    names = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*")}
    assert {
        "comparisons.json", "comparisons.header.json", "compare.html", "tables/comparisons.csv", "tables/comparisons.tex",
        "tables/differences.csv", "figures/differences.svg",
    } <= names  # fmt: skip
    check_page(tmp_path / "out" / PAGE, tmp_path, "study-b-22 against study-a-11")


def test_the_flow_of_each_run_s_films_stands_beside_the_comparison(two, tmp_path):
    done = write_compare_page(compare_runs(two, tmp_path / "out", n_resamples=20), tmp_path / "out")
    (table,) = [t for t in done.tables if t.name == "flow"]
    lines = table.to_csv().splitlines()
    columns = lines[0].split(",")
    for line, run in zip(lines[1:], two, strict=True):
        values = dict(zip(columns, line.split(","), strict=True))
        assert values["run"] == run.name
        assert int(values["found"]) - 8 == int(values["in_the_manifest"]) == int(values["of_the_study"])
        assert values["left_out_at_ingest"] == "8"
        assert values["trial_1_test_scored"] == values["trial_1_test"] == "418"
    assert "Flow of films" in (tmp_path / "out" / PAGE).read_text()


def test_the_same_again_is_found_and_a_change_is_not(two, tmp_path):
    out = tmp_path / "out"
    first = compare_runs(two, out, ["sensitivity"], n_resamples=100)
    stamp = (out / "comparisons.json").stat().st_mtime_ns
    assert compare_runs(two, out, ["sensitivity"], n_resamples=100).rows == first.rows
    assert (out / "comparisons.json").stat().st_mtime_ns == stamp
    assert (
        compare_runs(two, out, ["sensitivity"], seed=1, n_resamples=100).rows[1].film_error
        != first.rows[1].film_error
    )


def test_test_films_that_differ_are_not_paired(tmp_path):
    runs = []
    for k in range(2):
        runs.append(make(tmp_path / f"run-{k}", trials=2))
    renamed = runs[1]
    for path in [*renamed.rglob("*.csv"), *renamed.rglob("*.json")]:
        path.write_text(path.read_text().replace("/covid/test-", "/covid/other-"))
    value = json.loads((renamed / "run.json").read_text())
    from hilum.artifacts.manifest import Manifest
    from hilum.artifacts.split import Split

    digest = Manifest.read(renamed / "manifest.csv").digest
    value["manifest_digest"] = digest
    (renamed / "run.json").write_text(json.dumps(value))
    for path in (renamed / "splits").glob("*.json"):
        split = json.loads(path.read_text())
        split["header"]["inputs"]["manifest"] = digest
        path.write_text(json.dumps(split))
        Split.read(path)
    done = compare_runs(runs, tmp_path / "out", ["sensitivity", "specificity"], n_resamples=100)
    assert not any(r.paired for r in done.rows)
    assert "test-films-differ" in {c.code for c in write_compare_page(done, tmp_path / "out").cautions}
    # the negatives are shared and equal, so their difference stays small; the films of the class are others
    assert {r.n_clusters for r in done.rows} == {8 + 200 + 200 + 10 + 200}


def test_one_run_without_faults_is_nothing_to_compare(two, tmp_path):
    with pytest.raises(InputError, match="nothing to compare in one run"):
        compare_runs(two[:1], tmp_path)
    with pytest.raises(InputError, match="expected different runs"):
        compare_runs([two[0], two[0]], tmp_path)


def test_a_run_by_its_name(two):
    workspace = two[0].parent.parent
    assert run_path("study-a", workspace) == two[0]
    assert run_path("study-b-22", workspace) == two[1]
    assert run_path(str(two[0]), Path("nowhere")) == two[0]
    with pytest.raises(InputError, match=r"no run 'study-c'.*did you mean"):
        run_path("study-c", workspace)


def test_the_command_prints_the_table_and_shouts_what_is_unsafe(two, tmp_path):
    from typer import Typer

    from hilum.cli.compare import compare

    app = Typer()
    app.command()(compare)
    result = CliRunner().invoke(
        app,
        [
            *map(str, two), "--out", str(tmp_path / "o"), "--metrics", "sensitivity,roc_auc", "--resamples", "100", "--quiet",
        ],
    )  # fmt: skip
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["Metric", "Cell"]
    assert any(line.startswith("ROC-AUC") and line.split()[1] == "crop" for line in lines)
    assert "UNSAFE study-b-22/resnet50--crop--constant" in result.stderr
    assert np.isclose(
        read_comparisons(tmp_path / "o" / "comparisons.json")[1].value,
        float(next(line for line in lines if "crop" in line).split()[2]),
        atol=5e-4,
    )


def test_units_of_two_runs_that_share_a_film_are_one_unit(tmp_path):
    """One run knows patients of two films each, the other none: resampled are the patients, for both."""
    films = sum(sum(r) for r in POOR)
    known = make(tmp_path / "known", patients="all", trials=2)
    bare = make(tmp_path / "bare", {"all": POOR}, patients="none", trials=2)
    done = compare_runs([known, bare], tmp_path / "out", ["sensitivity"], n_resamples=100)
    assert {r.n_clusters for r in done.rows} == {films // 2}
    assert all(r.paired for r in done.rows)


def _weigh(run, digests):
    """Give every trial's bundle the digest of its trained weights: cell -> digest."""
    for path in (run / "cells").glob("*/trial-*/bundle/bundle.json"):
        value = {**json.loads(path.read_text()), "state_sha256": "b" * 64}
        path.write_text(json.dumps({**value, "head_sha256": digests[path.parts[-4]]}))


def test_one_trial_says_so_in_every_output_and_carries_no_verdict(tmp_path):
    from hilum.stages.report import write_report

    run = make(tmp_path / "run", study={"compare": [FAMILY]}, trials=1)
    _weigh(run, {"resnet50--baseline--constant": "1" * 64, "resnet50--crop--constant": "2" * 64})
    evaluate_run(run, n_resamples=100)
    rows = read_comparisons(run / "comparisons.json")
    assert {r.verdict for r in rows} == {"on these films, one trial"}
    assert rows[0].p < 1e-6
    write_report(run)
    csv_text = (run / "tables" / "comparisons.csv").read_text()
    assert csv_text.count("on these films, one trial") == 2
    other = make(tmp_path / "other", {"all": POOR}, trials=1, seed=3)
    done = compare_runs([run, other], tmp_path / "out", ["sensitivity"], n_resamples=100)
    written = write_compare_page(done, tmp_path / "out")
    (printed,) = [t.to_text() for t in written.tables if t.name == "comparisons"]
    lines, *_ = printed.split("\n\n")  # the notes beneath say what the words mean
    for text in (csv_text, lines, (tmp_path / "out" / "tables" / "comparisons.csv").read_text()):
        assert "on these films, one trial" in text
        assert "better" not in text
        assert "worse" not in text
    page = (tmp_path / "out" / PAGE).read_text()
    assert "2 comparisons of covid against the rest: 2 on these films, one trial." in page
    assert "no difference has a verdict" in page
    for path in (tmp_path / "out" / PAGE, run / "report.html"):
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", path.read_text())
        assert "on these films, one trial" in cells
        assert not {"better", "worse"} & set(cells)


def test_one_trial_of_shared_weights_has_a_verdict(tmp_path):
    """The digest says that both cells are one trained model, scored in two ways; names say nothing."""
    run = make(tmp_path / "run", study={"compare": [FAMILY]}, trials=1)
    _weigh(run, dict.fromkeys(("resnet50--baseline--constant", "resnet50--crop--constant"), "1" * 64))
    evaluate_run(run, n_resamples=100)
    rows = read_comparisons(run / "comparisons.json")
    assert [(r.verdict, r.shared_weights, r.n_trials) for r in rows] == [("better", True, 1)] * 2
    # other weights of the same predictions: the file is made again, and says less
    _weigh(run, {"resnet50--baseline--constant": "1" * 64, "resnet50--crop--constant": "2" * 64})
    assert evaluate_run(run, n_resamples=100)
    assert {r.verdict for r in read_comparisons(run / "comparisons.json")} == {"on these films, one trial"}

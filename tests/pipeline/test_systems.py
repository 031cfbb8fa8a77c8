"""A suite of systems on the same films: a study of all classes and one that merges them, in one table and one family of tests.

Areas and rates are held against scikit-learn on the predictions that the runs left, Holm's p against statsmodels.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multitest import multipletests
from typer.testing import CliRunner

from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRows
from hilum.artifacts.suite_record import runs_of
from hilum.cli.main import app
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.stages.ingest import ingest
from hilum.stages.systems import compare_systems
from hilum.synthetic.phantom import make_films
from hilum.workflow.asked import asked
from hilum.workflow.suite import run_or_find, run_suite

pytestmark = pytest.mark.slow

STUDY = """name = "{name}"
seed = 5
redraw_with_trial = ["split", "head"]
[data]
classes = {classes}
positive = "covid"
{more}
[split]
method = "fractions"
fractions = {{ train = 0.4, valid = 0.2, test = 0.4 }}
[augment]
size_px = 48
[grid]
backbones = ["resnet18"]
pipelines = {pipelines}
trials = 2
[weights]
resnet18 = "none"
[features]
precision = "fp32"
[training]
epochs = 6
"""
SUITE = """name = "both"
title = "Both on the same films"
[systems]
reference = "four/resnet18--baseline--constant"
[[member]]
study = "four.toml"
[[member]]
study = "two.toml"
"""
MERGED = 'merge = { other = ["bacterial", "normal", "viral"] }'


def write(root: Path, strata: str = 'strata = "label"') -> Path:
    """The suite and its studies."""
    classes = '["bacterial", "covid", "normal", "viral"]'
    four = STUDY.format(name="four", classes=classes, more="", pipelines='["baseline", "crop"]')
    two = STUDY.format(
        name="two", classes='["covid", "other"]', more=f"{MERGED}\n{strata}", pipelines='["baseline"]'
    )
    for name, text in (("four", four), ("two", two), ("both", SUITE)):
        (root / f"{name}.toml").write_text(text)
    return root / "both.toml"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("systems")
    ingest([f"home={make_films(root / 'films', 160, 5, 48)}"], root / "manifest.csv", engine=Local(0))
    of_all = ["*:statistics.resamples=100"]
    found, members = asked(str(write(root)), root / "manifest.csv", root / "ws", of_all)
    assert found is not None
    page, lines = run_suite(found, members, root / "ws", Local(0), "hilum run both.toml")
    assert [line.stage for line in lines] == ["four", "two"]
    return page.parent


def test_every_system_has_its_figures_on_the_same_films(suite: Path) -> None:
    four, two = (RunFolder(p) for p in runs_of(suite))
    for trial in four.trials:
        parts = [r.split_of(r.cells[0], trial).parts for r in (four, two)]
        assert {p: set(ids) for p, ids in parts[0].items()} == {p: set(ids) for p, ids in parts[1].items()}
    figures, expected = StudyRows.read(suite / "statistics.json"), {}
    for name, run in (("four", four), ("two", two)):
        for cell in run.cells:
            areas, rates = [], []
            for trial in run.trials:
                films = run.predictions(cell, trial).of_part("test")
                score = films.probabilities[:, run.classes.index("covid")]
                true = np.array(films.y_true) == "covid"
                areas.append(roc_auc_score(true, score))
                rates.append((score >= run.operating_point(cell, trial)["threshold"])[true].mean())
            expected[f"{name}/{cell.name}"] = np.mean(areas), np.mean(rates)
    for system, (area, rate) in expected.items():
        assert figures.value(system, None, "roc_auc", "covid") == pytest.approx(area)
        assert figures.value(system, None, "sensitivity@operating_point", "covid") == pytest.approx(rate)
    assert len(figures.rows) == 4 * len(expected)


def test_all_but_the_reference_are_one_family(suite: Path) -> None:
    rows, figures = read_comparisons(suite / "comparisons.json"), StudyRows.read(suite / "statistics.json")
    reference = "four/resnet18--baseline--constant"
    others = ["four/resnet18--crop--constant", "two/resnet18--baseline--constant"]
    metrics = ["roc_auc", "pr_auc", "sensitivity", "specificity"]
    assert [(r.metric, r.cell) for r in rows] == [(m, o) for m in metrics for o in others]
    assert {(r.reference, r.paired, r.n_family) for r in rows} == {(reference, True, 2)}
    for metric in metrics:
        of_metric = [r for r in rows if r.metric == metric]
        holm = multipletests([r.p for r in of_metric], method="holm")[1]
        assert [r.p_adjusted for r in of_metric] == pytest.approx(holm.tolist())
    for r in rows[:4]:
        assert r.value == pytest.approx(figures.value(r.cell, None, r.metric, "covid"))
        assert r.reference_value == pytest.approx(figures.value(reference, None, r.metric, "covid"))


def test_the_page_has_one_table_with_what_each_costs(suite: Path) -> None:
    with (suite / "tables" / "systems.csv").open() as f:
        rows = list(csv.DictReader(f))
    assert [r["classes"] for r in rows] == ["4", "4", "2"]
    # torchvision's ResNet18 without its last layer has 11 176 512 parameters, and a head of n classes 513 n
    assert [int(r["parameters"]) for r in rows] == [
        11176512 + 513 * 4,
        11176512 + 513 * 4,
        11176512 + 513 * 2,
    ]
    assert all(float(r["seconds"]) > 0 for r in rows)
    assert "Both on the same films" in (suite / "report.html").read_text()


def test_the_command_makes_the_same_table_of_runs(suite: Path, tmp_path: Path) -> None:
    four, two = runs_of(suite)
    reference = f"{four.name}/resnet18--baseline--constant"
    words = [
        str(four),
        str(two),
        "--systems",
        reference,
        "--out",
        str(tmp_path / "out"),
        "--resamples",
        "100",
    ]
    result = CliRunner().invoke(app, ["compare", *words, "--quiet"])
    assert result.exit_code == 0, result.output
    assert f"{two.name}/resnet18--baseline--constant" in result.stdout
    of_suite, mine = (StudyRows.read(p / "statistics.json").rows for p in (suite, tmp_path / "out"))
    assert [r.estimate for r in mine] == [r.estimate for r in of_suite]
    refused = CliRunner().invoke(app, ["compare", *words, "--metrics", "f1"])
    assert "--systems has metrics of its own" in str(refused.exception)


def test_what_would_not_be_the_same_films_is_refused_before_anything_runs(
    suite: Path, tmp_path: Path
) -> None:
    manifest = suite.parents[2] / "manifest.csv"
    for strata, overrides, message in (
        ("", [], "two has parts by 'class', four has 'label'"),
        ('strata = "label"', ["two:seed=6"], "two has seed 6, four has 5"),
        ('strata = "label"', ["*:grid.trials=3", "two:grid.trials=4"], "two has grid.trials 4, four has 3"),
        ('strata = "label"', ["four:grid.pipelines=['crop']"], "there is no model 'four/resnet18--baseline"),
    ):
        with pytest.raises(InputError, match=message):
            asked(str(write(tmp_path, strata)), manifest, tmp_path / "ws", overrides)


def test_films_that_differ_are_refused_where_only_they_can_tell(suite: Path, tmp_path: Path) -> None:
    """The same study whose filter leaves some films out: found when systems are compared, by whatever command."""
    root = suite.parents[2]
    left = 'exclude=[{label=["normal"], age_group=["child"]}]'
    found, members = asked(str(root / "four.toml"), root / "manifest.csv", root / "ws", [f"data.{left}"])
    other = run_or_find(members[0], root / "ws", Local(0), "")[0].parent
    four = runs_of(suite)[0]
    with pytest.raises(InputError, match=r"b/resnet18.*: the train films of trial 1 differ from those of a/"):
        compare_systems({"a": four, "b": other}, "a/resnet18--baseline--constant", tmp_path, n_resamples=100)
    with pytest.raises(InputError, match="no system is called 'a/resnet19"):
        compare_systems({"a": four}, "a/resnet19--baseline--constant", tmp_path)
    assert found is None

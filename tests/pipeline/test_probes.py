"""Probes end to end, on synthetic films with a planted frame: they stand under their model, are tested against it, and are nowhere else."""

import re
from pathlib import Path

import numpy as np
import pytest

from browser import check_page
from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRows
from hilum.core.engine import Local
from hilum.core.errors import UnsafeError
from hilum.inference.predictor import Predictor
from hilum.report.probed import probe_cautions
from hilum.stages.ingest import ingest
from hilum.study.file import Study
from hilum.synthetic.confounders import Confounder
from hilum.synthetic.phantom import make_films
from hilum.workflow.run import run_study

KINDS = ["border-only", "thumbnail", "labels-shuffled", "source-rule"]
MODEL = "tf_efficientnet_lite0--baseline--constant"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one model with four probes, on films whose frame says the class."""
    root = tmp_path_factory.mktemp("probes")
    films = make_films(root / "films", 120, 5, 96, Confounder("border", 1.0))
    ingest([f"synthetic={films}"], root / "manifest.csv", engine=Local(1))
    study = Study.model_validate(
        {
            "name": "probed", "seed": 4, "augment": {"size_px": 64}, "training": {"epochs": 8, "learning_rate": 2e-3},
            "statistics": {"resamples": 100}, "subgroup": [{"by": "age_group"}], "probes": {"kinds": KINDS},
            "grid": {"backbones": ["tf_efficientnet_lite0"], "pipelines": ["baseline"], "trials": 2},
        }
    )  # fmt: skip
    return run_study(study, root / "manifest.csv", root / "workspace", Local(1), "test")[0].parent


def test_probes_have_their_models_films_and_are_no_models(run: Path) -> None:
    folder = RunFolder(run)
    assert [c.name for c in folder.cells] == [MODEL]
    assert [c.name for c in folder.probes] == [f"{MODEL}--probe-{k}" for k in KINDS]
    for trial in (1, 2):
        own = folder.predictions(folder.cells[0], trial)
        for probe in folder.probes:
            assert folder.predictions(probe, trial).image_ids == own.image_ids
    rule = Predictions.read(run / "cells" / f"{MODEL}--probe-source-rule" / "trial-1" / "predictions.csv")
    assert np.ptp(rule.probabilities, axis=0).max() == 0  # one source
    with pytest.raises(UnsafeError, match="is the probe 'border-only' of a study"):
        Predictor(run / "cells" / f"{MODEL}--probe-border-only" / "trial-1" / "bundle")


def test_a_planted_frame_is_reached_without_disease_and_said(run: Path) -> None:
    folder, rows = RunFolder(run), StudyRows.read(run / "statistics.json")

    def auc(probe: str) -> float:
        row = rows.find(f"{MODEL}--probe-{probe}", None, "roc_auc", "covid")
        assert row is not None
        assert row.estimate is not None
        return row.estimate

    assert auc("border-only") > 0.85
    assert auc("source-rule") == 0.5
    assert abs(auc("labels-shuffled") - 0.5) < 0.35
    assert [c.code for c in probe_cautions(folder, rows)] == ["probe-comes-close"]
    found = read_comparisons(run / "comparisons.json")
    assert {(r.family, r.metric, r.reference, r.n_family) for r in found} == {("probes", "roc_auc", MODEL, 4)}
    assert {r.cell for r in read_comparisons(run / "subgroups.json")} == {MODEL}


def test_the_page_has_them_under_the_model_and_in_no_figure(run: Path, tmp_path: Path) -> None:
    check_page(run / "report.html", tmp_path, "probed")
    text = re.sub(r"<[^>]+>", " ", (run / "report.html").read_text())
    assert re.search(
        r"Of the [\d.]+ ROC-AUC of tf_efficientnet_lite0 under baseline, [\d.]+ from the border", text
    )
    table = (run / "tables" / "results.csv").read_text().splitlines()
    assert table[1].startswith("tf_efficientnet_lite0,baseline,")
    assert table[2].startswith('"tf_efficientnet_lite0, probe: border only",')
    assert len(table) == 2 + len(KINDS)
    assert "probe" not in (run / "figures" / "intervals.svg").read_text()
    assert "probe-" not in (run / "model_card.md").read_text()

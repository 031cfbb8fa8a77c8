"""The shipped study of COVID-Net, narrowed and on drawn films: it says what its paper says, and runs beside a frozen backbone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run_folder import RunFolder
from hilum.core.engine import Local
from hilum.report.study_facts import imbalance, model
from hilum.stages.ingest import ingest
from hilum.studies import study_path
from hilum.study.file import read_study
from hilum.study.policies.plateau import PlateauPolicy
from hilum.synthetic.phantom import make_films
from hilum.workflow.plan import recipes
from hilum.workflow.run import run_study

NARROW = "covid_net_x0_125"
HERE = (
    f'grid.backbones=["{NARROW}", "tf_efficientnet_lite0"]', "grid.trials=1", "data.include=[]", "data.one_per_patient=[]", "contrast=[]",
    'compare=[{name="one", factor="backbone", reference="tf_efficientnet_lite0", metrics=["roc_auc"]}]',
    "training.epochs=1", "statistics.resamples=100",
)  # fmt: skip
"""What a test of seconds changes: width, films, epochs. Pipeline, policy, batches stay."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("covid-net")
    ingest([f"synthetic={make_films(root / 'films', 48, 5, 96)}"], root / "manifest.csv", engine=Local(1))
    study = read_study(study_path("covid-net"), HERE)
    return run_study(study, root / "manifest.csv", root / "workspace", Local(1), "test")[0].parent


def test_the_study_trains_as_the_paper_says() -> None:
    study = read_study(study_path("covid-net"))
    whole, frozen = recipes(study)
    assert whole.policy == PlateauPolicy(
        kind="plateau", optimizer="adam", learning_rate=2e-5, factor=0.7, patience=5
    )
    assert (whole.epochs, whole.training.batch, whole.training.balanced_batches) == (22, 8, True)
    assert (whole.cell.backbone, whole.pretrained, frozen.cell.backbone, frozen.finetune) == (
        "covid_net", False, "resnet50", None,
    )  # fmt: skip
    by_chance = {s.op: s.parts for s in whole.pipeline.steps if s.by_chance}
    assert by_chance == dict.fromkeys(
        ("translate", "rotate", "flip_left_right", "random_brightness"), ("train",)
    )
    later = read_study(study_path("covid-net"), ['grid.pipelines=["covid-net-zoom"]'])
    ops = [s.op for s in recipes(later)[0].pipeline.steps]
    assert ops == ["resize", "translate", "rotate", "flip_left_right", "zoom", "random_brightness"]


def test_a_narrow_one_runs_beside_a_frozen_backbone(folder: Path) -> None:
    facts = json.loads((folder / "run.json").read_text())
    stem, inputs, hidden = 3 * 8 * 49 + 16, 256 * 49, 128
    head = (inputs + 1) * hidden + (hidden + 1) * hidden + (hidden + 1) * 4
    cost = facts["costs"][NARROW]
    assert cost["trained"] == cost["parameters"] == 1_842_654
    assert cost["parameters"] > stem + head
    cells = {c: folder / "cells" / f"{c}--covid-net--covid-net" / "trial-1" for c in facts["costs"]}
    scored = {c: Predictions.read(path / "predictions.csv").of_part("test") for c, path in cells.items()}
    assert scored[NARROW].image_ids == scored["tf_efficientnet_lite0"].image_ids
    assert np.allclose(scored[NARROW].probabilities.sum(axis=1), 1)
    bundle, _, _ = Bundle.read(cells[NARROW] / "bundle")
    assert (bundle.network, bundle.training["balanced_batches"], bundle.head) == ("whole", True, "fc-128")
    (row,) = read_comparisons(folder / "comparisons.json")
    assert (row.metric, row.cell.split("--")[0], row.reference.split("--")[0]) == (
        "roc_auc",
        NARROW,
        "tf_efficientnet_lite0",
    )


def test_the_model_card_says_how_it_was_made(folder: Path) -> None:
    run = RunFolder(folder)
    assert (
        "trained as a whole (two linear layers of 128, each with ReLU, linear layer to the classes)"
        in model(run)
    )
    assert imbalance(run) == "each batch has the classes evenly"

"""A backbone is one entry: added, it runs through a study; and no other module knows one by name."""

import ast
import json
from pathlib import Path

import pytest
import torch

import hilum
from hilum.artifacts.bundle import Bundle
from hilum.artifacts.predictions import Predictions
from hilum.core.engine import Local
from hilum.models.networks import build_whole
from hilum.models.registry import BACKBONES, Backbone
from hilum.models.weights import RANDOM
from hilum.stages.ingest import ingest
from hilum.stages.predict import predict_films
from hilum.study.file import Study
from hilum.synthetic.phantom import make_films
from hilum.workflow.run import run_study

SHUFFLENET = Backbone(
    "shufflenet", "torchvision.models:shufflenet_v2_x0_5", "after global average pooling", 1024, False, "linear",
    (0.485, 0.456, 0.406), (0.229, 0.224, 0.225),
    stages=(("stem", ("conv1",)), *((f"stage {k}", (f"stage{k}",)) for k in (2, 3, 4)), ("top", ("conv5",))), cut="fc",
)  # fmt: skip


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """One entry more in the table."""
    monkeypatch.setitem(BACKBONES, "shufflenet", SHUFFLENET)
    return SHUFFLENET


def test_an_entry_is_all_that_a_study_needs(added: Backbone, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    ingest([f"synthetic={make_films(tmp_path / 'films', 60, 5, 96)}"], manifest, engine=Local(1))
    tables = {
        "seed": 4, "grid": {"backbones": [added.name]}, "weights": {"shufflenet": "none"}, "augment": {"size_px": 64},
        "training": {"epochs": 2}, "statistics": {"resamples": 100},
    }  # fmt: skip
    for name, more in (("frozen", {}), ("whole", {"finetune": {"unfreeze": "gradual"}})):
        run = run_study(
            Study.model_validate({"name": name, **tables, **more}), manifest, tmp_path / "w", Local(1), ""
        )[0].parent
        trial = run / "cells" / "shufflenet--baseline--constant" / "trial-1"
        kept = Predictions.read(trial / "predictions.csv").of_part("test")
        assert Bundle.read(trial / "bundle")[0].backbone == added.name
        assert json.loads((run / "statistics.json").read_text())
        fresh = predict_films(trial / "bundle", [manifest], tmp_path / f"{name}.csv", "cpu")
        scores = dict(zip(fresh.image_ids, fresh.probabilities, strict=True))
        for image_id, row in zip(kept.image_ids, kept.probabilities, strict=True):
            assert scores[image_id] == pytest.approx(row, abs=1e-5)


def test_its_stages_are_the_entrys(added: Backbone) -> None:
    network = build_whole(added, RANDOM, 3, (64, 64), seed=1)
    assert {name: len(weights) for name, weights in network.stages().items()} == {
        "stem": 3, "stage 2": 42, "stage 3": 78, "stage 4": 42, "top": 3, "head": 2,
    }  # fmt: skip

    films = torch.zeros(2, 64, 64, dtype=torch.uint8)
    assert network(films).shape == (2, 3)


def texts_of(module: Path) -> set[str]:
    """The texts and names of a module's code, its docstrings left out."""
    tree = ast.parse(module.read_text())
    nodes = list(ast.walk(tree))
    docs = {
        id(n.value) for n in nodes if isinstance(n, ast.Expr)
    }  # of modules, classes, functions and constants
    return {
        str(n.value) for n in nodes if isinstance(n, ast.Constant) and id(n) not in docs
    } | {n.id for n in nodes if isinstance(n, ast.Name)}  # fmt: skip


def test_no_other_module_knows_a_backbone_by_name() -> None:
    src = Path(hilum.__file__).parent
    known = ("resnet", "squeezenet", "densenet", "denselayer", "efficientnet", "cnn", "covid_net")
    found = {
        f"{path.relative_to(src)}: {text}"
        for path in src.rglob("*.py")
        if path.relative_to(src).parts[0] != "paper" and path.name != "registry.py"
        for text in texts_of(path)
        if any(name in text.lower() for name in known)
    }
    # the default of the grid: a layer below, which holds no network
    assert found == {"study/factors.py: resnet50"}

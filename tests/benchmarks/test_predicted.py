"""A printed plan is read back as it was printed, and the studies that it is tried on are studies."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from PIL import Image

from hilum.study.file import read_study

SCRIPTS = Path(__file__).parents[2] / "benchmarks"
PLAN = """\
study     demo, digest 12029116a411, would go to /work/w/runs/demo-b3a34df9007e
disk      prepared films 23 MiB, features 5 MiB, trials 10 MiB
                                           seconds  GiB disk  GiB memory
          start                               11.0                  0.48  Python, torch, checks
          featurize tf_efficientnet_lite0     84.6     0.005        0.71  about 960 distinct films, 15.0 films/s
          report                               3.4     0.004        0.80  3 cells
in all    about 99 s, 0.01 GiB of disk, 0.80 GiB of memory at most; as busy as this machine is now
missing   1 thing stands in the way of `hilum run`:
          1. no ImageNet weights of resnet50 here
"""


@pytest.fixture
def predicted(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.delitem(sys.modules, "predicted", raising=False)
    return importlib.import_module("predicted")


def test_the_rows_of_a_plan_and_nothing_else_are_read(predicted) -> None:
    assert predicted.planned(PLAN) == {
        "start": {"s": 11.0, "disk": 0.0, "memory": 0.48},
        "featurize tf_efficientnet_lite0": {"s": 84.6, "disk": 0.005, "memory": 0.71},
        "report": {"s": 3.4, "disk": 0.004, "memory": 0.8},
    }


def test_every_study_is_one_and_asks_for_its_films(predicted, tmp_path) -> None:
    assert len(predicted.STUDIES) == 5
    assert predicted.study_file("demo", tmp_path) == "demo"
    for name in [n for n in predicted.STUDIES if n != "demo"]:
        study = read_study(Path(predicted.study_file(name, tmp_path)))
        assert study.data.subset
        assert str(study.data.subset.films) in name or name == "two backbones, twelve cells"
        assert set(study.weights.values()) == {"none"}
    assert (study.probes.kinds[0], study.finetune) == ("lungs-erased", None)


@pytest.mark.slow
def test_a_study_is_planned_and_run(predicted, tmp_path, monkeypatch) -> None:
    """Films of one grey and some noise, too few to say anything of speed."""
    import numpy as np

    from hilum.sources.layout import IngestOptions
    from hilum.stages.ingest import ingest

    rng = np.random.default_rng(0)
    for label in predicted.ONE_CLASS["data"]["classes"]:
        (tmp_path / "films" / label).mkdir(parents=True)
        for k in range(12):
            film = rng.integers(0, 256, (64, 64), np.uint8)
            Image.fromarray(film).save(tmp_path / "films" / label / f"{k}.png")
    ingest([f"own={tmp_path / 'films'}"], tmp_path / "manifest.csv", IngestOptions(["own"]))
    tables = {
        "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline"], "trials": 1},
        "augment": {"size_px": 64},
        "statistics": {"resamples": 100},
        "films": 48,
    }
    monkeypatch.setitem(predicted.STUDIES, "tiny", tables)
    found = predicted.measured("tiny", tmp_path / "manifest.csv")
    assert found["s"] > found["between_stages_s"] > 0
    assert {"prepare", "featurize squeezenet1_0", "train", "predict", "evaluate", "report"} <= set(
        found["stages"]
    )
    assert all(s["planned_s"] > 0 for name, s in found["stages"].items() if name != "split")
    assert found["planned_disk"] == pytest.approx(found["disk"], rel=0.5)
    assert found["planned_memory"] == pytest.approx(found["memory"], rel=0.5)

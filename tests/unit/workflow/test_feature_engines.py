"""What computes features: as named, or as the workspace settled it once; and what follows from the choice."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from hilum.artifacts.features import FEATURES
from hilum.artifacts.floor import Peak
from hilum.artifacts.header import Header, read_json, write_json
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.models import feature_engine as models
from hilum.models.feature_engine import MUST_GAIN, FeatureEngine, faster, measure
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.study.file import Study
from hilum.workflow import feature_engines as chosen
from hilum.workflow import machine_checks, workspace
from hilum.workflow.feature_specs import feature_spec
from hilum.workflow.plan import FeaturesOf
from hilum.workflow.ranges import films_of_ranges
from hilum.workflow.state import Run
from hilum.workflow.workspace import Settled, Workspace
from needs import needed_module

SETTLED = Settled("cpu", "a processor", "fp32", 2)
WHICH = FeaturesOf("squeezenet1_0")
ROWS = [FilmRow(f"s/{k}", f"s:{k}", "", f"{k}", f"{k}", ("covid", "normal")[k % 2], "s") for k in range(40)]


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    needed_module("onnxruntime")
    monkeypatch.setattr(Workspace, "settled", lambda *_: SETTLED)
    monkeypatch.setattr(chosen, "FEW", 10)


def run(root: Path, **features: object) -> Run:
    """A study of 40 films, in a workspace that has settled precision and threads."""
    if not (root / "workspace.json").exists():
        write_json(root / "workspace.json", {"settled": {"cpu: a processor": {"precision": "fp32"}}})
    tables = {
        "name": "s", "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline"], "trials": 1},
        "weights": {"squeezenet1_0": "none"}, "features": features,
    }  # fmt: skip
    made = Run(Study.model_validate(tables), Manifest(ROWS, Header("manifest")), Workspace(root), Local(1))
    made.weights = {WHICH: RANDOM}
    return made


def measured(monkeypatch: pytest.MonkeyPatch, torch_s: float, onnx_s: float) -> list[int]:
    """Seconds in place of a measurement; gives a list that grows with each."""
    asked: list[int] = []

    def instead(*_: object) -> dict[str, float]:
        asked.append(1)
        return {"torch": torch_s, "onnx": onnx_s}

    monkeypatch.setattr(workspace, "measure", instead)
    return asked


def test_the_faster_one_must_be_it_by_a_margin() -> None:
    assert faster({"torch": MUST_GAIN + 0.01, "onnx": 1.0}) == "onnx"
    assert faster({"torch": MUST_GAIN - 0.01, "onnx": 1.0}) == "torch"


def test_both_are_measured_on_one_core() -> None:
    seconds = measure(backbone("squeezenet1_0"), "fp32", (48, 48))
    assert set(seconds) == {"torch", "onnx"}
    assert all(s > 0 for s in seconds.values())


def test_no_graph_is_made_where_torch_reaches_what_products_in_fp32_do_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = backbone("squeezenet1_0"), "bf16", (48, 48)
    monkeypatch.setattr(models, "gemm_peak", lambda *_: Peak(1.0, "a slow machine"))
    monkeypatch.setattr(models, "OnnxBackbone", None)  # would fail
    alone = measure(*small)
    assert set(alone) == {"torch"}
    assert faster(alone) == "torch"
    monkeypatch.setattr(workspace, "measure", lambda *_: alone)
    why = "auto: torch in fp32 is as fast as matrix products in fp32 are at most here"
    assert run(tmp_path).feature_engines[WHICH] == FeatureEngine(why=why)
    monkeypatch.undo()
    monkeypatch.setattr(models, "gemm_peak", lambda *_: Peak(1e15, "a fast machine"))
    assert set(measure(*small)) == {"torch", "onnx"}


def test_auto_is_measured_once_a_workspace_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = measured(monkeypatch, 0.03, 0.02)
    first = run(tmp_path).feature_engines[WHICH]
    assert (first.name, len(asked)) == ("onnx", 1)
    assert first.why == "auto: ONNX Runtime took 0.67 of torch's fp32 time on this processor"
    busy = measured(monkeypatch, 0.03, 9.0)  # would be another choice, but it is not asked again
    assert run(tmp_path).feature_engines[WHICH] == first
    assert not busy
    (kept,) = read_json(tmp_path / "workspace.json")["settled"]["cpu: a processor"]["engines"].values()
    assert kept == {"engine": "onnx", "measured_s": {"torch": 0.03, "onnx": 0.02}}
    assert run(tmp_path / "another").feature_engines[WHICH].name == "torch"


def test_few_films_stay_with_torch_unmeasured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = measured(monkeypatch, 9.0, 1.0)
    monkeypatch.setattr(chosen, "FEW", 41)
    engine = run(tmp_path).feature_engines[WHICH]
    assert (engine.name, engine.why, asked) == ("torch", "auto: fewer than 41 films", [])


def test_auto_without_the_extra_or_on_a_gpu_is_torch_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = measured(monkeypatch, 9.0, 1.0)
    assert run(tmp_path, precision="bf16").feature_engines[WHICH].why == (
        "auto: ONNX Runtime computes in fp32 here, and the study names bf16"
    )
    monkeypatch.setattr(Workspace, "settled", lambda *_: Settled("cuda", "a GPU", "bf16", 2))
    assert run(tmp_path).feature_engines[WHICH] == FeatureEngine(why="auto: the network is on a GPU")
    monkeypatch.setattr(Workspace, "settled", lambda *_: SETTLED)
    monkeypatch.setattr(models, "missing_onnx", lambda: "no such package")
    assert run(tmp_path).feature_engines[WHICH] == FeatureEngine(why="auto: no such package")
    assert not asked


def test_auto_of_a_backbone_that_has_no_graph_is_torch_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> dict[str, float]:
        raise InputError("it cannot be made a graph")

    monkeypatch.setattr(workspace, "measure", fails)
    for _ in range(2):  # measured, and as kept
        assert run(tmp_path).feature_engines[WHICH].why == "auto: it cannot be made a graph"


def test_onnx_by_name_without_the_extra_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path, engine="onnx").feature_engines[WHICH].name == "onnx"
    monkeypatch.setattr(models, "missing_onnx", lambda: "no such package")
    with pytest.raises(InputError, match=r"features\.engine 'onnx': no such package"):
        _ = run(tmp_path, engine="onnx").feature_engines
    (concern,) = machine_checks.devices_and_precision(run(tmp_path, engine="onnx"))
    assert concern.text == "features.engine 'onnx': no such package"
    assert concern.code


def test_torch_leaves_every_key_as_it_was_and_onnx_is_in_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, 1.0, 1.0)
    plain, auto = run(tmp_path, engine="torch"), run(tmp_path)
    assert auto.feature_engines[WHICH].name == "torch"
    settled_so = auto.folder
    measured(monkeypatch, 2.0, 1.0)
    other = run(tmp_path / "other")
    assert other.feature_engines[WHICH].name == "onnx"
    assert other.study.digest == auto.study.digest
    assert other.folder.name != settled_so.name
    size = (244, 244)
    spec = feature_spec(plain, "squeezenet1_0", "0", size)
    assert FEATURES.of(asdict(spec)).keys() == FEATURES.members.keys() - {"engine", "ranges_of"}
    by_onnx = feature_spec(other, "squeezenet1_0", "0", size, other.feature_engines[WHICH])
    assert by_onnx.digest != spec.digest
    assert (by_onnx.engine, by_onnx.precision, by_onnx.batch, by_onnx.threads) == ("onnx", "fp32", 1, 1)
    assert set(by_onnx.versions) - set(spec.versions) == {"onnxruntime", "onnxscript"}
    later = other.feature_engines[WHICH]
    other.feature_engines = {WHICH: FeatureEngine("onnx", "another version", later.why)}
    del other.__dict__["folder"]
    assert other.folder.name not in (settled_so.name, run(tmp_path / "other").folder.name)


def drawn_of(train: list[str], valid: list[str], test: list[str]) -> SimpleNamespace:
    """What a trial draws, each film with a digest of its own in each trial, as augmentation makes it."""
    parts = {"train": train, "valid": valid, "test": test}
    return SimpleNamespace(
        parts={
            p: [SimpleNamespace(image_id=i, pixels_sha256=f"{i}*") for i in ids] for p, ids in parts.items()
        }
    )


def test_ranges_are_told_by_films_that_no_trial_holds_out() -> None:
    ids = [f"{k:02}" for k in range(40)]
    recipe = SimpleNamespace(features_of=WHICH, draw=lambda n: n)
    asked = SimpleNamespace(
        recipes=[recipe], draws=SimpleNamespace(trials=[1, 2]),
        drawn={1: drawn_of(ids[:30], ids[30:35], ids[35:]), 2: drawn_of(ids[10:], ids[:5], ids[5:10])},
    )  # fmt: skip
    assert films_of_ranges(asked, WHICH) == [f"{i}*" for i in ids[10:30]]
    asked.drawn[2] = drawn_of(ids[20:], ids[:10], ids[10:20])
    with pytest.raises(
        InputError, match="expected at least 16 prepared films of training that no trial holds out, got 10"
    ):
        films_of_ranges(asked, WHICH)

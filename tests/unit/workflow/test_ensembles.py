"""Ensembles as cells: who their members are, what they are compared with, and what is refused before anything runs."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.models.registry import backbone
from hilum.study.file import Study, check_consistent
from hilum.workflow.ensembles import check_patients, cost_of_ensemble
from hilum.workflow.plan import pairs_of, recipes
from hilum.workflow.planned_ensembles import PlannedEnsemble, ensembles, planned_cells
from hilum.workflow.state import Run
from hilum.workflow.workspace import Workspace

NETS = ["squeezenet1_0", "tf_efficientnet_lite0", "resnet18"]
MEAN = {"name": "mean", "kind": "mean"}


def study(*tables: dict[str, Any], grid: dict[str, Any] | None = None, **more: Any) -> Study:
    own = {"backbones": NETS, "pipelines": ["baseline"], "trials": 2, **(grid or {})}
    return Study.model_validate(
        {
            "name": "s",
            "data": {"near_duplicates": False},
            "grid": own,
            "ensemble": list(tables) or [MEAN],
            **more,
        }
    )


def planned(s: Study) -> list[PlannedEnsemble]:
    return ensembles(s, recipes(s))


def test_every_model_is_a_member_where_none_is_named_and_no_probe_is() -> None:
    (e,) = planned(study(probes={"kinds": ["labels-shuffled", "source-rule"]}))
    assert [m.cell.name for m in e.members] == [f"{n}--baseline--constant" for n in NETS]
    assert e.cell.name == "ensemble-mean--baseline--constant"
    assert e.cell.levels["backbone"] == "ensemble/mean"


def test_members_are_named_by_cell_or_by_backbone() -> None:
    table = {**MEAN, "of": ["resnet18--crop--constant", "squeezenet1_0"]}
    (e,) = planned(study(table, grid={"pipelines": ["baseline", "crop"]}))
    assert [m.cell.name for m in e.members] == [
        "resnet18--crop--constant", "squeezenet1_0--baseline--constant", "squeezenet1_0--crop--constant",
    ]  # fmt: skip
    assert e.cell.name == "ensemble-mean--several--constant"


def test_members_share_their_splits() -> None:
    found = planned(study(grid={"seeds": [1, 2], "fractions": [0.5, 1.0]}))
    assert [e.cell.name for e in found] == [
        f"ensemble-mean--baseline--constant--{f}seed-{s}" for f in ("fraction-0.5--", "") for s in (1, 2)
    ]
    for e in found:
        assert {m.drawing for m in e.members} == {e.first.drawing}


def test_an_unsafe_model_is_no_member() -> None:
    faulty = {"unsafe": {"second_softmax": True}, "grid": {"faults": ["as-described", "all"]}}
    (e,) = planned(study(**faulty))
    assert all(m.cell.switches == () for m in e.members)
    with pytest.raises(InputError, match="second_softmax and may not be used alone"):
        planned(study({**MEAN, "of": ["resnet18--baseline--constant--second_softmax", "resnet18"]}, **faulty))
    with pytest.raises(InputError, match="every cell of the study is unsafe"):
        planned(study(unsafe={"second_softmax": True}))


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (["resnet19", "resnet18"], "unknown member 'resnet19'.*resnet18"),
        (["resnet18"], "has one member, resnet18--baseline--constant, and an ensemble combines two or more"),
    ],
)
@pytest.mark.parametrize("kind", ["mean", "weighted", "stacked", "flannel"])
def test_what_cannot_be_is_refused(kind: str, of: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        planned(study({"name": "e", "kind": kind, "of": of}))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([MEAN, MEAN], "two ensembles are called 'mean'"),
        ([{**MEAN, "of": ["resnet18", "resnet18"]}], "names a member twice"),
        ([{"name": "f", "kind": "flannel", "activation": "tanh"}], "set second_softmax = true"),
        ([{"name": "f", "kind": "flannel", "keep": "best"}], "set fit_on = 'train'"),
    ],
)
def test_a_table_that_cannot_be_is_refused_with_the_file(tables: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_consistent(study(*tables), "s.toml")


def test_a_family_compares_single_nets_and_ensembles() -> None:
    family = {"name": "f", "factor": "backbone", "reference": "ensemble/mean"}
    s = study(MEAN, {"name": "stacked", "kind": "stacked"}, compare=[family])
    pairs = pairs_of(planned_cells(s), s.compare[0])
    assert [p.label for p in pairs] == [f"{n} against ensemble/mean" for n in [*NETS, "ensemble/stacked"]]


def test_an_ensemble_costs_its_members_and_its_own() -> None:
    (e,) = planned(study({"name": "w", "kind": "weighted"}))
    costs = {n: {"parameters": 100 * k, "trained": k, "multiply_adds": 1000} for k, n in enumerate(NETS, 1)}
    assert cost_of_ensemble(e, costs, 4) == {"parameters": 603, "trained": 9, "multiply_adds": 3012}


def test_a_study_without_ensembles_has_the_key_that_it_had() -> None:
    plain = Study.model_validate({"name": "s", "grid": {"backbones": NETS}})
    own = plain.model_dump(mode="json")
    assert own.pop("ensemble") == []
    assert plain.digest == Study.model_validate(own).digest
    assert study().digest != study({**MEAN, "of": NETS[:2]}).digest


def test_validation_films_of_one_patient_cannot_be_fitted_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for k in range(60):
        label = "covid" if k < 6 else "normal"
        sha = rng.bytes(32).hex()
        rows.append(FilmRow(f"s/{k}", f"s:{k}", "f.png", sha, sha, label, "s", width_px=64, height_px=64))
    s = study({"name": "w", "kind": "weighted"}, split={"method": "fractions"})
    run = Run(s, Manifest(rows, Header("manifest")), Workspace(tmp_path), Local(1))
    (e,) = ensembles(run.study, run.recipes)
    with pytest.raises(
        InputError, match=r"the class 'covid' has films of 1 patient in trial 1.*kind = 'mean'"
    ):
        check_patients(run, e)
    (mean,) = ensembles(study(), run.recipes)
    check_patients(run, mean)


def test_the_five_networks_of_flannels_paper_are_there_by_the_names_that_its_study_gives() -> None:
    text = (files("hilum.studies") / "flannel.toml").read_text()
    names = re.findall(r'"((?:torchvision|timm)/\w+)"', text)
    assert [n.partition("/")[2] for n in names] == [
        "densenet161", "inception_v3", "resnet152", "resnext101_32x8d", "vgg19_bn",
    ]  # fmt: skip
    assert [backbone(n).channels for n in names] == [2208, 2048, 2048, 2048, 4096]

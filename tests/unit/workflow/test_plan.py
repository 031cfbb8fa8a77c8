"""What a study asks for: cells, what each needs, and what cannot be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hilum
from hilum.core.errors import InputError
from hilum.study.file import Study
from hilum.study.probes import FAMILY
from hilum.study.tables import FamilyTable
from hilum.workflow.plan import cells, pairs_of, recipes, seed_of

TWO = {"backbones": ["resnet50", "densenet121"], "pipelines": ["crop", "baseline"]}


def study(**tables: object) -> Study:
    return Study.model_validate({"name": "s", **tables})


def names(**tables: object) -> list[str]:
    return [c.name for c in cells(study(**tables))]


def test_cells_cross_every_factor_in_order() -> None:
    assert names(grid=TWO) == [
        "resnet50--crop--constant", "resnet50--baseline--constant",
        "densenet121--crop--constant", "densenet121--baseline--constant",
    ]  # fmt: skip
    more = {
        "schedules": ["constant", "slow"], "losses": ["cross-entropy", "f"], "fractions": [1.0, 0.5],
        "sources_left_out": ["none", "cohen"], "seeds": [1, 2],
    }  # fmt: skip
    tables = {"policy": {"slow": {"kind": "cosine"}}, "loss": {"f": {"kind": "focal"}}}
    found = names(grid={**TWO, **more}, **tables)
    assert len(found) == len(set(found)) == 2 * 2 * 2 * 2 * 2 * 2 * 2
    assert found[0] == "resnet50--crop--constant--seed-1"
    assert found[-1] == "densenet121--baseline--slow--f--fraction-0.5--without-cohen--seed-2"


def test_a_rate_that_a_policy_leaves_out_is_the_studys() -> None:
    s = study(
        grid={"schedules": ["constant", "a", "b"]}, training={"learning_rate": 3e-4},
        policy={"a": {"kind": "cosine"}, "b": {"kind": "plateau", "learning_rate": 1e-3}},
    )  # fmt: skip
    assert [r.policy.learning_rate for r in recipes(s)] == [3e-4, 3e-4, 1e-3]  # type: ignore[union-attr]


def test_phases_stand_above_the_studys_epochs() -> None:
    phases = [
        {"epochs": 15, "max_rate": 1e-3},
        {"epochs": 8, "max_rate": 5e-4},
        {"epochs": 5, "max_rate": 5e-4},
    ]
    s = study(
        grid={"schedules": ["constant", "one"]}, policy={"one": {"kind": "one_cycle", "phases": phases}}
    )
    assert [r.epochs for r in recipes(s)] == [20, 28]


FAULTS = {
    "unsafe": {"second_softmax": True, "overlapping_test_draw": True},
    "as_run": {"augmentor_gate": True},
}


def test_faults_one_at_a_time_and_all() -> None:
    s = study(grid={"pipelines": ["crop"], "faults": ["as-described", "one-at-a-time", "all"]}, **FAULTS)
    found = {r.cell.levels["faults"]: r for r in recipes(s)}
    assert list(found) == ["as-described", "overlapping_test_draw", "second_softmax", "augmentor_gate", "all"]
    assert found["as-described"].cell.name == "resnet50--crop--constant"
    assert found["all"].cell.name == "resnet50--crop--constant--all"
    assert found["all"].cell.unsafe == ["overlapping_test_draw", "second_softmax"]
    assert found["augmentor_gate"].cell.unsafe == []
    assert [found[k].pipeline.gate for k in ("as-described", "augmentor_gate", "all")] == [
        "exact",
        "augmentor",
        "augmentor",
    ]
    assert [r.second_softmax for r in found.values()] == [False, False, True, False, True]
    assert found["second_softmax"].drawing == found["as-described"].drawing
    assert found["all"].drawing.faults == ("overlapping_test_draw",)


def test_without_a_word_all_switches_that_are_on_act_together() -> None:
    assert names(**FAULTS) == ["resnet50--baseline--constant--all"]
    assert names(unsafe={"second_softmax": True}) == ["resnet50--baseline--constant--second_softmax"]


def test_a_crop_that_differs_between_parts() -> None:
    s = study(grid={"pipelines": ["centre-crop"]}, unsafe={"unequal_crop": True})
    steps = recipes(s)[0].pipeline.steps
    assert [(t.op, t.parts) for t in steps if t.op == "crop_centre"] == [("crop_centre", ("train",))]


def test_what_trains_the_backbone() -> None:
    frozen, drifts, whole, new = (
        recipes(
            study(unsafe={"batchnorm_in_train_mode": a}, as_run={"misspelt_freezing": b, "new_first_conv": c})
        )[0]
        for a, b, c in (
            (False, False, False),
            (True, False, False),
            (False, True, False),
            (False, False, True),
        )
    )
    assert frozen.finetune is None
    assert drifts.finetune is not None
    assert (drifts.finetune.train, drifts.finetune.batchnorm) == ("head", "train")
    assert whole.finetune is not None
    assert (whole.finetune.train, whole.finetune.reset_first_conv) == ("all", False)
    assert new.finetune is not None
    assert (new.finetune.train, new.finetune.reset_first_conv) == ("all", True)
    scratch = recipes(study(grid={"backbones": ["cnn"]}))[0]
    assert scratch.finetune is not None
    assert scratch.finetune.train == "all"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"grid": {"schedules": ["constnt"]}}, "unknown policy 'constnt'; did you mean 'constant'?"),
        ({"grid": {"losses": ["focal"]}}, "grid.losses: unknown loss 'focal'"),
        ({"grid": {"backbones": ["resnet51"]}}, "unknown backbone 'resnet51'; did you mean 'resnet50'?"),
        ({"grid": {"pipelines": ["crp"]}}, "grid.pipelines: unknown pipeline 'crp'; did you mean 'crop'?"),
        ({"grid": {"faults": ["one-at-a-time"]}}, "asks for one fault at a time, but no switch"),
        (
            {"grid": {"backbones": ["cnn"]}, "as_run": {"no_pretrained_weights": True}},
            "the cell cnn--baseline--constant--no_pretrained_weights cannot be: 'no_pretrained_weights' (random weights instead of "
            "ImageNet’s) changes nothing there",
        ),
        (
            {"unsafe": {"unequal_crop": True}},
            "the cell resnet50--baseline--constant--unequal_crop cannot be: 'unequal_crop' (training films cropped, validation and test "
            "films only resized) changes nothing there",
        ),
        (
            {"weights": {"resnet50": "none"}, "as_run": {"no_pretrained_weights": True}},
            "the cell resnet50--baseline--constant--no_pretrained_weights cannot be: 'no_pretrained_weights'",
        ),
        (
            {"finetune": {}, "as_run": {"misspelt_freezing": True}},
            "'misspelt_freezing' (the whole network trains: freezing had no effect) changes nothing there",
        ),
        (
            {"grid": {"backbones": ["cnn"]}, "as_run": {"new_first_conv": True}},
            "the cell cnn--baseline--constant--new_first_conv cannot be: 'new_first_conv'",
        ),
        ({"augment": {"gate": "augmentor"}, "as_run": {"augmentor_gate": True}}, "constant--augmentor_gate cannot be: 'augmentor_gate'"),
        ({"finetune": {}, "unsafe": {"batchnorm_in_train_mode": True}}, "'batchnorm_in_train_mode' (frozen weights, but BatchNorm"),
        ({"grid": {"backbones": ["cnn"]}, "weights": {"cnn": {"file": "a"}}}, "cnn has no pretrained weights; leave weights.cnn out"),
        ({"finetune": {"train": "head", "unfreeze": "gradual"}}, "never unfreezes, but finetune.unfreeze is 'gradual'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name_before_anything_runs(
    tables: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as e:
        recipes(study(**tables))
    assert message in str(e.value)


def test_a_trials_seed_follows_from_the_cells_and_the_trial_where_the_study_lets_it_vary() -> None:
    s = study(redraw_with_trial=["head"])
    seeds = [seed_of(s, seed, "head", trial) for seed in (5, 6) for trial in (1, 2)]
    assert len(set(seeds)) == 4
    assert [seed_of(s, 5, "augmentation", trial) for trial in (1, 2)] == [5, 5]


def test_a_fault_that_does_nothing_in_some_cells_acts_beside_others_in_the_rest() -> None:
    beside = {"unsafe": {"unequal_crop": True, "second_softmax": True}}
    with_and_without_a_crop = recipes(study(grid={"pipelines": ["crop", "baseline"]}, **beside))
    assert [r.pipeline.name for r in with_and_without_a_crop] == ["crop+unequal_crop", "baseline"]
    with pytest.raises(
        InputError, match=r"the cell resnet50--baseline--constant--all cannot be: 'unequal_crop'"
    ):
        recipes(study(grid={"pipelines": ["baseline"]}, **beside))


def test_the_faults_of_a_pipeline_mark_its_name_in_one_order() -> None:
    (found,) = recipes(
        study(grid={"pipelines": ["crop"]}, unsafe={"unequal_crop": True}, as_run={"augmentor_gate": True})
    )
    assert found.pipeline.name == "crop+augmentor_gate+unequal_crop"
    assert (found.pipeline.gate, found.cell.name) == ("augmentor", "resnet50--crop--constant--all")


NEW_FAULT = """        Fault(
            "hurried_head", True, "the head alone trains, with BatchNorm statistics that drift, and softmax first",
            Edit(recipe={"softmax_first": True}, finetune={"train": "head", "batchnorm": "train"}),
        ),
    )
}  # fmt: skip
"""
PLAN = """
from hilum.study.file import Study
from hilum.workflow.plan import recipes

grid = {"faults": ["as-described", "one-at-a-time"]}
plain, found = recipes(Study.model_validate({"name": "s", "grid": grid, "unsafe": {"hurried_head": True}}))
print(found.cell.name, found.cell.unsafe, found.softmax_first, found.finetune.train, found.finetune.batchnorm, plain.finetune)
"""


def test_a_new_fault_is_one_entry(tmp_path: Path) -> None:
    """In a copy of hilum: its switch, its cell, its mark and what it does follow from the entry."""
    shutil.copytree(
        Path(hilum.__file__).parent, tmp_path / "hilum", ignore=shutil.ignore_patterns("__pycache__")
    )
    table = tmp_path / "hilum" / "study" / "faults.py"
    text = table.read_text()
    assert text.count("    )\n}  # fmt: skip\n") == 1
    table.write_text(text.replace("    )\n}  # fmt: skip\n", NEW_FAULT))
    told = subprocess.run(
        [sys.executable, "-c", PLAN], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert told == "resnet50--baseline--constant--hurried_head ['hurried_head'] True head train None\n"


PROBES = ["border-only", "labels-shuffled", "source-rule"]


def test_probes_stand_beside_the_first_cell_of_each_backbone() -> None:
    without = names(grid=TWO)
    found = names(grid=TWO, probes={"kinds": PROBES})
    assert [n for n in found if "probe" not in n] == without
    assert [n for n in found if n not in without] == [
        "resnet50--crop--constant--probe-border-only", "resnet50--crop--constant--probe-labels-shuffled",
        "resnet50--crop--constant--probe-source-rule",
        "densenet121--crop--constant--probe-border-only", "densenet121--crop--constant--probe-labels-shuffled",
    ]  # fmt: skip


def test_a_probe_differs_from_its_model_in_one_thing() -> None:
    found = {
        r.cell.name: r for r in recipes(study(grid={"backbones": ["resnet50"]}, probes={"kinds": PROBES}))
    }
    name = "resnet50--baseline--constant"
    model = found[name]
    for kind in PROBES:
        probe = found[f"{name}--probe-{kind}"]
        same = {
            f: getattr(probe, f)
            for f in ("drawing", "policy", "loss", "training", "epochs", "finetune", "features_of")
        }
        assert same == {f: getattr(model, f) for f in same}
    assert found[f"{name}--probe-border-only"].pipeline.steps[1:] == model.pipeline.steps
    assert found[f"{name}--probe-border-only"].pipeline.steps[0].op == "keep_border"
    assert found[f"{name}--probe-labels-shuffled"].pipeline == model.pipeline
    assert [r.cell.probe for r in found.values() if not r.learns] == ["source-rule"]


def test_a_family_has_models_only_and_probes_have_their_own() -> None:
    asked = study(grid=TWO, probes={"kinds": PROBES})
    planned = recipes(asked)
    pipelines = pairs_of(
        [r.cell for r in planned], FamilyTable(name="p", factor="pipeline", reference="crop")
    )
    assert [(p.cell, p.label) for p in pipelines] == [
        ("resnet50--baseline--constant", "resnet50: baseline against crop"),
        ("densenet121--baseline--constant", "densenet121: baseline against crop"),
    ]
    own = pairs_of([r.cell for r in planned], FamilyTable(**FAMILY))
    assert len(own) == 6
    rule = [p for p in own if p.cell.endswith("source-rule")]
    assert [p.reference for p in rule] == ["resnet50--crop--constant", "densenet121--crop--constant"]
    assert rule[1].label == "densenet121, crop: rule of the source against the model"

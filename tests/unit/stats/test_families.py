"""Which cells are compared, within a study and between runs."""

from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from hilum.artifacts.run import RunCell
from hilum.core.errors import InputError
from hilum.stats.families import family_pairs, run_pairs


def folder(name="r", **factors):
    """A run whose cells cross the levels given."""
    grid = {"backbone": ["resnet50"], "pipeline": ["baseline"], "schedule": ["constant"], **factors}
    cells = []
    for levels in product(*grid.values()):
        at = dict(zip(grid, levels, strict=True))
        cells.append(RunCell("--".join(levels), at, "imagenet"))
    varying = tuple(f for f, v in grid.items() if len(v) > 1)
    record = SimpleNamespace(cells=tuple(cells))
    return SimpleNamespace(path=Path(name), cells=tuple(cells), record=record, varying=lambda: varying)


def family(factor, reference):
    return {"name": "f", "factor": factor, "reference": reference}


def test_experiment_2_has_nine_contrasts():
    run = folder(
        backbone=["resnet50", "squeezenet1_0", "densenet121"],
        pipeline=["baseline", "crop", "crop-distortion", "crop-zoom"],
    )
    pairs = family_pairs(run, family("pipeline", "baseline"))
    assert len(pairs) == 9
    assert pairs[0].cell == "resnet50--crop--constant"
    assert pairs[0].reference == "resnet50--baseline--constant"
    assert pairs[0].label == "resnet50: crop against baseline"
    assert pairs[3].label == "squeezenet1_0: crop against baseline"
    assert {p.reference.split("--")[0] == p.cell.split("--")[0] for p in pairs} == {True}


def test_faults_are_compared_with_as_described():
    run = folder(faults=["as-described", "second_softmax", "all"])
    pairs = family_pairs(run, family("faults", "as-described"))
    assert [p.label for p in pairs] == ["second softmax against as-described", "all against as-described"]


def test_a_fraction_is_a_number():
    run = folder(fraction=["1.0", "0.5"])
    assert [p.label for p in family_pairs(run, family("fraction", "1"))] == ["0.5 against 1"]


def test_a_reference_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"no cell has pipeline 'basline'.*did you mean 'baseline'"):
        family_pairs(folder(pipeline=["baseline", "crop"]), family("pipeline", "basline"))
    with pytest.raises(InputError, match="nothing to compare it with"):
        family_pairs(folder(), family("pipeline", "baseline"))


def test_runs_are_paired_by_the_levels_that_they_share():
    a = folder("a", pipeline=["baseline", "crop"])
    b = folder("b", pipeline=["crop", "crop-zoom"])
    pairs, lonely = run_pairs(a, [b], ["a", "b"])
    assert [(p.cell, p.reference) for p in pairs] == [
        ("b/resnet50--crop--constant", "a/resnet50--crop--constant")
    ]
    assert lonely == ["b/resnet50--crop-zoom--constant has no counterpart in a and is left out"]


def test_a_factor_with_one_level_in_the_reference_is_what_differs():
    a, b = folder("a", schedule=["constant"]), folder("b", schedule=["one", "two"])
    pairs, lonely = run_pairs(a, [b], ["a", "b"])
    assert [p.label for p in pairs] == ["one against a", "two against a"]
    assert lonely == []


def test_one_run_is_compared_with_itself_over_its_faults():
    a = folder("a", faults=["as-described", "second_softmax"])
    pairs, _ = run_pairs(a, [], ["a"])
    assert [(p.reference, p.label) for p in pairs] == [
        ("a/resnet50--baseline--constant--as-described", "second softmax against as-described")
    ]
    assert run_pairs(folder("a"), [], ["a"])[0] == []


def test_faults_of_another_run_are_compared_with_the_plain_cell():
    a, b = folder("a"), folder("b", faults=["as-described", "all"])
    pairs, _ = run_pairs(a, [b], ["a", "b"])
    assert [p.label for p in pairs] == ["as-described against a", "all against a"]


def test_runs_with_nothing_in_common_are_refused():
    a, b = folder("a", pipeline=["baseline", "crop"]), folder("b", pipeline=["rotation"])
    with pytest.raises(InputError, match="nothing in common in pipeline"):
        run_pairs(a, [b], ["a", "b"])


def test_cells_stand_in_one_order_in_every_family():
    run = folder(backbone=["a", "b"], pipeline=["baseline", "crop", "zoom"], schedule=["constant", "cycle"])
    of_pipelines = [p.label for p in family_pairs(run, family("pipeline", "baseline"))]
    assert of_pipelines[:4] == [
        "a, constant: crop against baseline", "a, constant: zoom against baseline",
        "a, cycle: crop against baseline", "a, cycle: zoom against baseline",
    ]  # fmt: skip
    of_schedules = [p.label for p in family_pairs(run, family("schedule", "constant"))]
    assert of_schedules[:2] == ["a, baseline: cycle against constant", "a, crop: cycle against constant"]
    order = [c.name for c in run.cells]
    for factor, level in (("pipeline", "baseline"), ("schedule", "constant"), ("backbone", "a")):
        references = [p.reference for p in family_pairs(run, family(factor, level))]
        assert references == sorted(references, key=order.index)

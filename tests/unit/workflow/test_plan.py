"""What a study asks for: cells, copies, and which draws change with the trial."""

from collections import Counter

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import Split
from hilum.artifacts.study import Study
from hilum.core.errors import InputError
from hilum.workflow.plan import cells, check_names, pipelines, training_copies, wanted_films

LABELS = ("bacterial", "covid", "normal", "viral")
MANIFEST = Manifest(
    [FilmRow(f"s/{k}", f"s:{k}", "", str(k), str(k), LABELS[k % 4], "s") for k in range(80)],
    Header("manifest"),
)
IDS = [f.image_id for f in MANIFEST.films]
SPLIT = Split(
    {"train": IDS[:40], "valid": IDS[40:50], "test": IDS[50:]}, {i: i for i in IDS}, Header("split")
)


def study(**tables: object) -> Study:
    return Study.model_validate(
        {"name": "s", "grid": {"pipelines": ["baseline", "crop"], "trials": 2}, **tables}
    )


def test_cells_cross_every_factor_in_order() -> None:
    grid = {"backbones": ["resnet50", "densenet121"], "pipelines": ["crop", "baseline"]}
    assert [c.name for c in cells(study(grid=grid))] == [
        "resnet50--crop--constant", "resnet50--baseline--constant",
        "densenet121--crop--constant", "densenet121--baseline--constant",
    ]  # fmt: skip


def test_a_class_that_is_sampled_is_drawn_with_replacement_and_the_others_are_taken_once() -> None:
    label = {f.image_id: f.label for f in MANIFEST.films}
    copies = training_copies(study(sampling={"covid": 30}), MANIFEST, SPLIT, trial=1)
    n = Counter({c: sum(k for i, k in copies.items() if label[i] == c) for c in LABELS})
    assert n == Counter({c: 30 if c == "covid" else sum(label[i] == c for i in IDS[:40]) for c in LABELS})
    assert max(k for i, k in copies.items() if label[i] == "covid") > 1
    share = training_copies(study(sampling={"covid": 2.0}), MANIFEST, SPLIT, trial=1)
    assert sum(k for i, k in share.items() if label[i] == "covid") == 2 * sum(
        label[i] == "covid" for i in IDS[:40]
    )


def test_copies_change_with_the_trial_only_if_the_study_says_so() -> None:
    def two(s: Study) -> list[dict[str, int]]:
        return [training_copies(s, MANIFEST, SPLIT, t) for t in (1, 2)]

    a, b = two(study(sampling={"covid": 30}))
    assert a != b
    a, b = two(study(sampling={"covid": 30}, redraw_with_trial=["split"]))
    assert a == b


def test_films_of_valid_and_test_have_the_studys_seed_and_those_of_train_the_trials() -> None:
    s = study(sampling={"covid": 30})
    wanted = wanted_films(s, MANIFEST, {1: SPLIT, 2: SPLIT})
    held_out = {w.seed for i in IDS[40:] for w in wanted[i]}
    assert held_out == {s.seed}
    assert all(len(wanted[i]) == 2 for i in IDS[40:])  # one a pipeline, the same in both trials
    assert len({w.seed for i in IDS[:40] for w in wanted.get(i, [])}) == 2


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"backbones": ["resnet"]}, "unknown backbone 'resnet'; did you mean 'resnet50'"),
        ({"pipelines": ["crp"]}, "unknown pipeline 'crp'; did you mean 'crop'"),
        ({"schedules": ["one_cycl"]}, "unknown schedule 'one_cycl'"),
    ],
)
def test_unknown_names_are_refused_before_anything_runs(grid: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_names(study(grid=grid))


def test_a_studys_own_pipeline_comes_before_the_shipped_one() -> None:
    own = {"name": "crop", "steps": [{"op": "resize", "width_px": 64, "height_px": 64}]}
    assert len(pipelines(study(augment={"pipeline": [own]}))["crop"].steps) == 1

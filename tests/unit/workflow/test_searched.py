"""Which cells are searched, what cannot be, which films a search sees, and how what was chosen reaches cells and probes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.search import Search, Tried
from hilum.artifacts.split import Split
from hilum.core import extras
from hilum.core.engine import Local
from hilum.stages.duplicates import exact_duplicates
from hilum.study.file import Study
from hilum.workflow import estimate, film_checks, study_checks
from hilum.workflow.draws import StudyDraws
from hilum.workflow.plan import recipes
from hilum.workflow.searched import all_with_chosen, folds_of, obstacles, searched, with_folds
from hilum.workflow.state import Run
from hilum.workflow.workspace import Settled, Workspace

LABELS = ("bacterial", "covid", "normal", "viral")
ROWS = [
    FilmRow(f"s/{k}", f"s:{k // 2}", "", f"{k}", f"{k}", LABELS[k // 2 % 4], "ab"[k // 2 % 3 == 0])
    for k in range(400)
]
FILMS = Manifest(ROWS, Header("manifest"))
RATES = {"learning_rate": {"low": 1e-4, "high": 1e-1}}


def study(**tables: Any) -> Study:
    grid = {"backbones": ["resnet50"], "trials": 2, **tables.pop("grid", {})}
    return Study.model_validate(
        {"name": "s", "seed": 5, "data": {"classes": list(LABELS), "positive": "covid"}, "grid": grid,
         "weights": dict.fromkeys(grid["backbones"], "none"), "search": RATES, **tables}
    )  # fmt: skip


def words(**tables: Any) -> list[str]:
    s = study(**tables)
    return list(obstacles(s, recipes(s)))


def test_cells_of_the_schedules_that_are_named_are_searched_and_probes_are_not() -> None:
    s = study(
        grid={"schedules": ["constant", "mine"]}, policy={"mine": {"kind": "cosine"}}, probes={"kinds": ["labels-shuffled"]},
        search={**RATES, "schedules": ["mine"]},
    )  # fmt: skip
    assert [r.cell.schedule for r in searched(s, recipes(s))] == ["mine"]
    every = s.model_copy(update={"search": s.search.model_copy(update={"schedules": []})})  # type: ignore[union-attr]
    assert [r.cell.schedule for r in searched(every, recipes(every))] == ["constant", "mine"]
    none = s.model_copy(update={"search": None})
    assert searched(none, recipes(none)) == []


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"finetune": {}}, "its whole network is trained, and a search is of heads on frozen features"),
        (
            {"unsafe": {"test_as_validation": True}, "grid": {"faults": ["all"]}},
            "test_as_validation lets test films into train or validation, and a search never sees test",
        ),
        (
            {"grid": {"schedules": ["cycles"]}, "policy": {"cycles": {"kind": "one_cycle", "phases": [{"epochs": 2, "max_rate": 1e-3}]}}},
            "a one_cycle policy has rates and epochs of its own, phase by phase; leave learning_rate out of [search]",
        ),
        (
            {"search": {"head": ["linear", "conv"]}},
            "with head conv: no head 'conv' for resnet50, whose features are a vector; known: dense, fc-1024, fc-128, fc-256, linear, mlp",
        ),
        (
            {"grid": {"backbones": ["squeezenet1_0"]}, "search": {"head": ["linear", "mlp"]}},
            "with head mlp: no head 'mlp' for squeezenet1_0, whose features are a map; known: conv, conv-linear",
        ),
        (
            {"grid": {"schedules": ["slow"]}, "policy": {"slow": {"kind": "warmup", "warmup_epochs": 4}}, "search": {"epochs": [2, 8]}},
            "with epochs 2: a warm-up of 4 epochs is longer than the training of 2",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_said_by_the_cells_name(tables: dict[str, Any], said: str) -> None:
    found = words(**tables)
    assert any(text.startswith("the cell ") and said in text for text in found), found


def test_a_policy_with_rates_of_its_own_may_have_its_decay_searched() -> None:
    cycles = {"kind": "one_cycle", "phases": [{"epochs": 2, "max_rate": 1e-3}]}
    search = {"weight_decay": [0.0, 0.1]}
    assert words(grid={"schedules": ["cycles"]}, policy={"cycles": cycles}, search=search) == []


def opened(tmp_path: Path, s: Study) -> Run:
    return Run(s, FILMS, Workspace(tmp_path), Local(1))


def test_without_the_extra_it_is_refused_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    (concern,) = study_checks.search_can_be(opened(tmp_path, study()))
    assert (
        concern.text
        == "[search]: this needs the package 'optuna'; install it with: pip install 'hilum[search]'"
    )
    assert list(study_checks.search_can_be(opened(tmp_path, study(search=None)))) == []


def test_test_films_that_move_with_the_trial_are_refused(tmp_path: Path) -> None:
    (concern,) = film_checks.search_sees_no_test(opened(tmp_path, study(split={"method": "set1"})))
    assert "are test films of other trials (split.method 'set1' draws the test part anew)" in concern.text
    assert concern.code == 3
    assert list(film_checks.search_sees_no_test(opened(tmp_path, study()))) == []
    once = study(split={"method": "set1"}, grid={"trials": 1})
    assert list(film_checks.search_sees_no_test(opened(tmp_path, once))) == []


def test_folds_are_drawn_beside_the_cells_and_hold_no_test_film() -> None:
    s = study(search={**RATES, "chosen_on": "folds", "folds": 4})
    planned = recipes(s)
    assert len(with_folds(s, planned)) == 5
    draws = StudyDraws(s, planned, FILMS, exact_duplicates(FILMS))
    whole = draws.split(planned[0].drawing, 1)
    held: list[str] = []
    for fold in folds_of(planned[0], 4):
        split = draws.split(fold.drawing, 1)
        assert isinstance(split, Split)  # no patient is in two parts
        assert split.parts["test"] == ()
        assert not draws.tested(planned[0].drawing) & set(split.part_of)
        assert sorted(split.part_of) == sorted([*whole.parts["train"], *whole.parts["valid"]])
        held += split.parts["valid"]
        assert fold.draw(1) in draws.trial_draws
        assert fold.draw(2) not in draws.trial_draws
    assert sorted(held) == sorted([*whole.parts["train"], *whole.parts["valid"]])
    assert draws.folder_name(fold.drawing) == "fold-4-of-4"
    without = StudyDraws(study(), planned, FILMS, exact_duplicates(FILMS))
    assert without.split(planned[0].drawing, 1).digest == whole.digest


def test_a_probe_has_the_values_of_the_model_that_it_stands_beside() -> None:
    s = study(
        probes={"kinds": ["labels-shuffled", "source-rule"]}, grid={"backbones": ["resnet50", "densenet121"]}
    )
    planned = recipes(s)
    chosen = {"learning_rate": 0.02, "epochs": 7, "head": "mlp", "dropout": 0.25}
    tried = [Tried(1, chosen, "complete", 0.1, [0.1], 1.0)]
    found = Search(Header("search"), "loss", False, "valid", 1, RATES, chosen, 1.0, tried)
    made = all_with_chosen(planned, {"resnet50--baseline--constant": found})
    of_resnet = [r for r in made if r.cell.backbone == "resnet50" and r.learns]
    assert [r.cell.probe for r in of_resnet] == ["none", "labels-shuffled"]
    for r in of_resnet:
        assert (r.policy.max_rates, r.epochs, r.head, r.training.dropout) == ((0.02,), 7, "mlp", 0.25)
        assert r.training.head is None  # resnet50 has that head by itself
    others = [r for r in made if r.cell.backbone != "resnet50"]
    assert others == [r for r in planned if r.cell.backbone != "resnet50"]


def test_a_dry_run_says_how_many_trainings_a_search_adds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workspace, "settled", lambda *_: Settled("cpu", "a processor", "fp32", 2))
    monkeypatch.setattr(estimate.rates, "head_step", lambda *_: 0.01)
    monkeypatch.setattr(estimate, "_feature_shape", lambda *_: (2048,))
    s = study(search={**RATES, "chosen_on": "folds", "epochs": [10, 30], "trials": 12})
    (cost,) = estimate._of_search(opened(tmp_path, s))
    assert (cost.stage, cost.what) == ("search", "60 trainings: 1 cell x 12 trials x 5 folds")
    n_train = len(
        StudyDraws(s, recipes(s), FILMS, exact_duplicates(FILMS))
        .split(recipes(s)[0].drawing, 1)
        .parts["train"]
    )
    assert cost.work_s == pytest.approx(60 * 20 * -(-n_train // 32) * 0.01)
    assert list(estimate._of_search(opened(tmp_path, study(search=None)))) == []

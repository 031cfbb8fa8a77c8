"""The table of a search: what it takes, and what it refuses in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hilum.core.errors import InputError
from hilum.study.file import Study, read_study
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.search import SearchTable, own_values, with_values
from hilum.study.tables import TrainingTable


def read(tmp_path: Path, text: str) -> Study:
    path = tmp_path / "s.toml"
    path.write_text(f'name = "s"\n[search]\n{text}\n')
    return read_study(path)


def test_ranges_and_choices_as_they_are_recorded(tmp_path: Path) -> None:
    table = read(
        tmp_path, "learning_rate = { low = 1e-5, high = 1e-1 }\nepochs = [5, 10]\nhead = ['mlp', 'linear']"
    ).search
    assert table is not None
    assert (table.trials, table.chosen_on, table.metric, table.higher_is_better) == (
        30,
        "valid",
        "loss",
        False,
    )
    assert table.ranges == {
        "learning_rate": {"low": 1e-5, "high": 0.1, "log": True}, "epochs": [5, 10], "head": ["mlp", "linear"],
    }  # fmt: skip
    assert SearchTable(metric="roc_auc").higher_is_better


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "[search] searches nothing; give a range or choices for one of learning_rate, epochs, weight_decay, dropout, head"),
        ("momentum = [0.8, 0.9]", "unknown key 'search.momentum'; known: chosen_on, dropout, epochs, folds, head, learning_rate"),
        ("learning_rte = [1e-3]", "unknown key 'search.learning_rte'; did you mean 'learning_rate'?"),
        ("learning_rate = { low = 1e-3, hihg = 1.0 }", "did you mean 'high'?"),
        ("epochs = [3]", "search.epochs must name two or more different choices, got [3]"),
        ("epochs = { low = 9, high = 3 }", "search.epochs must have its low below its high, got 9 and 3"),
        ("weight_decay = { low = 0.0, high = 0.1, log = true }", "search.weight_decay goes by the logarithm"),
        ("dropout = [0.0, 1.0]", "must be less than 1"),
        ("head = ['mlp', 'forest']", "'forest'"),
        ("epochs = [1, 2]\nchosen_on = 'test'", "search.chosen_on got 'test'; known: folds, valid"),
        ("epochs = [1, 2]\nfolds = 3", "search.folds is for search.chosen_on = 'folds', got 'valid'; leave one of them out"),
        ("epochs = [1, 2]\nschedules = ['mine']", "search.schedules names 'mine', which is not in grid.schedules; known: constant"),
        ("epochs = [1, 2]\ntrials = 1", "search.trials must be at least 2, got 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as e:
        read(tmp_path, text)
    assert words in str(e.value)


def test_a_study_without_a_search_has_the_digest_that_it_had() -> None:
    plain = Study.model_validate({"name": "s"})
    assert plain.search is None
    searched = Study.model_validate({"name": "s", "search": {"epochs": [1, 2]}})
    assert searched.digest != plain.digest
    more: dict[str, Any] = {"epochs": [1, 2], "schedules": ["constant"]}
    assert Study.model_validate({"name": "s", "search": more}).digest != searched.digest


def test_a_head_has_its_own_dropout_and_that_is_no_value_of_the_study() -> None:
    policy, training = ConstantPolicy(learning_rate=1e-3), TrainingTable()
    assert own_values(policy, training, "conv", ["dropout", "epochs"]) == {"dropout": 0.5, "epochs": 20}
    assert own_values(policy, TrainingTable(dropout=0.1), "linear", ["dropout"]) == {"dropout": 0.1}
    _, same = with_values(policy, training, "conv", {"dropout": 0.5, "head": "conv", "epochs": 20})
    assert same == training
    changed, other = with_values(
        policy, training, "linear", {"learning_rate": 0.1, "weight_decay": 0.2, "dropout": 0.5}
    )
    assert (changed.max_rates, changed.weight_decay, other.dropout) == ((0.1,), 0.2, 0.5)  # fmt: skip

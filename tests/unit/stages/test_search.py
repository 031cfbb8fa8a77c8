"""A search: what is tried follows from the seed and the scores alone, every trial is an ordinary training, and test films are not there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.drawn_films import DrawnFilms, FilmFacts
from hilum.artifacts.history import LossCurve
from hilum.artifacts.learning_films import LearningFilms
from hilum.artifacts.search import Search
from hilum.augment.presets import preset
from hilum.core.engine import Local
from hilum.core.errors import LeakageError
from hilum.inference.predictor import load_head
from hilum.stages import search as module
from hilum.stages.search import CellSearch, Proposals, search, task_with
from hilum.stages.train import train_head
from hilum.study.losses import CrossEntropy
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.search import SearchTable
from hilum.study.tables import TrainingTable
from hilum.training.loop import logits
from hilum.training.task import TrainTask
from trial_films import Part, frozen

CLASSES = ("bacterial", "covid", "normal", "viral")
TABLE: dict[str, Any] = {
    "trials": 8, "learning_rate": {"low": 1e-4, "high": 1e-1}, "epochs": [1, 2, 4], "weight_decay": {"low": 0.0, "high": 0.01},
    "dropout": {"low": 0.0, "high": 0.6}, "head": ["linear", "mlp"],
}  # fmt: skip


def part(name: str, n: int, seed: int) -> Part:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    x = rng.normal(size=(n, 1024)).astype(np.float32)
    x[np.arange(n), y] += 3
    return [f"{name}-{k}" for k in range(n)], x, y.tolist()


PARTS = {"train": part("train", 80, 1), "valid": part("valid", 40, 2)}


def task(folder: Path) -> TrainTask:
    template = Bundle(
        CLASSES, "covid", "densenet121", {"choice": "none", "sha256": "", "source": "random", "seed": 1}, "state",
        "fp32", 16, preset("baseline", 48).to_dict(), "linear", {}, {}, {"study": "s", "trial": 1},
    )  # fmt: skip
    path, drawn, body = frozen(folder, PARTS, CLASSES)
    return TrainTask(
        folder=folder / "trials", body=body, drawn=path, train_digest=drawn.digest_of("train", CLASSES),
        valid_digest=drawn.digest_of("valid", CLASSES), template=template, policy=ConstantPolicy(learning_rate=5e-4),
        loss=CrossEntropy(), training=TrainingTable(epochs=2), threshold_rule="youden", split_digest="d", seed=7,
    )  # fmt: skip


def asked(folder: Path, **changes: Any) -> CellSearch:
    table = SearchTable.model_validate({**TABLE, **changes})
    return CellSearch((task(folder),), table, 11, {"features": "f"})


def found(folder: Path, engine: Any = None, train: Any = train_head, **changes: Any) -> Search:
    (result,) = search([asked(folder, **changes)], train, engine or Local(0))
    return result


def without_seconds(result: Search) -> Search:
    return replace(result, seconds=0.0, tried=[replace(t, seconds=0.0) for t in result.tried])


@dataclass
class Backwards:
    """Does the last task of each round first."""

    cores: int = 2
    device: str = "auto"
    description: str = "backwards"

    def map(self, function: Callable[[Any], Any], tasks: Iterable[Any], **_: object) -> Iterator[Any]:
        return iter([function(t) for t in list(tasks)[::-1]][::-1])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Search]:
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, found(folder)


def test_the_first_trial_has_the_studys_values_and_the_best_is_chosen(unbroken: tuple[Path, Search]) -> None:
    _, result = unbroken
    assert [t.number for t in result.tried] == list(range(1, 9))
    own = {"learning_rate": 5e-4, "epochs": 2, "weight_decay": 0.0, "dropout": 0.0, "head": "linear"}
    assert result.own.values == own
    scores = [t.score for t in result.tried]
    best = result.tried[int(np.argmin(np.array(scores, float)))]
    assert (result.best, result.chosen) == (best, best.values)
    assert best.score < result.own.score  # type: ignore[operator]
    assert result.seconds == pytest.approx(sum(t.seconds for t in result.tried), abs=1e-3)
    for t in result.tried[1:]:
        assert 1e-4 <= float(t.values["learning_rate"]) <= 1e-1
        assert (t.values["epochs"] in (1, 2, 4), t.values["head"] in ("linear", "mlp")) == (True, True)
        assert 0 <= float(t.values["dropout"]) <= 0.6


def test_the_score_of_a_trial_is_that_of_training_it_by_itself(
    unbroken: tuple[Path, Search], tmp_path: Path
) -> None:
    folder, result = unbroken
    for t in (result.own, result.best):
        alone = train_head(task_with(task(tmp_path), t.values))
        assert alone.name == t.trained[0]
        assert LossCurve.of_trial(alone).kept == t.score == t.scores[0]
        kept = (folder / "trials" / t.trained[0] / "bundle" / "head.safetensors").read_bytes()
        assert (alone / "bundle" / "head.safetensors").read_bytes() == kept


def test_neither_the_order_of_work_nor_a_kill_changes_what_is_found(
    unbroken: tuple[Path, Search], tmp_path: Path
) -> None:
    expected = without_seconds(unbroken[1])
    assert without_seconds(found(tmp_path / "backwards", Backwards())) == expected
    done: list[TrainTask] = []

    def killed_at_the_fifth(t: TrainTask) -> Path:
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(t)
        return train_head(t)

    with pytest.raises(KeyboardInterrupt):
        found(tmp_path / "killed", train=killed_at_the_fifth)
    there = {p.name for p in (tmp_path / "killed" / "trials").iterdir()}
    assert len(there) == 4
    trained: list[str] = []

    def counted(t: TrainTask) -> Path:
        trained.append(t.output.name) if not t.finished else None
        return train_head(t)

    assert without_seconds(found(tmp_path / "killed", train=counted)) == expected
    assert not there & set(trained)


@pytest.mark.slow
def test_two_processes_find_what_one_finds(
    unbroken: tuple[Path, Search], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BEGIN_S", 0.0)
    assert without_seconds(found(tmp_path, Local(2))) == without_seconds(unbroken[1])


def test_another_seed_tries_other_values(unbroken: tuple[Path, Search], tmp_path: Path) -> None:
    other = replace(asked(tmp_path, trials=3), seed=12)
    (result,) = search([other], train_head, Local(0))
    assert result.tried[0].values == unbroken[1].own.values
    assert all(a.values != b.values for a, b in zip(result.tried[1:], unbroken[1].tried[1:3], strict=True))


def test_a_loss_that_is_not_finite_is_a_trial_that_failed(tmp_path: Path) -> None:
    result = found(tmp_path, trials=4, learning_rate=[5e-4, 1e37], epochs=[1, 2])
    failed = [t for t in result.tried if t.values["learning_rate"] == 1e37]
    assert failed
    assert result.failed == len(failed)
    for t in failed:
        assert (t.state, t.score, t.scores) == ("failed", None, [])
        assert "the loss is not finite after epoch" in t.reason
    assert result.chosen["learning_rate"] == 5e-4


def test_a_metric_is_that_of_the_positive_class_and_the_highest_is_chosen(tmp_path: Path) -> None:
    result = found(tmp_path, trials=3, metric="roc_auc", head=None, dropout=None)
    assert result.higher_is_better
    assert result.best.score == max(t.score for t in result.tried if t.score is not None)
    for t in result.tried:
        bundle, _, state = Bundle.read(tmp_path / "trials" / t.trained[0] / "bundle")
        _, valid = task(tmp_path).films()
        scores = torch.softmax(logits(load_head(bundle, state), valid).double(), 1)[:, 1].numpy()
        assert t.score == pytest.approx(roc_auc_score(valid.labels.numpy() == 1, scores), abs=1e-12)


def test_folds_are_averaged_and_one_that_fails_fails_the_trial(tmp_path: Path) -> None:
    one, two = task(tmp_path / "one"), replace(task(tmp_path / "two"), seed=8)
    table = SearchTable.model_validate({"trials": 2, "chosen_on": "folds", "folds": 2, "epochs": [1, 2]})
    (result,) = search([CellSearch((one, two), table, 1, {})], train_head, Local(0))
    for t in result.tried:
        assert len(t.scores) == len(t.trained) == 2
        assert t.score == pytest.approx(np.mean(t.scores))
    diverges = replace(two, policy=ConstantPolicy(learning_rate=1e37))
    (result,) = search([CellSearch((one, diverges), table, 1, {})], train_head, Local(0))
    assert result.failed == 2
    assert result.chosen == result.own.values


def test_a_list_of_films_with_a_test_part_is_refused(tmp_path: Path) -> None:
    path, drawn, _ = frozen(tmp_path, {**PARTS, "test": part("test", 8, 3)}, CLASSES)
    cell = asked(tmp_path / "own")
    with pytest.raises(LeakageError, match="8 test films are in a list that choices are made on"):
        search([replace(cell, tasks=(replace(cell.tasks[0], drawn=path),))], train_head, Local(0))
    with pytest.raises(LeakageError, match="8 test films"):
        LearningFilms(drawn.header, drawn.parts, drawn.facts, drawn.shards)
    with pytest.raises(LeakageError, match="film 'valid-3' is in train or validation, and is tested on too"):
        LearningFilms.of(drawn, {"valid-3"})


def test_the_labels_of_test_films_are_not_there(tmp_path: Path) -> None:
    _, drawn, _ = frozen(tmp_path, {**PARTS, "test": part("test", 8, 3)}, CLASSES)
    tested = {f.image_id for f in drawn.parts["test"]}
    dealt: Mapping[str, FilmFacts] = {
        i: f._replace(label="normal") if i in tested else f for i, f in drawn.facts.items()
    }
    shuffled = DrawnFilms(drawn.header, drawn.parts, dealt, drawn.shards)
    texts = []
    for k, films in enumerate((drawn, shuffled)):
        LearningFilms.of(films, tested).write(tmp_path / f"{k}.json")
        texts.append((tmp_path / f"{k}.json").read_text())
    assert texts[0] == texts[1]
    assert not any(i in texts[0] for i in tested)


def test_the_key_is_all_that_makes_a_difference(tmp_path: Path) -> None:
    cell = asked(tmp_path)
    t = cell.tasks[0]
    others = [
        *(asked(tmp_path, **c) for c in ({"trials": 9}, {"metric": "roc_auc"}, {"epochs": [1, 2]}, {"head": None})),
        asked(tmp_path, learning_rate={"low": 1e-4, "high": 1e-1, "log": False}),
        replace(cell, seed=12),
        replace(cell, tasks=(t, t)),
        replace(cell, tasks=(replace(t, split_digest="other"),)),
    ]  # fmt: skip
    assert len({c.key for c in [cell, *others]}) == len(others) + 1
    assert asked(tmp_path, schedules=["constant"]).key == cell.key


def test_values_that_a_head_has_by_itself_are_one_training(tmp_path: Path) -> None:
    t = task(tmp_path)
    assert task_with(t, {"head": "linear", "dropout": 0.0, "epochs": 2, "learning_rate": 5e-4}).key == t.key
    assert task_with(t, {"dropout": 0.3}).key != t.key != task_with(t, {"head": "mlp"}).key
    mlp = task_with(t, {"head": "mlp", "dropout": 0.3, "weight_decay": 0.1})
    assert (mlp.template.head, mlp.training.dropout, mlp.policy.weight_decay) == ("mlp", 0.3, 0.1)


def test_what_is_proposed_comes_near_what_was_good() -> None:
    """Scores are of a bowl with its bottom at 1e-3; a third of the rates fail. The second half lies nearer than the first, at random."""
    proposals = Proposals(
        {"learning_rate": {"low": 1e-6, "high": 1.0, "log": True}}, 3, higher_is_better=False
    )
    tried: list[float] = []
    for _ in range(8):
        rates = [float(v["learning_rate"]) for v in proposals.ask(5)]
        proposals.tell([None if r > 0.01 else abs(math.log10(r) + 3) for r in rates])
        tried += rates
    off = np.abs(np.log10(tried) + 3)
    assert np.median(off[20:]) < 0.7 * np.median(off[:10])
    assert sum(r > 0.01 for r in tried[20:]) / 20 < 1 / 3

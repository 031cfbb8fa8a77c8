"""A trial's folder holds what was asked for and what was chosen on validation; its key is all that makes a difference."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn.functional import cross_entropy

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import read_json
from hilum.augment.presets import preset
from hilum.core.errors import InputError, UnsafeError
from hilum.inference.predictor import Predictor, load_head
from hilum.models.heads import build_head
from hilum.models.machine import threads
from hilum.models.registry import backbone
from hilum.stages.train import train_head
from hilum.stats.calibration import choose_threshold, fit_temperature
from hilum.study.losses import CrossEntropy, Focal
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.policies.one_cycle import OneCyclePolicy, Phase
from hilum.study.tables import TrainingTable
from hilum.training.loop import logits
from hilum.training.task import TrainTask
from trial_films import Part, frozen

CLASSES = ("bacterial", "covid", "normal", "viral")
TRAINING = {
    "epochs": 4,
    "batch": 32,
    "learning_rate": 5e-4,
    "early_stopping": None,
    "best_epoch": False,
    "balanced_batches": False,
    "find_rate": False,
    "head": None,
    "dropout": None,
}


def part(name: str, n: int, seed: int, signal: float = 3) -> Part:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    x = rng.normal(size=(n, 1024)).astype(np.float32)
    x[np.arange(n), y] += signal
    return [f"{name}-{k}" for k in range(n)], x, y.tolist()


def task(tmp_path: Path, **options: object) -> TrainTask:
    template = Bundle(
        CLASSES, "covid", "densenet121", {"choice": "none", "sha256": "", "source": "random", "seed": 1}, "state",
        "fp32", 16, preset("baseline", 48).to_dict(), "linear", {}, {}, {"study": "s", "trial": 1},
    )  # fmt: skip
    path, drawn, body = frozen(
        tmp_path, {"train": part("train", 150, 1), "valid": part("valid", 100, 2)}, CLASSES
    )
    return TrainTask(
        folder=tmp_path / "trials",
        body=body,
        drawn=path,
        train_digest=drawn.digest_of("train", CLASSES),
        valid_digest=drawn.digest_of("valid", CLASSES),
        template=template,
        policy=ConstantPolicy(learning_rate=5e-3),
        loss=CrossEntropy(),
        training=TrainingTable.model_validate({**TRAINING, **options}),
        threshold_rule="youden",
        split_digest="d",
        seed=7,
    )


def history(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_a_trials_folder(tmp_path: Path) -> None:
    t = task(tmp_path)
    folder = train_head(t)
    assert sorted(p.name for p in folder.iterdir()) == ["bundle", "history.jsonl", "train.json"]
    facts = read_json(folder / "train.json")
    assert (facts["steps_per_epoch"], facts["epochs"]) == (5, 4)
    assert facts["seconds"] > 0
    lines = history(folder)
    assert [sorted(line) for line in lines] == [["epoch", "learning_rate", "train_loss", "valid_loss"]] * 4
    bundle, header, state = Bundle.read(folder / "bundle")
    assert bundle.training == {
        "study": "s", "trial": 1, **TRAINING, "policy": t.policy.model_dump(), "loss": {"kind": "cross_entropy", "class_weights": "none"},
        "softmax_first": False, "epochs_run": 4, "kept_epoch": 4, "n_train": 150, "n_valid": 100,
    }  # fmt: skip
    assert header.seed == 7
    head = load_head(bundle, state)
    _, valid = t.films()
    with threads(1):  # as it was trained: another number of threads may sum in another order
        z = logits(head, valid).double()
    assert cross_entropy(z, valid.labels).item() == lines[-1]["valid_loss"]
    point = choose_threshold(valid.labels.numpy() == 1, torch.softmax(z, 1)[:, 1].numpy(), "youden")
    assert bundle.operating_point == {
        "threshold": pytest.approx(float(point.threshold), rel=1e-12),
        "rule": "youden",
        "chosen_on": "valid",
        "n_films": 100,
    }
    temperature = fit_temperature(z.numpy(), valid.labels.numpy()).value
    assert bundle.calibration == {"temperature": pytest.approx(temperature, rel=1e-6), "chosen_on": "valid"}
    mtime = (folder / "train.json").stat().st_mtime_ns
    assert train_head(t) == folder
    assert (folder / "train.json").stat().st_mtime_ns == mtime


def test_the_best_epoch_is_named(tmp_path: Path) -> None:
    t = task(tmp_path, epochs=30, best_epoch=True, early_stopping=2)
    folder = train_head(t)
    lines = history(folder)
    losses = [line["valid_loss"] for line in lines]
    best = losses.index(min(losses))
    assert [k for k, line in enumerate(lines) if line.get("best")] == [best]
    assert len(lines) == best + 3 < 30  # two epochs more, none of them lower
    bundle, _, state = Bundle.read(folder / "bundle")
    assert (bundle.training["kept_epoch"], bundle.training["epochs_run"]) == (best + 1, best + 3)
    _, valid = t.films()
    with threads(1):
        z = logits(load_head(bundle, state), valid).double()
    assert cross_entropy(z, valid.labels).item() == losses[best]


def test_a_one_cycle_has_its_own_length(tmp_path: Path) -> None:
    policy = OneCyclePolicy(
        kind="one_cycle", phases=[Phase(epochs=2, max_rate=1e-2), Phase(epochs=1, max_rate=1e-3)]
    )
    folder = train_head(replace(task(tmp_path), policy=policy))
    assert read_json(folder / "train.json")["epochs"] == 3
    assert history(folder)[-1]["learning_rate"] == pytest.approx(1e-3 / 25 / 1e4)


def test_the_finder_changes_nothing_in_the_trial(tmp_path: Path) -> None:
    plain, asked = train_head(task(tmp_path)), train_head(task(tmp_path, find_rate=True))
    assert plain != asked
    assert history(plain) == history(asked)
    assert (plain / "bundle/head.safetensors").read_bytes() == (
        asked / "bundle/head.safetensors"
    ).read_bytes()
    curve = read_json(asked / "finder.json")
    assert sorted(curve) == ["losses", "minimum", "rates", "seconds", "steep", "valley"]
    assert len(curve["rates"]) == len(curve["losses"]) > 15
    assert curve["rates"][0] == 1e-7


def test_the_key_is_all_that_makes_a_difference(tmp_path: Path) -> None:
    t = task(tmp_path)
    same = replace(t, template=replace(t.template, training={"study": "another", "trial": 2}))
    assert same.key == t.key
    others = [
        replace(t, policy=ConstantPolicy(learning_rate=1e-3)),
        replace(t, policy=ConstantPolicy(learning_rate=5e-3, clip_norm=1.0)),
        replace(t, loss=Focal(kind="focal")),
        replace(t, softmax_first=True),
        replace(t, seed=8),
        replace(t, threshold_rule="argmax"),
        replace(t, template=replace(t.template, state_sha256="other")),
        task(tmp_path, batch=16),
        task(tmp_path, best_epoch=True),
        task(tmp_path, early_stopping=3),
    ]
    assert len({o.key for o in [t, *others]}) == len(others) + 1


def cross_entropy_by_hand(scores: np.ndarray, labels: tuple[int, ...]) -> float:
    """Mean of -log softmax(scores) at the label, in double precision."""
    e = np.exp(scores.astype(np.float64))
    return float(-np.log(e[np.arange(len(labels)), labels] / e.sum(axis=1)).mean())


@pytest.mark.parametrize("softmax_first", [False, True])
def test_softmax_first_is_the_loss_of_probabilities_taken_for_logits(
    tmp_path: Path, softmax_first: bool
) -> None:
    """One batch of all films, and a rate too small to move anything: both losses are of the head as it was drawn."""
    still = ConstantPolicy(learning_rate=1e-30)
    t = replace(task(tmp_path, epochs=1, batch=150), policy=still, softmax_first=softmax_first)
    (line,) = history(train_head(t))
    head = build_head(backbone("densenet121"), 4, t.seed)
    for part, loss in zip(t.films(), (line["train_loss"], line["valid_loss"]), strict=True):
        with torch.no_grad():
            z = head(part.take(np.arange(len(part)))).double().numpy()
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        scores, other = (p, z) if softmax_first else (z, p)
        assert loss == pytest.approx(cross_entropy_by_hand(scores, part.labels.numpy()), rel=1e-6)
        assert loss != pytest.approx(cross_entropy_by_hand(other, part.labels.numpy()), rel=1e-3)


def test_softmax_first_trains_with_the_gradient_of_the_double_softmax(tmp_path: Path) -> None:
    """Plain SGD, one step of all films: the head moves along the gradient that autograd takes of the loss written out."""
    policy = ConstantPolicy(optimizer="sgd", learning_rate=1e-2)
    t = replace(task(tmp_path, epochs=1, batch=150), policy=policy, softmax_first=True)
    state = Bundle.read(train_head(t) / "bundle")[2]
    head = build_head(backbone("densenet121"), 4, t.seed)
    train, _ = t.films()
    z = head(train.take(np.arange(150)))
    loss = cross_entropy(torch.softmax(z, dim=1), train.labels)
    gradients = torch.autograd.grad(loss, list(head.parameters()))
    for (name, was), gradient in zip(head.named_parameters(), gradients, strict=True):
        expected = (was.detach() - 1e-2 * gradient).numpy()
        assert np.allclose(state[name], expected, rtol=0, atol=1e-7)


def test_the_seed_draws_the_head(tmp_path: Path) -> None:
    """Trials that differ in their seed alone begin with heads of their own, those that `build_head` draws."""
    still = ConstantPolicy(learning_rate=1e-30)
    for seed in (7, 8):
        t = replace(task(tmp_path, epochs=1), policy=still, seed=seed)
        state = Bundle.read(train_head(t) / "bundle")[2]
        for name, value in build_head(backbone("densenet121"), 4, seed).state_dict().items():
            assert np.array_equal(state[name], value.numpy())


def test_a_policy_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the constant policy has no learning rate"):
        train_head(replace(task(tmp_path), policy=ConstantPolicy()))
    assert not (tmp_path / "trials").exists()


def test_labels_shuffled_give_chance_where_the_true_ones_are_learned(tmp_path: Path) -> None:
    own = task(tmp_path)
    _, x, y = part("test", 400, 3, 30)
    path, drawn, body = frozen(
        tmp_path / "plain", {"train": part("t", 150, 4, 30), "valid": part("v", 50, 5, 30)}, CLASSES
    )
    own = replace(own, drawn=path, body=body, train_digest=drawn.digest_of("train", CLASSES))
    is_covid = np.asarray(y) == 1

    def auc(t: TrainTask) -> float:
        bundle, _, state = Bundle.read(train_head(t) / "bundle")
        with torch.inference_mode():
            scores = load_head(bundle, state)(torch.from_numpy(np.asarray(x)))[:, 1].numpy()
        return float(roc_auc_score(is_covid, scores))

    learned = auc(own)
    assert learned > 0.9
    probe = replace(own, template=replace(own.template, probe="labels-shuffled"))
    found = [auc(replace(probe, seed=s)) for s in range(12)]
    assert abs(np.mean(found) - 0.5) < 3 * np.std(found, ddof=1) / np.sqrt(12)
    assert Bundle.read(train_head(probe) / "bundle")[0].probe == "labels-shuffled"
    with pytest.raises(UnsafeError, match="this is the probe 'labels-shuffled' of a study"):
        Predictor(train_head(probe) / "bundle")

"""Fine-tuning as a stage: a bundle that predicts what its trial predicted, found again by digest, the same however it was computed."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import softmax

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.trial_files import FinderCurve
from hilum.augment.presets import preset
from hilum.core.errors import InputError, UnsafeError
from hilum.inference.predictor import Predictor
from hilum.models.registry import backbone
from hilum.models.weights import find
from hilum.stages.finetune import finetune, network_rates, open_fabric
from hilum.stages.predict import PredictTask, predict_films, predict_trial
from hilum.study.losses import CrossEntropy
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable, TrainingTable
from hilum.training.task import TrainTask, Whole
from trial_films import Part, whole

SIZE_PX = 64
CLASSES = ("bacterial", "covid", "normal", "viral")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small films on a busy machine: threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def part(folder: Path, name: str, n: int, seed: int, size_px: int = SIZE_PX) -> Part:
    """Films whose class shows in their brightness; also as PNG files."""
    y = np.arange(n) % 4
    x = np.random.default_rng(seed).integers(0, 120, (n, size_px, size_px)) + 30 * y[:, None, None]
    films = x.astype(np.uint8)
    (folder / name).mkdir(exist_ok=True)
    for k, film in enumerate(films):
        Image.fromarray(film).save(folder / name / f"{name}-{k:02}.png")
    return [f"{name}-{k:02}.png" for k in range(n)], films, y.tolist()


def task(
    folder: Path,
    name: str = "squeezenet1_0",
    size_px: int = SIZE_PX,
    finetune: dict[str, object] | None = None,
    threads: int = 1,
    n_train: int = 22,
    **training: object,
) -> TrainTask:
    b = backbone(name)
    weights = find(b, "imagenet" if name == "tf_efficientnet_lite0" else "none")
    template = Bundle(
        CLASSES, "covid", name, {"choice": weights.choice, "sha256": weights.sha256, "source": weights.source, "seed": 1}, "",
        "fp32", 8, preset("baseline", size_px).to_dict(), b.head, {}, {}, {"study": "test", "trial": 1},
    )  # fmt: skip
    parts = {
        "train": part(folder, "train", n_train, 1, size_px),
        "valid": part(folder, "valid", 13, 2, size_px),
    }
    path, drawn, prepared = whole(folder, {**parts, "test": part(folder, "test", 11, 3, size_px)}, CLASSES)
    return TrainTask(
        folder=folder / "trials", drawn=path, train_digest=drawn.digest_of("train", CLASSES),
        valid_digest=drawn.digest_of("valid", CLASSES), template=template, policy=ConstantPolicy(learning_rate=1e-3), loss=CrossEntropy(),
        training=TrainingTable(**{"batch": 4, "epochs": 2, **training}), threshold_rule="youden", split_digest="s", seed=5,
        body=Whole(weights, FinetuneTable(**(finetune or {})), prepared, threads=threads),
    )  # fmt: skip


def bodily(t: TrainTask, **changes: object) -> TrainTask:
    """A task with another body; options of ``[finetune]`` are laid over those that it has."""
    finetune = t.body.finetune.model_copy(update=changes.pop("finetune", {}))
    return replace(t, body=replace(t.body, finetune=finetune, **changes))


def predict(t: TrainTask, out: Path, second_softmax: bool = False) -> Predictions:
    """The films that a trial holds out, predicted by its bundle."""
    predict_trial(PredictTask(t.output / "bundle", t.drawn, t.body, out, second_softmax))
    return Predictions.read(out)


def test_a_trial_is_whole_and_found_again(tmp_path: Path) -> None:
    t = task(tmp_path, best_epoch=True)
    out = finetune(t)
    assert sorted(p.name for p in out.parent.iterdir()) == [out.name]  # no checkpoint, no lock
    assert sorted(p.name for p in out.iterdir()) == ["bundle", "history.jsonl", "train.json"]
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert [h["epoch"] for h in history] == [1, 2]
    assert sum(h.get("best", False) for h in history) == 1
    facts = json.loads((out / "train.json").read_text())
    assert (facts["steps_per_epoch"], facts["epochs"]) == (6, 2)
    bundle, header, _ = Bundle.read(out / "bundle")
    assert bundle.network == "whole"
    assert bundle.operating_point["n_films"] == 13
    assert bundle.training["finetune"] == FinetuneTable().model_dump()
    assert header.inputs["train"] == t.inputs["train"]
    before = (out / "bundle" / "bundle.json").stat().st_mtime_ns
    assert finetune(t) == out
    assert (out / "bundle" / "bundle.json").stat().st_mtime_ns == before
    others = [
        replace(t, seed=6),
        replace(t, softmax_first=True),
        bodily(t, finetune={"batchnorm": "eval"}),
        bodily(t, threads=2),
    ]
    assert len({x.key for x in (t, *others)}) == 5
    assert bodily(t, checkpoint_every_s=1.0).key == t.key


@pytest.mark.parametrize("name", ["squeezenet1_0", "cnn", "covid_net_x0_125"])
def test_predict_equals_the_trials_own_predictions(tmp_path: Path, name: str) -> None:
    t = task(tmp_path, name)
    bundle = finetune(t) / "bundle"
    stored = predict(t, tmp_path / "predictions.csv")
    films = [tmp_path / "valid", tmp_path / "test"]
    fresh = predict_films(bundle, films, tmp_path / "fresh.csv", "cpu")
    rows = [fresh.image_ids.index(i) for i in stored.image_ids]
    assert len(rows) == len(fresh) == 24
    assert np.abs(fresh.probabilities[rows] - stored.probabilities).max() <= 1e-6
    assert tuple(fresh.operating_point[k] for k in rows) == stored.operating_point
    assert (stored.parts[16], stored.groups[16]) == ("test", "group of test-03.png")
    assert json.loads((tmp_path / "predict.json").read_text())["constant"] is False
    again = predict(t, tmp_path / "predictions.csv", second_softmax=True)
    assert np.allclose(again.probabilities, softmax(stored.probabilities, axis=1), atol=1e-9)
    assert again.operating_point == stored.operating_point
    assert again.probabilities.max() <= np.e / (np.e + 3)


def test_a_bundle_trained_with_faults_is_not_served(tmp_path: Path) -> None:
    t = task(tmp_path)
    t = replace(t, template=replace(t.template, unsafe=("softmax_before_loss",)), softmax_first=True)
    bundle = finetune(t) / "bundle"
    assert len(predict(t, tmp_path / "predictions.csv")) == 24  # its own study's evaluation
    with pytest.raises(UnsafeError, match="trained with softmax_before_loss") as refused:
        predict_films(bundle, [tmp_path / "test"], tmp_path / "fresh.csv", "cpu")
    assert refused.value.exit_code == 3
    assert Predictor(bundle, allow_unsafe=True).bundle.unsafe == ("softmax_before_loss",)


def test_first_weights_of_a_scratch_network_change_with_the_trial_and_a_new_first_conv_with_its_switch(
    tmp_path: Path,
) -> None:
    still = ConstantPolicy(learning_rate=1e-30)
    t = replace(task(tmp_path, "cnn", batch=8, epochs=1), policy=still)
    states = [
        Bundle.read(finetune(x) / "bundle")[2]
        for x in (t, replace(t, seed=6), bodily(t, finetune={"reset_first_conv": True}))
    ]  # fmt: skip
    conv, head = "body.net.0.weight", "head.2.weight"
    assert not np.array_equal(states[0][conv], states[1][conv])
    assert not np.array_equal(states[0][head], states[1][head])
    assert not np.array_equal(states[0][conv], states[2][conv])
    assert np.array_equal(states[0][head], states[2][head])


def test_what_the_machine_cannot_do_is_refused() -> None:
    with pytest.raises(InputError, match="'16-mixed' needs a GPU"):
        open_fabric(FinetuneTable(precision="16-mixed"), "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="asks for 2 GPUs, this machine has 0"):
            open_fabric(FinetuneTable(devices=2), "cuda")


KILLED = """
import pickle, sys
from hilum.stages.finetune import finetune
if __name__ == "__main__":
    finetune(pickle.load(open(sys.argv[1], "rb")))
"""


@pytest.mark.slow
def test_a_process_that_was_killed_in_an_epoch_leaves_what_the_next_one_goes_on_from(tmp_path: Path) -> None:
    t = bodily(task(tmp_path, batch=2, epochs=6), checkpoint_every_s=0.0)
    (tmp_path / "task.pickle").write_bytes(pickle.dumps(t))
    (tmp_path / "killed.py").write_text(KILLED)
    process = subprocess.Popen([sys.executable, str(tmp_path / "killed.py"), str(tmp_path / "task.pickle")])
    checkpoint = t.output.with_name(f".{t.output.name}.checkpoint")
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.002)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert checkpoint.exists()
    assert not t.output.exists()
    at = torch.load(checkpoint, weights_only=True)["progress"]
    assert (at["epoch"], at["step"]) > (1, 0)
    resumed = Bundle.read(finetune(t) / "bundle")[0]
    unbroken = Bundle.read(finetune(replace(t, folder=tmp_path / "other")) / "bundle")[0]
    assert resumed == unbroken  # state_sha256 is the digest of all weights
    assert not checkpoint.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "options"), [("adam", {}), ("sgd", {"accumulate": 2}), ("adam", {"unfreeze": "gradual"})]
)
def test_two_processes_give_what_one_gives(
    tmp_path: Path, optimizer: str, options: dict[str, object]
) -> None:
    """In double precision to the last bits of fp32 logits. 22 films in batches of 4 leave 2, one for each process."""
    script = Path(__file__).with_name("two_processes.py")
    command = [sys.executable, str(script), str(tmp_path), optimizer, json.dumps(options)]
    subprocess.run(command, check=True)
    one, two = (json.loads((tmp_path / f"{n}.json").read_text()) for n in (1, 2))
    assert len(one["probabilities"]) == len(two["probabilities"]) == 22  # no film twice
    assert np.abs(np.array(one["losses"]) - np.array(two["losses"])).max() < 1e-6
    assert np.abs(np.array(one["probabilities"]) - np.array(two["probabilities"])).max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"train": "head"}, {"unfreeze": "gradual"}])
def test_a_trial_of_two_processes_is_that_of_one(tmp_path: Path, options: dict[str, object]) -> None:
    """The stage, in fp32, where rounding is not blown up: losses and predictions to 1e-5. Validation's 13 films are 7 and 6."""
    one = task(tmp_path, "tf_efficientnet_lite0", finetune={"batchnorm": "eval", **options})
    one = replace(one, policy=ConstantPolicy(learning_rate=1e-3, optimizer="sgd"))
    two = bodily(one, finetune={"devices": 2}, threads=2)
    histories, scores = [], []
    for t in (one, two):
        out = finetune(t)
        histories.append([json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()])
        scores.append(predict(t, tmp_path / "predictions.csv").probabilities)
    for a, b in zip(*histories, strict=True):
        assert a["train_loss"] == pytest.approx(b["train_loss"], abs=1e-5)
        assert a["valid_loss"] == pytest.approx(b["valid_loss"], abs=1e-5)
    assert np.abs(scores[0] - scores[1]).max() < 1e-5


@pytest.mark.slow
def test_more_processes_than_films_in_the_last_batch(tmp_path: Path) -> None:
    """21 films in batches of 4 leave one: the second process passes it too, but its logits are dropped."""
    one = task(tmp_path, "tf_efficientnet_lite0", finetune={"batchnorm": "eval"}, n_train=21)
    one = replace(one, policy=ConstantPolicy(learning_rate=1e-3, optimizer="sgd"))
    losses = []
    for x in (one, bodily(one, finetune={"devices": 2})):
        lines = (finetune(x) / "history.jsonl").read_text().splitlines()
        losses.append([json.loads(line)["valid_loss"] for line in lines])
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


MEMORY = """
import pickle, resource, sys
from hilum.stages.finetune import finetune
if __name__ == "__main__":
    finetune(pickle.load(open(sys.argv[1], "rb")))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size_px", "batch", "gib"), [("cnn", 244, 32, 4), ("covid_net", 224, 8, 8)])
def test_a_large_network_trains_within_its_memory(
    tmp_path: Path, name: str, size_px: int, batch: int, gib: int
) -> None:
    """113 and 117 million weights with Adam, batches of their papers, checkpoints and bundle included."""
    t = task(tmp_path, name, size_px, threads=2, batch=batch, best_epoch=True, n_train=2 * batch)
    (tmp_path / "task.pickle").write_bytes(pickle.dumps(t))
    (tmp_path / "memory.py").write_text(MEMORY)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "memory.py"), str(tmp_path / "task.pickle")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    peak_bytes = int(done.stdout.split()[-1])
    print(f"{peak_bytes / 2**30:.2f} GiB")
    assert peak_bytes < gib * 2**30


@pytest.mark.parametrize(
    ("name", "options"),
    [("squeezenet1_0", {"unfreeze": "fine_tune"}), ("cnn", {})],
)
def test_the_finder_is_not_ignored_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, str]
) -> None:
    monkeypatch.setattr("hilum.training.finder.STEPS", 20)
    plain = task(tmp_path, name, finetune=options, epochs=1)
    asked = replace(plain, training=plain.training.model_copy(update={"find_rate": True}))
    without, with_it = finetune(plain), finetune(asked)
    weights = [sorted((p / "bundle").glob("*.safetensors")) for p in (without, with_it)]
    assert [p.read_bytes() for p in weights[0]] == [p.read_bytes() for p in weights[1]] != []
    assert (without / "history.jsonl").read_bytes() == (with_it / "history.jsonl").read_bytes()
    assert not (without / "finder.json").exists()
    seen = json.loads((with_it / "finder.json").read_text())
    assert 5 <= len(seen["rates"]) <= 20
    assert seen["rates"][0] == 1e-7
    # a trial that another version left without a curve gets one, and is not trained again
    (with_it / "finder.json").unlink()
    assert not asked.finished
    before = (with_it / "history.jsonl").stat().st_mtime_ns
    finetune(asked)
    again = json.loads((with_it / "finder.json").read_text())
    assert (with_it / "history.jsonl").stat().st_mtime_ns == before
    assert {**again, "seconds": 0} == {**seen, "seconds": 0}
    assert network_rates(plain, tmp_path) == FinderCurve.of(with_it)

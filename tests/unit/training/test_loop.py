"""The loop learns a planted signal, learns nothing from noise, is torch's plain loop with torch's optimisers, and chooses on validation."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from hilum.artifacts.features import FeatureRows
from hilum.artifacts.history import EpochRecord
from hilum.core.errors import HilumError
from hilum.core.seeding import generator
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.study.policies import Policy
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.policies.one_cycle import OneCyclePolicy, Phase
from hilum.study.policies.plateau import PlateauPolicy
from hilum.study.tables import TrainingTable
from hilum.training.explicit import Maps, Vectors
from hilum.training.loop import batches, fit, logits
from hilum.training.regimen import LabelledRows, Regimen, dropout_factors, kept_by_dropout, lowest

CONSTANT = ConstantPolicy(learning_rate=5e-3)


def regimen(policy: Policy, epochs: int, seed: int = 3, **options: object) -> Regimen:
    return Regimen(policy, cross_entropy, TrainingTable(epochs=epochs, batch=32, **options), seed)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As the train stage trains a head."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def source(tmp_path: Path, name: str, n: int, signal: float, seed: int) -> tuple[LabelledRows, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    x = rng.normal(size=(n, 1024)).astype(np.float32)
    x[np.arange(n), y] += signal
    np.save(tmp_path / f"{name}.npy", x)
    rows = FeatureRows([(str(tmp_path / f"{name}.npy"), k) for k in range(n)])
    return LabelledRows(rows, y), y


def train(
    tmp_path: Path, signal: float, epochs: int = 8, seed: int = 1
) -> tuple[float, list[EpochRecord], torch.Tensor]:
    learn, _ = source(tmp_path, "train", 640, signal, 1)
    check, y = source(tmp_path, "valid", 400, signal, 2)
    head = build_head(backbone("densenet121"), 4, seed)
    history = list(fit(head, learn, check, regimen(CONSTANT, epochs, seed)))
    z = logits(head, check)
    return float((z.argmax(1).numpy() == y).mean()), history, z


def test_a_planted_signal_is_found(tmp_path: Path) -> None:
    accuracy, history, _ = train(tmp_path, signal=8.0, epochs=4)
    assert accuracy > 0.8
    assert history[-1].valid_loss < 0.5 < history[0].train_loss
    assert [r.epoch for r in history] == list(range(1, 5))


def test_without_a_signal_it_is_chance(tmp_path: Path) -> None:
    accuracy, _, _ = train(tmp_path, signal=0.0, epochs=3)
    assert abs(accuracy - 0.25) < 4 * (0.25 * 0.75 / 400) ** 0.5


def test_the_same_seed_gives_the_same_bits(tmp_path: Path) -> None:
    torch.manual_seed(5)
    first = train(tmp_path, 2.0, epochs=2)
    torch.manual_seed(6)
    torch.rand(3)
    second = train(tmp_path, 2.0, epochs=2)
    assert torch.equal(first[2], second[2])
    assert first[1] == second[1]
    assert not torch.equal(first[2], train(tmp_path, 2.0, epochs=2, seed=2)[2])


def test_a_loss_that_is_not_finite_stops_it(tmp_path: Path) -> None:
    np.save(tmp_path / "inf.npy", np.full((64, 1024), 3e38, np.float32))
    learn = LabelledRows(
        FeatureRows([(str(tmp_path / "inf.npy"), k) for k in range(64)]), np.zeros(64, np.int64)
    )
    head = build_head(backbone("densenet121"), 4, 1)
    with pytest.raises(HilumError, match="the loss is not finite after epoch 1"):
        list(fit(head, learn, learn, regimen(CONSTANT, 1)))


def plain_epoch(
    head: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    of: LabelledRows,
    epoch: int,
    after_step: Sequence[object] = (),
    clip_value: float | None = None,
) -> None:
    order = generator(3, "order", epoch).permutation(len(of))
    for k in range(0, len(of), 32):
        which = order[k : k + 32]
        optimizer.zero_grad()
        cross_entropy(head(of.take(which)), of.labels[which]).backward()
        if clip_value is not None:
            torch.nn.utils.clip_grad_value_(head.parameters(), clip_value)
        optimizer.step()
        for scheduler in after_step:
            scheduler.step()


@pytest.mark.parametrize("name", ["densenet121", "resnet50"])
def test_a_constant_rate_is_a_plain_loop_with_adam(tmp_path: Path, name: str) -> None:
    n, channels = 200, backbone(name).channels
    x, y = np.random.default_rng(0).normal(size=(n, channels)).astype(np.float32), np.arange(n) % 4
    np.save(tmp_path / "x.npy", x)
    of = LabelledRows(FeatureRows([(str(tmp_path / "x.npy"), k) for k in range(n)]), y)
    ours, plain = build_head(backbone(name), 4, 3), build_head(backbone(name), 4, 3)
    history = list(fit(ours, of, of, regimen(ConstantPolicy(learning_rate=5e-4), 3)))
    optimizer = torch.optim.Adam(plain.parameters(), lr=5e-4)
    for epoch in (1, 2, 3):
        plain_epoch(plain, optimizer, of, epoch)
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        assert float((a - b).detach().abs().max()) < 2e-7
    with torch.no_grad():
        expected = cross_entropy(plain(torch.from_numpy(x)).double(), of.labels).item()
    assert history[-1].valid_loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("per_phase", ["fresh", "kept"])
def test_one_cycle_is_a_plain_loop_with_torchs_scheduler(tmp_path: Path, per_phase: str) -> None:
    of, _ = source(tmp_path, "x", 200, 1.0, 1)
    ours, plain = build_head(backbone("densenet121"), 4, 3), build_head(backbone("densenet121"), 4, 3)
    policy = OneCyclePolicy(
        kind="one_cycle",
        phases=[Phase(epochs=2, max_rate=1e-2), Phase(epochs=1, max_rate=5e-3)],
        optimizer_per_phase=per_phase,
        weight_decay=1e-4,
        clip_value=0.1,
    )
    history = list(fit(ours, of, of, regimen(policy, 20)))
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-2, weight_decay=1e-4)
    for epochs, rate in (([1, 2], 1e-2), ([3], 5e-3)):
        if per_phase == "fresh":
            optimizer = torch.optim.Adam(plain.parameters(), lr=rate, weight_decay=1e-4)
        cycle = OneCycleLR(optimizer, rate, epochs=len(epochs), steps_per_epoch=7)
        for epoch in epochs:
            plain_epoch(plain, optimizer, of, epoch, [cycle], clip_value=0.1)
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        assert float((a - b).detach().abs().max()) < 1e-6
    assert len(history) == 3  # the phases' own epochs, not the study's 20


def test_plateau_goes_by_the_validation_loss(tmp_path: Path) -> None:
    learn, _ = source(tmp_path, "train", 160, 1.0, 1)
    check, _ = source(tmp_path, "valid", 200, 0.0, 2)  # nothing to learn there: its loss only rises
    head = build_head(backbone("densenet121"), 4, 3)
    policy = PlateauPolicy(kind="plateau", learning_rate=1e-2, patience=1, factor=0.5)
    history = list(fit(head, learn, check, regimen(policy, 8)))
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    scheduler = ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    for record in history:
        assert record.learning_rate == optimizer.param_groups[0]["lr"]
        scheduler.step(record.valid_loss)
    assert history[-1].learning_rate < 1e-2


def overfitting(
    tmp_path: Path, epochs: int, early_stopping: int | None = None, best_epoch: bool = False
) -> tuple[torch.nn.Linear, list[EpochRecord]]:
    learn, _ = source(tmp_path, "train", 160, 1.0, 1)
    check, _ = source(tmp_path, "valid", 200, 1.0, 2)
    head = build_head(backbone("densenet121"), 4, 3)
    return head, list(
        fit(
            head,
            learn,
            check,
            regimen(CONSTANT, epochs, early_stopping=early_stopping, best_epoch=best_epoch),
        )
    )


def test_early_stopping_and_the_best_epoch_go_by_validation(tmp_path: Path) -> None:
    last, whole = overfitting(tmp_path, 8)
    best = lowest(whole).epoch
    assert 1 <= best < 5, whole
    stopped, history = overfitting(tmp_path, 8, early_stopping=3)
    assert history == whole[: best + 3]
    assert not torch.equal(stopped.weight, last.weight)
    kept, history = overfitting(tmp_path, 8, best_epoch=True)
    assert history == whole
    until_best, _ = overfitting(tmp_path, best)
    assert torch.equal(kept.weight, until_best.weight)
    assert torch.equal(kept.bias, until_best.bias)
    assert not torch.equal(kept.weight, last.weight)


def test_the_first_of_equal_epochs_is_the_lowest() -> None:
    records = [EpochRecord(k, 1.0, loss, 0.1) for k, loss in enumerate([0.9, 0.5, 0.5, 0.7], start=1)]
    assert lowest(records).epoch == 2


def test_dropout_halves_doubles_and_follows_from_the_seed_and_epoch(tmp_path: Path) -> None:
    kept = kept_by_dropout(np.random.default_rng(1), (50, 64, 5, 5), 0.5)
    assert np.unique(kept).tolist() == [0, 1]
    assert float(kept.mean()) == pytest.approx(0.5, abs=2 / kept.size**0.5)
    assert dropout_factors(kept, 0.5).unique().tolist() == [0, 2]
    maps = np.abs(np.random.default_rng(0).normal(size=(10, 8, 3, 3))).astype(np.float16)
    np.save(tmp_path / "maps.npy", maps)
    of = LabelledRows(FeatureRows([(str(tmp_path / "maps.npy"), k) for k in range(10)]), np.arange(10) % 4)
    order = generator(7, "order", 2).permutation(10)
    masks = generator(7, "dropout", 2)
    how = Regimen(CONSTANT, cross_entropy, TrainingTable(batch=4), 7)
    for start, (x, y) in zip((0, 4, 8), batches(of, Maps(), how, 2), strict=True):
        which = order[start : start + 4]
        bits = np.unpackbits(np.frombuffer(masks.bytes(len(which) * 9), np.uint8)).reshape(len(which), -1)
        assert np.array_equal(x.stored.view(np.float16), maps[which].reshape(len(which), -1))
        assert np.array_equal(x.kept, bits)
        assert (x.factor, x.places) == (2, 9)
        assert y.tolist() == (which % 4).tolist()
    plain = torch.cat([x for x, _ in batches(of, Vectors(), how, 2)])
    assert np.array_equal(plain.numpy(), maps[order].astype(np.float32))


@pytest.mark.parametrize("n_bytes", [16, 12, 11])
def test_what_dropout_keeps_is_the_generators_bytes_however_they_are_taken(n_bytes: int) -> None:
    ours, plain = generator(3, "dropout", 1), generator(3, "dropout", 1)
    for n in (n_bytes, n_bytes, 24, 8):
        bits = np.unpackbits(np.frombuffer(plain.bytes(n), np.uint8))
        assert np.array_equal(kept_by_dropout(ours, (n * 8,), 0.5), bits)


def test_a_study_may_say_which_share_of_a_heads_inputs_is_dropped(tmp_path: Path) -> None:
    factors = dropout_factors(kept_by_dropout(np.random.default_rng(1), (200, 500), 0.2), 0.2)
    assert factors.unique().tolist() == [0, 1.25]
    assert float((factors == 0).float().mean()) == pytest.approx(0.2, abs=4 * (0.16 / factors.numel()) ** 0.5)
    rows = np.random.default_rng(0).normal(size=(10, 8)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    of = LabelledRows(FeatureRows([(str(tmp_path / "rows.npy"), k) for k in range(10)]), np.arange(10) % 4)
    order = generator(7, "order", 2).permutation(10)
    masks = generator(7, "dropout", 2)
    how = Regimen(CONSTANT, cross_entropy, TrainingTable(batch=4, dropout=0.25), 7)
    for start, (x, _) in zip((0, 4, 8), batches(of, Vectors(), how, 2), strict=True):
        which = order[start : start + 4]
        kept = masks.random(len(which) * 8, dtype=np.float32).reshape(-1, 8) >= 0.25
        assert np.allclose(x.numpy(), rows[which] * kept / 0.75, rtol=1e-6)
    np.save(tmp_path / "maps.npy", rows.astype(np.float16).reshape(10, 2, 2, 2))
    off = Regimen(CONSTANT, cross_entropy, TrainingTable(batch=4, dropout=0.0), 7)
    maps = LabelledRows(FeatureRows([(str(tmp_path / "maps.npy"), k) for k in range(10)]), np.arange(10) % 4)
    for x, _ in batches(maps, Maps(), off, 2):
        assert x.kept.all()

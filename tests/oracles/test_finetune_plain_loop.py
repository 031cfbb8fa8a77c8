"""The fine-tuning loop against two others: a plain one written here, slow and obvious, and hilum's own loop on frozen features.

The plain loop is torch's documentation and nothing else: the library's network, torch.optim, cross_entropy, zero_grad, backward, step. Only
the order of films and the dropout masks are shared, and the memory layout: BatchNorm over a few values blows rounding up.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from hilum.artifacts.features import FeatureRows
from hilum.artifacts.history import EpochRecord
from hilum.core.seeding import generator
from hilum.models.backbone import FrozenBackbone, build_network
from hilum.models.heads import build_head
from hilum.models.networks import WholeNetwork, build_whole
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM, find
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable, TrainingTable
from hilum.training.checkpoints import Checkpoints
from hilum.training.finetune import fit_network, logits_of
from hilum.training.loop import fit, logits
from hilum.training.regimen import LabelledRows, Regimen
from normalisation import normalised_by_hand

LAYOUT = torch.channels_last
N, SIZE_PX, EPOCHS, BATCH, SEED = 14, 64, 2, 4, 11
TRAINING = TrainingTable(epochs=EPOCHS, batch=BATCH)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small films on a busy machine: threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def films() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(N) % 4
    x = rng.integers(0, 120, (N, SIZE_PX, SIZE_PX)) + 30 * y[:, None, None]
    return x.astype(np.uint8), y.astype(np.int64)


def on_disk(folder: Path, x: np.ndarray, y: np.ndarray) -> LabelledRows:
    np.save(folder / "films.npy", x)
    rows = FeatureRows([(str(folder / "films.npy"), k) for k in range(len(x))])
    return LabelledRows(rows, y)


def finetuned(
    folder: Path, network: WholeNetwork, policy: ConstantPolicy, **options: object
) -> tuple[list[EpochRecord], torch.Tensor]:
    """hilum's loop; gives its history and the logits of all films."""
    part = on_disk(folder, *films())
    regimen = Regimen(policy, nn.functional.cross_entropy, TRAINING, SEED, FinetuneTable(**options))
    fabric = Fabric(accelerator="cpu", devices=1)
    history = list(fit_network(fabric, network, part, part, regimen, Checkpoints(folder / "checkpoint")))
    return history, logits_of(fabric, network, part)


def plain_loop(
    name: str, weights: str, learning_rate: float, train_mode: bool
) -> tuple[list[float], torch.Tensor]:
    """Every weight of the library's network trained with SGD; gives the mean training losses and the logits."""
    b = backbone(name)
    x, y = films()
    net, head = build_network(b, find(b, weights), seed=SEED).requires_grad_(True), build_head(b, 4, SEED)
    net.classifier = nn.Identity()
    body = net if name == "tf_efficientnet_lite0" else net.features
    pixels = normalised_by_hand(x, name)
    body, pixels = body.to(memory_format=LAYOUT), pixels.contiguous(memory_format=LAYOUT)
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=learning_rate, momentum=0.9)
    losses = []
    for epoch in range(1, EPOCHS + 1):
        body.train(train_mode)
        order = generator(SEED, "order", epoch).permutation(N)
        masks = generator(SEED, "dropout", epoch)
        total = 0.0
        for k in range(0, N, BATCH):
            which = order[k : k + BATCH]
            z = body(pixels[which])
            if name == "squeezenet1_0":
                bits = np.frombuffer(masks.bytes((z.numel() + 7) // 8), np.uint8)
                kept = np.unpackbits(bits, count=z.numel()).astype(np.float32)
                z = torch.relu(head.conv(z * torch.from_numpy(kept).view_as(z) / 0.5)).mean(dim=(2, 3))
            else:
                z = head(z)
            loss = nn.functional.cross_entropy(z, torch.from_numpy(y[which]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(which)
        losses.append(total / N)
    body.eval()
    with torch.no_grad():
        z = body(pixels)
        return losses, torch.relu(head.conv(z)).mean(dim=(2, 3)) if name == "squeezenet1_0" else head(z)


@pytest.mark.parametrize(
    ("name", "weights", "batchnorm", "rate"),
    [
        ("squeezenet1_0", "none", "eval", 1e-4),
        ("tf_efficientnet_lite0", "imagenet", "eval", 1e-3),
        ("tf_efficientnet_lite0", "imagenet", "train", 1e-3),
    ],
)  # fmt: skip
def test_training_everything_equals_a_plain_loop(
    tmp_path: Path, name: str, weights: str, batchnorm: str, rate: float
) -> None:
    b = backbone(name)
    network = build_whole(b, find(b, weights), 4, (SIZE_PX, SIZE_PX), SEED)
    policy = ConstantPolicy(optimizer="sgd", learning_rate=rate)
    history, got = finetuned(tmp_path, network, policy, batchnorm=batchnorm)
    losses, expected = plain_loop(name, weights, rate, train_mode=batchnorm == "train")
    assert [r.train_loss for r in history] == pytest.approx(losses, abs=1e-4)
    assert float((got - expected).abs().max()) < 1e-3
    assert history[-1].valid_loss == pytest.approx(
        float(nn.functional.cross_entropy(expected, torch.from_numpy(films()[1]))), abs=1e-4
    )


@pytest.mark.parametrize(
    ("name", "weights"), [("squeezenet1_0", "none"), ("tf_efficientnet_lite0", "imagenet")]
)
def test_the_head_alone_comes_out_as_on_frozen_features(tmp_path: Path, name: str, weights: str) -> None:
    """The same order of films and the same dropout; what differs is BatchNorm, folded there and apart here: 1e-3 of the logits."""
    b = backbone(name)
    w = RANDOM if weights == "none" else find(b, weights)
    x, y = films()
    policy = ConstantPolicy(learning_rate=5e-4)
    frozen = FrozenBackbone(b, w, seed=SEED)
    np.save(tmp_path / "features.npy", frozen.features(x, N).numpy())
    source = LabelledRows(FeatureRows([(str(tmp_path / "features.npy"), k) for k in range(N)]), y)
    head = build_head(b, 4, SEED)
    expected = list(fit(head, source, source, Regimen(policy, nn.functional.cross_entropy, TRAINING, SEED)))
    network = build_whole(b, w, 4, (SIZE_PX, SIZE_PX), SEED)
    history, got = finetuned(tmp_path, network, policy, train="head", batchnorm="eval")
    for a, c in zip(history, expected, strict=True):
        assert a.train_loss == pytest.approx(c.train_loss, abs=2e-5)
        assert a.valid_loss == pytest.approx(c.valid_loss, abs=2e-5)
        assert a.learning_rate == c.learning_rate
    assert float((got - logits(head, source)).abs().max()) < 1e-3 * max(1.0, float(got.abs().max()))

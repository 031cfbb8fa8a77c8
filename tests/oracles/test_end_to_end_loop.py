"""A head trained on stored features predicts what a plain end-to-end loop predicts that passes every film in every epoch.

The plain loop is written here, slow and obvious: torchvision's network in eval mode, nn.Dropout's meaning spelled out, Adam, no store,
no folding, no fp16. Only the draws (order of films, dropout) are shared.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hilum.artifacts.features import FeatureRows, FeatureSpec, FeatureStore
from hilum.core.digests import pixels_sha256
from hilum.core.seeding import generator
from hilum.models.backbone import FrozenBackbone, build_network
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import TrainingTable
from hilum.training.loop import fit, logits
from hilum.training.regimen import LabelledRows, Regimen
from normalisation import normalised_by_hand

N, SIZE_PX, EPOCHS, BATCH, SEED = 12, 48, 2, 4, 11


def films() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(N) % 4
    x = rng.integers(0, 120, (N, SIZE_PX, SIZE_PX)) + 30 * y[:, None, None]
    return x.astype(np.uint8), y.astype(np.int64)


def plain_end_to_end(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    b = backbone(name)
    net = build_network(b, RANDOM, seed=SEED)
    head = build_head(b, 4, SEED)
    if name == "resnet50":
        net.fc = nn.Identity()
    body = net if name == "resnet50" else net.features
    pixels = normalised_by_hand(x, name)
    optimizer = torch.optim.Adam(head.parameters(), lr=5e-4)
    for epoch in range(1, EPOCHS + 1):
        order = generator(SEED, "order", epoch).permutation(N)
        masks = generator(SEED, "dropout", epoch)
        for k in range(0, N, BATCH):
            which = order[k : k + BATCH]
            with torch.no_grad():
                z = body(pixels[which])
            if name == "squeezenet1_0":
                bits = np.unpackbits(
                    np.frombuffer(masks.bytes((z.numel() + 7) // 8), np.uint8), count=z.numel()
                )
                z = z * torch.from_numpy(bits.astype(np.float32)).view_as(z) / 0.5
                out = torch.relu(head.conv(z)).mean(dim=(2, 3))
            else:
                out = head(z)
            loss = nn.functional.cross_entropy(out, torch.from_numpy(y[which]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        z = body(pixels)
        out = torch.relu(head.conv(z)).mean(dim=(2, 3)) if name == "squeezenet1_0" else head(z)
    return torch.softmax(out, 1).numpy()


@pytest.mark.parametrize("name", [pytest.param("resnet50", marks=pytest.mark.slow), "squeezenet1_0"])
def test_stored_features_give_the_plain_loops_predictions(tmp_path: Path, name: str) -> None:
    x, y = films()
    net = FrozenBackbone(backbone(name), RANDOM, seed=SEED)
    spec = FeatureSpec(
        name, "t", net.state_sha256, (0.0,), (1.0,), "fp32", 8, (SIZE_PX, SIZE_PX), "cpu", 1, {},
        "float16" if name == "squeezenet1_0" else "float32",
    )  # fmt: skip
    store = FeatureStore(tmp_path, spec)
    ids = [pixels_sha256(film) for film in x]
    store.write(
        "all", ids, torch.cat([net.features(x[k : k + 8], 8) for k in range(0, N, 8)]).numpy(), seconds=1
    )
    source = LabelledRows(FeatureRows(store.locations(ids)), y)
    head = build_head(backbone(name), 4, SEED)
    policy = ConstantPolicy(learning_rate=5e-4)
    training = TrainingTable(epochs=EPOCHS, batch=BATCH)
    regimen = Regimen(policy, nn.functional.cross_entropy, training, SEED)
    history = list(fit(head, source, source, regimen))
    got = torch.softmax(logits(head, source), 1).numpy()
    assert len(history) == EPOCHS
    assert np.abs(got - plain_end_to_end(name, x, y)).max() < 2e-3

"""The range test on a whole network is a plain loop with rising rates, at the stages and factors that the policy trains first."""

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch.nn.functional import cross_entropy

from hilum.artifacts.features import FeatureRows
from hilum.core.seeding import generator
from hilum.models.networks import build_whole
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable, TrainingTable
from hilum.training.finder import FinderCurve
from hilum.training.network_finder import find_network_rate
from hilum.training.regimen import LabelledRows, Regimen

N, BATCH, SEED, SIZE_PX = 10, 4, 3, 64


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def films(folder: Path) -> LabelledRows:
    y = np.arange(N) % 4
    x = np.random.default_rng(0).integers(0, 120, (N, SIZE_PX, SIZE_PX)) + 30 * y[:, None, None]
    np.save(folder / "films.npy", x.astype(np.uint8))
    return LabelledRows(FeatureRows([(str(folder / "films.npy"), k) for k in range(N)]), y)


@pytest.mark.parametrize(
    "options",
    [{}, {"train": "head", "batchnorm": "eval"}, {"unfreeze": "fine_tune", "rate_divisor": 10.0}],
    ids=["all", "head", "fine_tune"],
)
def test_the_curve_of_a_plain_loop(
    tmp_path: Path, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hilum.training.finder.STEPS", 30)
    network = build_whole(backbone("tf_efficientnet_lite0"), RANDOM, 4, (SIZE_PX, SIZE_PX), seed=SEED)
    table = FinetuneTable.model_validate(options)
    training = TrainingTable(epochs=5, batch=BATCH)
    regimen = Regimen(ConstantPolicy(learning_rate=1.0), cross_entropy, training, SEED, table)
    of = films(tmp_path)
    curve = find_network_rate(Fabric(accelerator="cpu", devices=1), copy.deepcopy(network), of, regimen)
    assert isinstance(curve, FinderCurve)
    groups = [list(weights.values()) for weights in network.stages().values()]
    factors = [1.0] * len(groups)
    if (
        table.unfreeze == "fine_tune"
    ):  # behind the head's own epoch everything trains, at half the rate and less below
        factors = (0.5 * np.geomspace(1 / 10, 1.0, len(groups))).tolist()
    if table.train == "head":
        groups, factors = groups[-1:], [1.0]
    optimizer = torch.optim.Adam([{"params": g} for g in groups])
    average, losses, k = 0.0, [], 0
    while k < 15:  # rates up to 5e-4: behind that the last bits of the sums show
        order = generator(SEED, "order", k // 3 + 1).permutation(N)
        for start in range(0, N, BATCH):
            which = order[start : start + BATCH]
            rate = 1e-7 * 1e8 ** (k / 30)
            for group, factor in zip(optimizer.param_groups, factors, strict=True):
                group["lr"] = rate * factor
            network.train(table.batchnorm == "train")
            optimizer.zero_grad()
            loss = cross_entropy(network(of.take(which), None), of.labels[which])
            loss.backward()
            optimizer.step()
            average = 0.98 * average + 0.02 * float(loss.detach())
            losses.append(average / (1 - 0.98 ** (k + 1)))
            assert curve.rates[k] == pytest.approx(rate, rel=1e-12)
            k += 1
    assert curve.losses[: len(losses)] == pytest.approx(losses, rel=1e-3)
    assert max(losses) - min(losses) > 0.02  # the steps do something

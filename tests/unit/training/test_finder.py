"""The range test is a plain loop with rising rates; its suggestions are fastai's definitions, written out slowly here."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from hilum.artifacts.features import FeatureRows
from hilum.core.seeding import generator
from hilum.models.heads import build_head
from hilum.models.registry import backbone
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import TrainingTable
from hilum.training.finder import FinderCurve, find_rate, in_valley, lowest_tenth, steepest
from hilum.training.regimen import LabelledRows, Regimen

POLICY = ConstantPolicy(weight_decay=0.01, clip_norm=5.0)
N, BATCH, SEED = 300, 32, 4
REGIMEN = Regimen(POLICY, cross_entropy, TrainingTable(batch=BATCH), SEED)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As the train stage trains a head."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def source(tmp_path: Path) -> LabelledRows:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(N, 1024)).astype(np.float32), np.arange(N) % 4
    x[np.arange(N), y] += 4
    np.save(tmp_path / "x.npy", 5 * x)
    return LabelledRows(FeatureRows([(str(tmp_path / "x.npy"), k) for k in range(N)]), y)


def plain_range_test(of: LabelledRows) -> tuple[list[float], list[float]]:
    """fastai's LRFinder and AvgSmoothLoss(beta=.98), in torch's words."""
    head = build_head(backbone("densenet121"), 4, SEED)
    optimizer = torch.optim.Adam(head.parameters(), weight_decay=0.01)
    rates: list[float] = []
    losses: list[float] = []
    average = torch.tensor(0.0, dtype=torch.float64)
    epoch = 0
    while True:
        epoch += 1
        order = generator(SEED, "order", epoch).permutation(N)
        for start in range(0, N, BATCH):
            which = order[start : start + BATCH]
            rates.append(1e-7 * (10 / 1e-7) ** (len(rates) / 100))
            optimizer.param_groups[0]["lr"] = rates[-1]
            optimizer.zero_grad()
            loss = cross_entropy(head(of.take(which)), of.labels[which])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
            optimizer.step()
            average = torch.lerp(loss.detach().double(), average, 0.98)
            losses.append(float(average / (1 - 0.98 ** len(rates))))
            if losses[-1] > 4 * min(losses) or len(rates) == 100:
                return rates, losses


def test_the_curve_is_a_plain_loops_and_the_head_stays(tmp_path: Path) -> None:
    of = source(tmp_path)
    head = build_head(backbone("densenet121"), 4, SEED)
    before = {k: v.clone() for k, v in head.state_dict().items()}
    curve = find_rate(head, of, REGIMEN)
    rates, losses = plain_range_test(of)
    assert curve.rates == pytest.approx(rates, rel=1e-12)
    assert curve.losses == pytest.approx(
        losses, rel=1e-5
    )  # sums are rounded otherwise, and rates go up to 10
    assert all(torch.equal(v, before[k]) for k, v in head.state_dict().items())
    assert all(p.grad is None for p in head.parameters())
    # it fell, and then the rate was too high
    assert len(rates) < 100
    assert min(losses) < 0.6 * losses[0]
    assert losses[-1] > 4 * min(losses)
    seen = np.array(rates[10:-5]), np.array(losses[10:-5])
    assert curve.valley == in_valley(*seen)
    assert curve.steep == steepest(*seen)
    assert curve.minimum == lowest_tenth(*seen)
    assert 1e-5 < curve.valley < 1e-1
    assert find_rate(head, of, REGIMEN) == curve


def test_a_test_that_ends_too_soon_suggests_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "inf.npy", np.full((64, 1024), 3e38, np.float32))
    of = LabelledRows(
        FeatureRows([(str(tmp_path / "inf.npy"), k) for k in range(64)]), np.zeros(64, np.int64)
    )
    head = build_head(backbone("densenet121"), 4, SEED)
    curve = find_rate(head, of, REGIMEN)
    assert curve == FinderCurve((), (), None, None, None)


def slow_valley(losses: list[float]) -> int:
    """The definition in fastai's words: for each point the longest falling run of points that ends there, by trying all before it."""
    n = len(losses)
    longest = [1] * n
    best_start = best_end = 0
    for i in range(n):
        for j in range(i):
            if losses[j] > losses[i] and longest[j] + 1 > longest[i]:
                longest[i] = longest[j] + 1
                if longest[i] > longest[best_end]:
                    best_end, best_start = i, i - longest[i]
    third = (best_end - best_start) / 3
    return best_start + int(third) + int(third / 2)


CURVES = st.lists(st.floats(0, 10), min_size=2, max_size=60) | st.lists(
    st.sampled_from([1.0, 2.0, 3.0]), min_size=2, max_size=20
)


@settings(deadline=None)
@given(losses=CURVES)
def test_suggestions_are_the_slow_definitions(losses: list[float]) -> None:
    rates = 1e-7 * 1e8 ** (np.arange(len(losses)) / 100)
    z = np.array(losses)
    assert in_valley(rates, z) == rates[slow_valley(losses)]
    assert lowest_tenth(rates, z) == rates[losses.index(min(losses))] / 10
    slopes = [
        (losses[k + 1] - losses[k]) / (np.log(rates[k + 1]) - np.log(rates[k]))
        for k in range(len(losses) - 1)
    ]
    assert steepest(rates, z) == rates[slopes.index(min(slopes))]


def test_suggestions_written_out() -> None:
    rates = 10.0 ** np.arange(-6, 4)
    losses = np.array([2.0, 2.0, 1.9, 1.8, 1.2, 1.0, 0.9, 0.8, 1.5, 4.0])
    # the valley: 2, 1.9 ... .8, seven long, ends at step 7: steps 0 to 7, a third 2.33, so 0 + 2 + 1
    assert in_valley(rates, losses) == pytest.approx(1e-3)
    assert steepest(rates, losses) == pytest.approx(1e-3)  # 1.8 -> 1.2
    assert lowest_tenth(rates, losses) == pytest.approx(1.0)  # .8 at 10

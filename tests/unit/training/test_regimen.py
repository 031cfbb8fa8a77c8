"""The order of films: all of them once, or the classes evenly in every batch; the same for whoever asks again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import TrainingTable
from hilum.training.regimen import Regimen, draw_batches

LABELS = torch.tensor([0] * 41 + [1] * 9 + [2] * 17)


def batches(
    epoch: int = 1, *, balanced: bool = True, batch: int = 8, seed: int = 3
) -> list[NDArray[np.int64]]:
    training = TrainingTable(batch=batch, balanced_batches=balanced)
    regimen = Regimen(ConstantPolicy(learning_rate=1e-3), cross_entropy, training, seed)
    return [which for which, _ in draw_batches(regimen, LABELS, epoch, None)]


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 8, 32])
def test_a_balanced_batch_has_the_classes_evenly_and_an_epoch_as_many_films_as_ever(batch: int) -> None:
    drawn = batches(batch=batch)
    assert [len(b) for b in drawn] == [len(b) for b in batches(balanced=False, batch=batch)]
    for which in drawn:
        counts = np.bincount(LABELS[which], minlength=3)
        assert counts.max() - counts.min() <= 1
    counts = np.bincount(LABELS[np.concatenate(drawn)], minlength=3)
    assert counts.tolist() == [23, 22, 22]


def test_no_film_of_a_class_comes_again_before_all_have() -> None:
    times = np.bincount(np.concatenate(batches()), minlength=len(LABELS))
    of_class = {c: np.unique(times[LABELS.numpy() == c]).tolist() for c in range(3)}
    assert of_class == {0: [0, 1], 1: [2, 3], 2: [1, 2]}
    seen = np.concatenate([np.concatenate(batches(epoch)) for epoch in range(1, 9)])
    assert set(seen.tolist()) == set(range(len(LABELS)))  # another share of a large class each epoch


def test_without_balancing_every_film_comes_once() -> None:
    assert sorted(np.concatenate(batches(balanced=False)).tolist()) == list(range(len(LABELS)))


def test_the_order_follows_from_seed_and_epoch() -> None:
    one, again, later, other = (
        np.concatenate(b) for b in (batches(), batches(), batches(2), batches(seed=4))
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, later)
    assert not np.array_equal(one, other)


def test_a_class_that_no_training_film_has_takes_no_turn() -> None:
    training = TrainingTable(batch=4, balanced_batches=True)
    regimen = Regimen(ConstantPolicy(learning_rate=1e-3), cross_entropy, training, 0)
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 2, 2])
    for which, _ in draw_batches(replace(regimen, seed=9), labels, 1, None):
        assert np.bincount(labels[which], minlength=3).tolist() == [2, 0, 2]

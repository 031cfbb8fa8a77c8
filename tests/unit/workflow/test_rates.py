"""Rates of a network that is trained whole are measured in the loop that trains it."""

from __future__ import annotations

from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable
from hilum.workflow import rates


def test_an_update_takes_longer_than_a_film_and_a_checkpoint_is_tried() -> None:
    found = rates.network(
        "squeezenet1_0", FinetuneTable(), ConstantPolicy(learning_rate=1e-3), (64, 64), 2, 4, ("cpu", 1)
    )
    assert found.update > found.film > 0
    assert found.checkpoint > 0

"""What the published scripts do that the paper does not say: each a switch of its own, so that its worth can be measured.

A switch of ``[unsafe]`` breaks validity: the numbers then say something else than they seem to. It marks every artefact and page, and what
comes of it cannot enter a served bundle. A switch of ``[as_run]`` departs from the paper without breaking anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Fault:
    """A departure of the published scripts.

    Attributes:
        name: Of its switch.
        unsafe: Whether it breaks validity.
        what: A phrase for tables.
        finetunes: Whether the backbone's weights or statistics move, so that features cannot be shared.
    """

    name: str
    unsafe: bool
    what: str
    finetunes: bool = False


FAULTS: dict[str, Fault] = {
    f.name: f
    for f in (
        Fault("overlapping_test_draw", True, "train and validation drawn from all films, test films among them"),
        Fault("unseeded_draws", True, "train and validation drawn from a generator that nobody seeded"),
        Fault("test_as_validation", True, "the test films are the validation films"),
        Fault("unequal_crop", True, "training films cropped, validation and test films only resized"),
        Fault("batchnorm_in_train_mode", True, "frozen weights, but BatchNorm statistics drift", finetunes=True),
        Fault("softmax_before_loss", True, "softmax before cross-entropy, which has one inside"),
        Fault("second_softmax", True, "a second softmax at evaluation"),
        Fault("augmentor_gate", False, "Augmentor’s gate: p = .1 acts on about 15 % of films"),
        Fault("no_pretrained_weights", False, "random weights instead of ImageNet’s"),
        Fault("misspelt_freezing", False, "the whole network trains: freezing had no effect", finetunes=True),
        Fault("new_first_conv", False, "first convolution drawn anew and the whole network tuned", finetunes=True),
    )
}  # fmt: skip


class UnsafeTable(BaseModel):
    """``[unsafe]``: switches that break validity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overlapping_test_draw: bool = False
    unseeded_draws: bool = False
    test_as_validation: bool = False
    unequal_crop: bool = False
    batchnorm_in_train_mode: bool = False
    softmax_before_loss: bool = False
    second_softmax: bool = False


class AsRunTable(BaseModel):
    """``[as_run]``: the scripts' other departures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    augmentor_gate: bool = False
    no_pretrained_weights: bool = False
    misspelt_freezing: bool = False
    new_first_conv: bool = False


def unsafe_among(faults: Iterable[str]) -> list[str]:
    """Those that break validity.

    >>> unsafe_among(("augmentor_gate", "second_softmax"))
    ['second_softmax']
    """
    return [f for f in faults if FAULTS[f].unsafe]

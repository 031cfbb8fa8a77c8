"""What the published scripts do that the paper does not say: each a switch of its own, so that its worth can be measured.

A switch of ``[unsafe]`` breaks validity: the numbers then say something else than they seem to. It marks every artefact and page, and what
comes of it cannot enter a served bundle. A switch of ``[as_run]`` departs from the paper without breaking anything.

A new fault is one entry in `FAULTS`: its switch, its words and what it puts in a cell's recipe (`hilum.workflow.plan`) all follow from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel, create_model

from hilum.study.tables import STRICT


@dataclass(frozen=True)
class Edit:
    """What a fault puts in the recipe of a cell: new values of fields, by the part of the recipe that has them.

    Attributes:
        recipe: Fields of `hilum.workflow.plan.Recipe` itself.
        drawing: Fields of its `Drawing`: how films are divided.
        pipeline: Keys of the pipeline's table.
        crops: Keys of each of its steps that crop.
        finetune: Keys of ``[finetune]``; a frozen backbone is then trained, so that its features cannot be shared.
    """

    recipe: Mapping[str, Any] = field(default_factory=dict)
    drawing: Mapping[str, Any] = field(default_factory=dict)
    pipeline: Mapping[str, Any] = field(default_factory=dict)
    crops: Mapping[str, Any] = field(default_factory=dict)
    finetune: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A departure of the published scripts: its switch, whether it breaks validity, a phrase for tables, and what it changes."""

    name: str
    unsafe: bool
    what: str
    edit: Edit


_WHOLE = {"train": "all", "batchnorm": "train", "unfreeze": "at_once"}

FAULTS: dict[str, Fault] = {
    f.name: f
    for f in (
        Fault(
            "overlapping_test_draw", True, "train and validation drawn from all films, test films among them",
            Edit(drawing={"overlapping": True}),
        ),
        Fault(
            "unseeded_draws", True, "train and validation drawn from a generator that nobody seeded",
            Edit(drawing={"unseeded": True}),
        ),
        Fault(
            "films_drawn_one_by_one", True, "patients and copies of test films trained on, as where films are drawn one by one",
            Edit(drawing={"one_by_one": True}),
        ),
        Fault("test_as_validation", True, "the test films are the validation films", Edit(drawing={"valid_is_test": True})),
        Fault(
            "unequal_crop", True, "training films cropped, validation and test films only resized",
            Edit(crops={"parts": ["train"]}),
        ),
        Fault(
            "batchnorm_in_train_mode", True, "frozen weights, but BatchNorm statistics drift",
            Edit(finetune={"batchnorm": "train"}),
        ),
        Fault(
            "softmax_before_loss", True, "softmax before cross-entropy, which has one inside",
            Edit(recipe={"softmax_first": True}),
        ),
        Fault("second_softmax", True, "a second softmax at evaluation", Edit(recipe={"second_softmax": True})),
        Fault(
            "augmentor_gate", False, "Augmentor’s gate: p = .1 acts on about 15 % of films",
            Edit(pipeline={"gate": "augmentor"}),
        ),
        Fault(
            "no_pretrained_weights", False, "random weights instead of ImageNet’s",
            Edit(recipe={"pretrained": False}),
        ),
        Fault(
            "misspelt_freezing", False, "the whole network trains: freezing had no effect", Edit(finetune=_WHOLE)
        ),
        Fault(
            "new_first_conv", False, "first convolution drawn anew and the whole network tuned",
            Edit(finetune={**_WHOLE, "reset_first_conv": True}),
        ),
    )
}  # fmt: skip


def _switches(table: str, unsafe: bool) -> type[BaseModel]:
    """The table of the study file that has the switches which break validity, or those which do not."""
    names = [f.name for f in FAULTS.values() if f.unsafe == unsafe]
    fields = dict.fromkeys(names, (bool, False))
    return create_model(table, __config__=STRICT, **fields)  # type: ignore[call-overload, no-any-return]


if TYPE_CHECKING:
    UnsafeTable: TypeAlias = BaseModel
    AsRunTable: TypeAlias = BaseModel
else:
    UnsafeTable = _switches("UnsafeTable", True)
    AsRunTable = _switches("AsRunTable", False)


def unsafe_among(faults: Iterable[str]) -> list[str]:
    """Those that break validity.

    >>> unsafe_among(("augmentor_gate", "second_softmax"))
    ['second_softmax']
    """
    return [f for f in faults if FAULTS[f].unsafe]


def that_set(faults: Iterable[str], *fields: str) -> list[str]:
    """Those that change one of some fields of the recipe, or of its drawing.

    >>> that_set(("augmentor_gate", "second_softmax"), "softmax_first", "second_softmax")
    ['second_softmax']
    """
    return [f for f in faults if {*FAULTS[f].edit.recipe, *FAULTS[f].edit.drawing} & set(fields)]

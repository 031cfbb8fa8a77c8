"""A study's digest: every member that matters makes another one, nothing else does, and a study file that grows leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from hilum.core.keys import ALWAYS, ByKind, Each, Key, Optional
from hilum.study.ensembles import KIND_NAMES
from hilum.study.file import Study
from hilum.study.keys import STUDY, study_digest
from hilum.study.policies import POLICY
from hilum.study.tables import StrictTable, TrainingTable

NO_DIFFERENCE = {"name", "title", "reporting", "audit", "explain", "data.manifest"}
WHOLE: dict[str, Any] = {
    "name": "s",
    "data": {"classes": ["a", "b"], "positive": "a", "subset": {"name": "few", "films": 20}},
    "weights": {"resnet50": {"file": "w.pth", "sha256": "ab"}},
    "finetune": {},
    "policy": {
        "one": {"kind": "one_cycle", "phases": [{"epochs": 2, "max_rate": 1e-3}]}, "two": {"kind": "plateau"},
        "three": {"kind": "cosine"}, "four": {"kind": "warmup"}, "five": {"kind": "constant"},
        "six": {"kind": "step"},
    },
    "loss": {"one": {"kind": "focal"}, "two": {"kind": "cross_entropy"}},
    "ensemble": [
        {"name": "a", "kind": "mean"}, {"name": "b", "kind": "weighted"}, {"name": "c", "kind": "stacked"},
        {"name": "d", "kind": "flannel"},
    ],
    "compare": [{"name": "f", "factor": "backbone", "reference": "resnet50"}],
    "contrast": [{"name": "c", "negative": {"label": ["b"]}}],
    "subgroup": [{"by": "sex"}],
}  # fmt: skip
"""Every table that there is, each policy, loss and kind of ensemble."""


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that a field may hold, under whatever else it is."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_of(inner)


def unnamed(model: type[BaseModel], key: Key, where: str = "") -> Iterator[str]:
    """Members of a table and of those in it that the key does not name."""
    for name, field in model.model_fields.items():
        rule = key.members.get(name)
        if name not in key.members:
            yield where + name
        else:
            for inner in models_of(field.annotation):
                inner_key = rule.key if isinstance(rule, Each | Optional) else rule
                if isinstance(inner_key, ByKind):
                    (kind,) = get_args(inner.model_fields["kind"].annotation)
                    inner_key = inner_key.kinds[kind].and_(kind=ALWAYS)
                assert isinstance(inner_key, Key), f"{where}{name}: a table is named member by member"
                yield from unnamed(inner, inner_key, f"{where}{name}.")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in a study that is no table of a model."""
    tables = (
        isinstance(value, dict)
        and path[-1:] != ("negative",)
        and path[-1:] not in (("fractions",), ("sampling",))
    )
    if tables and value:
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for k, inner in enumerate(value):
            yield from leaves(inner, (*path, k))
    else:
        yield path


def changed(value: Any, path: tuple[Any, ...]) -> Any:
    """A copy with another value at a path."""
    if not path:  # a kind is one of those that there are
        if value in KIND_NAMES:
            return "weighted" if value == "mean" else "mean"
        return {"cosine": "plateau", "plateau": "cosine"}.get(
            str(value), "cosine" if str(value) in KINDS else "another"
        )
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:])
    return copy


KINDS = set(POLICY.kinds)
RECORDED = Study.model_validate(WHOLE).model_dump(mode="json")
PATHS = list(leaves(RECORDED))


def test_every_member_is_named_in_the_key_or_makes_no_difference() -> None:
    assert set(unnamed(Study, STUDY)) == NO_DIFFERENCE


@pytest.mark.parametrize("path", PATHS, ids=lambda p: ".".join(map(str, p)))
def test_every_member_that_matters_makes_another_digest_and_nothing_else_does(path: tuple[Any, ...]) -> None:
    same = path[0] in NO_DIFFERENCE or ".".join(map(str, path)) in NO_DIFFERENCE
    assert (study_digest(changed(RECORDED, path)) == study_digest(RECORDED)) == same


def test_defaults_are_left_out() -> None:
    """Where a default changes, the key goes on leaving out the old one, and this test names what now stands in it."""
    assert STUDY.of(Study(name="s").model_dump(mode="json")) == {}


def test_fine_tuning_with_every_default_is_not_frozen_features() -> None:
    assert Study.model_validate({"name": "s", "finetune": {}}).digest != Study(name="s").digest


class OcclusionTable(StrictTable):
    """A table of a later hilum."""

    model: str = "none"


class LaterTraining(TrainingTable):
    """One more option of a table that there is."""

    average_weights: bool = False


class LaterStudy(Study):
    """What a study file may grow: an optional table, an option of a table, an option of the report alone."""

    occlusion: OcclusionTable | None = None
    training: LaterTraining = LaterTraining()
    report_language: str = "en"


def test_a_study_file_that_grows_leaves_every_digest_as_it_was() -> None:
    plain, later = Study.model_validate(WHOLE), LaterStudy.model_validate(WHOLE)
    assert "average_weights" in later.model_dump()["training"]
    assert later.digest == plain.digest
    assert LaterStudy.model_validate({**WHOLE, "report_language": "fr"}).digest == plain.digest


def test_a_new_table_that_matters_is_named_and_leaves_the_others_as_they_were() -> None:
    key = Key(**STUDY.members, occlusion=Optional(Key(model="none")))
    plain, occluded = (
        LaterStudy.model_validate({**WHOLE, **tables}).model_dump(mode="json")
        for tables in ({}, {"occlusion": {}})
    )
    assert key.digest(plain) == Study.model_validate(WHOLE).digest != key.digest(occluded)

"""Learning-rate policies, tables ``[policy.NAME]`` of a study file: a module a kind, its keys and its formula together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter

from hilum.core.keys import ByKind
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.policies.cosine import CosinePolicy
from hilum.study.policies.one_cycle import OneCyclePolicy
from hilum.study.policies.plateau import PlateauPolicy
from hilum.study.policies.step import StepPolicy
from hilum.study.policies.warmup import WarmupPolicy

Policy = Annotated[
    ConstantPolicy | OneCyclePolicy | PlateauPolicy | CosinePolicy | WarmupPolicy | StepPolicy,
    Field(discriminator="kind"),
]
"""The kinds that a study file may name: a new one is an entry here."""

_READ: TypeAdapter[Policy] = TypeAdapter(Policy)

POLICY = ByKind(
    {get_args(p.model_fields["kind"].annotation)[0]: p.key for p in get_args(get_args(Policy)[0])}
)
"""What a training depends on of its policy."""


def recorded_policy(table: Mapping[str, Any]) -> Policy:
    """The policy that a bundle was trained under, from its record.

    >>> recorded_policy({"kind": "constant", "learning_rate": 0.001}).max_rates
    (0.001,)
    """
    return _READ.validate_python(table)

"""The stages of a network, from its input to its head: what is unfrozen together and has one learning rate.

They are the blocks that each network's paper has, as its entry in `hilum.models.registry` names them. The head is always the last stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn import Parameter

from hilum.core.errors import HilumError
from hilum.models.networks import WholeNetwork

HEAD = "head"


@dataclass(frozen=True)
class Stage:
    """Weights that are unfrozen together.

    Attributes:
        name: For tables.
        parameters: Name in the network's state -> parameter.
    """

    name: str
    parameters: dict[str, Parameter]


def stages(network: WholeNetwork) -> list[Stage]:
    """Every weight of a network in exactly one stage, from the input to the head.

    Raises:
        HilumError: A weight that belongs to no stage.
    """
    modules = {
        f"body.net.{module}.": name
        for name, found in network.b.stages
        for module in found
    } | {"head.": HEAD}  # fmt: skip
    members: dict[str, dict[str, Parameter]] = {name: {} for name in (*dict(network.b.stages), HEAD)}
    for name, parameter in network.named_parameters():
        stage = next((s for prefix, s in modules.items() if name.startswith(prefix)), None)
        if stage is None:
            raise HilumError(f"the weight {name!r} of {network.b.name} belongs to no stage")
        members[stage][name] = parameter
    return [Stage(name, parameters) for name, parameters in members.items()]

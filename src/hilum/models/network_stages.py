"""The stages of a network, from its input to its head: what is unfrozen together and has one learning rate.

They are the blocks that each network's paper has: ResNet's four layers, DenseNet's four blocks (each with the transition behind it),
SqueezeNet's fire modules between two poolings, EfficientNet's block groups. The head is always the last stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn import Parameter

from hilum.core.errors import HilumError
from hilum.models.networks import WholeNetwork

HEAD = "head"

# name of a stage -> the library's names of its modules
_STAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "resnet50": {"stem": ("conv1", "bn1"), **{f"layer{k}": (f"layer{k}",) for k in (1, 2, 3, 4)}},
    "squeezenet1_0": {
        "stem": ("0",),
        "fire 2-4": ("3", "4", "5"),
        "fire 5-8": ("7", "8", "9", "10"),
        "fire 9": ("12",),
    },
    "densenet121": {
        "stem": ("conv0", "norm0"),
        **{f"block {k}": (f"denseblock{k}", f"transition{k}") for k in (1, 2, 3)},
        "block 4": ("denseblock4", "norm5"),
    },
    "tf_efficientnet_lite0": {
        "stem": ("conv_stem", "bn1"),
        **{f"block {k}": (f"blocks.{k}",) for k in range(7)},
        "top": ("conv_head", "bn2"),
    },
    "cnn": {"conv": ("0",)},
}


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
        for name, found in _STAGES[network.b.name].items()
        for module in found
    } | {"head.": HEAD}  # fmt: skip
    members: dict[str, dict[str, Parameter]] = {name: {} for name in (*_STAGES[network.b.name], HEAD)}
    for name, parameter in network.named_parameters():
        stage = next((s for prefix, s in modules.items() if name.startswith(prefix)), None)
        if stage is None:
            raise HilumError(f"the weight {name!r} of {network.b.name} belongs to no stage")
        members[stage][name] = parameter
    return [Stage(name, parameters) for name, parameters in members.items()]

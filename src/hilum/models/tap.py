"""Where a library's network is tapped."""

from __future__ import annotations

from torch import nn


def tapped(net: nn.Module, body: str, cut: str) -> nn.Module:
    """The part of a network that ends at the tap, its classifier taken off.

    Args:
        net: Of the library; what is taken off is taken off it.
        body: Name of the part; empty for all of it.
        cut: Name of the classifier in it; empty where there is none.
    """
    part = net.get_submodule(body)
    if cut:
        part.set_submodule(cut, nn.Identity())
    return part

"""Heads whose gradients are written out: what a head gives for a batch, and how its weights are to move, without a graph of operations.

A head is a stack of linear layers with or without a ReLU behind each, on vectors (`Vectors`), or one such layer at every place of a map
and the mean of the places (`Maps`); `kind_of` says which. Several heads go through a batch together: it is read and dropped out once. What
one of them gives does not depend on the others: on vectors each has its own matrix products, on maps its own sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.core.errors import HilumError
from hilum.models.heads import ConvHead
from hilum.training.regimen import dropout_factors


class Layer(NamedTuple):
    """A linear layer: weight (outputs, inputs) and bias (outputs,), their gradients, and whether a ReLU is behind it."""

    weight: Tensor
    bias: Tensor
    of_weight: Tensor
    of_bias: Tensor
    rectified: bool


class FlatHead:
    """A head whose weights lie in a row, as an optimiser takes them; the module sees the same memory.

    Attributes:
        module: The head.
        weights: All its weights, float32 (n,).
        gradient: Where their gradient goes, of that shape.
        layers: Views of both.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        rectified, tensors = _rectified(module), list(module.parameters())
        sizes = [t.numel() for t in tensors]
        with torch.no_grad():
            self.weights = torch.cat([t.reshape(-1) for t in tensors])
        self.gradient = torch.empty_like(self.weights)
        own, gradients = torch.split(self.weights, sizes), torch.split(self.gradient, sizes)
        for tensor, view in zip(tensors, own, strict=True):
            tensor.data = view.view(tensor.shape)
        self.layers = []
        for k, relu in enumerate(rectified):
            (weight, bias), (of_weight, of_bias) = own[2 * k : 2 * k + 2], gradients[2 * k : 2 * k + 2]
            shape = len(bias), -1
            self.layers.append(Layer(weight.view(shape), bias, of_weight.view(shape), of_bias, relu))


def _rectified(module: nn.Module) -> list[bool]:
    """Whether there is a ReLU behind each of a head's linear layers, in order.

    Raises:
        HilumError: It has another kind of layer, or one without a bias.
    """
    if isinstance(module, ConvHead):
        return [module.rectified]
    found: list[bool] = []
    for part in module if isinstance(module, nn.Sequential) else [module]:
        if isinstance(part, nn.Linear) and part.bias is not None:
            found.append(False)
        elif isinstance(part, nn.ReLU) and found:
            found[-1] = True
        else:
            raise HilumError(
                f"expected a head of linear layers and ReLUs behind them, or a ConvHead; got {part}"
            )
    return found


class Kind(Protocol):
    """How heads of a kind go through a batch. What `inputs` and `forward` give is for the calls after them, and for nobody else."""

    drops: bool
    """Whether a head of the kind drops inputs out where the study does not say."""
    evaluated: int
    """Films at once in evaluation."""

    def inputs(self, rows: Tensor, kept: NDArray[np.uint8] | None = None, dropout: float = 0.0) -> Any:
        """A batch from its stored features, (n, ...), what of them dropout keeps, of that shape, and the share that it drops."""

    def forward(self, heads: Sequence[FlatHead], inputs: Any) -> tuple[list[Tensor], Any]:
        """Logits of each head, float32 (n, n_outputs), and what `backward` needs."""

    def backward(
        self, heads: Sequence[FlatHead], inputs: Any, seen: Any, of_logits: Sequence[Tensor]
    ) -> None:
        """Leave the gradient of each head's weights in it, from those of its logits."""


class Vectors:
    """Stacks of linear layers on vectors."""

    drops = False
    evaluated = 256

    def inputs(self, rows: Tensor, kept: NDArray[np.uint8] | None = None, dropout: float = 0.0) -> Tensor:
        """As `Kind.inputs`."""
        x = rows.float()
        return x if kept is None else x.mul_(dropout_factors(kept, dropout))

    def forward(self, heads: Sequence[FlatHead], inputs: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """As `Kind.forward`; what each layer of each head gives is kept."""
        seen = [_through(head.layers, inputs) for head in heads]
        return [of_head[-1] for of_head in seen], seen

    def backward(
        self,
        heads: Sequence[FlatHead],
        inputs: Tensor,
        seen: list[list[Tensor]],
        of_logits: Sequence[Tensor],
    ) -> None:
        """As `Kind.backward`."""
        for head, given, g in zip(heads, seen, of_logits, strict=True):
            for k in range(len(head.layers) - 1, -1, -1):
                layer = head.layers[k]
                if layer.rectified:
                    g = g * (given[k] > 0)
                torch.mm(g.t(), given[k - 1] if k else inputs, out=layer.of_weight)
                torch.sum(g, 0, out=layer.of_bias)
                if k:
                    g = torch.mm(g, layer.weight)


def _through(layers: Sequence[Layer], x: Tensor) -> list[Tensor]:
    """What each layer gives."""
    given = []
    for layer in layers:
        x = torch.addmm(layer.bias, x, layer.weight.t())
        if layer.rectified:
            x.relu_()
        given.append(x)
    return given


class MapBatch(NamedTuple):
    """Maps as the compiled loops take them.

    Attributes:
        stored: The bits of each film's map, (n, channels * places), unsigned.
        kept: 1 where a value is kept, else 0, uint8, of that shape.
        factor: What values that are kept are multiplied by, as dropout asks.
        places: Of a map.
    """

    stored: NDArray[Any]
    kept: NDArray[np.uint8]
    factor: np.float32
    places: int


_BITS: dict[torch.dtype, type] = {torch.float16: np.uint16, torch.float32: np.uint32}
"""Of each type that maps are stored in, what holds its bits."""


class Maps:
    """One linear layer at every place of a map, a ReLU or none, and the mean of the places."""

    drops = True
    evaluated = 32

    def __init__(self) -> None:
        self._all_kept = np.ones((0, 0), np.uint8)

    def inputs(self, rows: Tensor, kept: NDArray[np.uint8] | None = None, dropout: float = 0.0) -> MapBatch:
        """As `Kind.inputs`."""
        n, places = len(rows), int(np.prod(rows.shape[2:]))
        stored: NDArray[Any] = rows.numpy().reshape(n, -1).view(_BITS[rows.dtype])
        factor = np.float32(1) if kept is None else np.float32(1) / np.float32(1 - dropout)
        seen = self._everything(stored.shape) if kept is None else kept.reshape(n, -1)
        return MapBatch(stored, seen, factor, places)

    def _everything(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        if self._all_kept.shape[1:] != shape[1:] or len(self._all_kept) < shape[0]:
            self._all_kept = np.ones(shape, np.uint8)
        return self._all_kept[: shape[0]]

    def forward(
        self, heads: Sequence[FlatHead], inputs: MapBatch
    ) -> tuple[list[Tensor], NDArray[np.float32]]:
        """As `Kind.forward`; the slopes of the ReLU are kept."""
        from hilum.training.map_kernel import forward

        stored, kept, factor, places = inputs
        layers = [head.layers[0] for head in heads]
        weight = np.stack([layer.weight.numpy() for layer in layers])
        bias = np.stack([layer.bias.numpy() for layer in layers])
        n_heads, n_classes, _ = weight.shape
        logits = np.empty((n_heads, len(stored), n_classes), np.float32)
        slope = np.empty((*logits.shape, places), np.float32)
        forward(stored, kept, factor, weight, bias, layers[0].rectified, logits, slope)
        return list(torch.from_numpy(logits)), slope

    def backward(
        self,
        heads: Sequence[FlatHead],
        inputs: MapBatch,
        seen: NDArray[np.float32],
        of_logits: Sequence[Tensor],
    ) -> None:
        """As `Kind.backward`."""
        from hilum.training.map_kernel import backward

        stored, kept, factor, _ = inputs
        layers = [head.layers[0] for head in heads]
        of_weight = np.empty((len(heads), *layers[0].weight.shape), np.float32)
        of_bias = np.empty(of_weight.shape[:2], np.float32)
        given = np.stack([g.numpy() for g in of_logits])
        backward(stored, kept, factor, seen, given, of_weight, of_bias)
        for layer, w, b in zip(layers, of_weight, of_bias, strict=True):
            layer.of_weight.numpy()[:] = w
            layer.of_bias.numpy()[:] = b


def kind_of(head: nn.Module) -> Kind:
    """How a head goes through a batch: on maps, or on vectors."""
    return Maps() if isinstance(head, ConvHead) else Vectors()

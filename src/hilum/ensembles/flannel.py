"""FLANNEL's neural weighing module: members are weighed film by film, by what all of them say of it.

Qiao, Bae, Glass, Xiao, Sun: "FLANNEL (Focal Loss bAsed Neural Network EnsembLe) for COVID-19 detection", JAMIA 28(3), 2021, 444-452
(https://doi.org/10.1093/jamia/ocaa280). Facts are of its scripts, https://github.com/qxiaobu/FLANNEL at commit 664e1a4; no code of them is
here. With M members and K classes (theirs: 5 and 4):

* the M * K probabilities side by side, their outer product with themselves, (M K)^2 = 400 values, one linear layer to M weights (2 005
  parameters), a softmax, and the members' probabilities added up with these weights: ``models/proposedModels/models/ensemble_learning.py``,
  lines 74-84 (``FlannelNet``). The module's other layers, 54 145 parameters, are used by nothing. ``GENet``, lines 43-54, has tanh in place
  of the softmax, and is what the script takes unless told otherwise (``ensemble_step2_ensemble_learning.py``, line 104).
* focal loss, -alpha_c (1 - p_c)^gamma log(p_c + 1e-9), c the true class: ``models/proposedModels/loss.py``, lines 20-43. There p is a
  softmax of what comes out, which is a mixture of probabilities already; the losses of a batch are added up, whatever the switch of
  averaging says; gamma is 10 and alpha 1000 / count (line 195 of the script, lines 227-232 of ``data/ensemble_dataset.py``). The table of
  results has that softmax too (line 249).
* Adam, rate 1e-5, weight decay 1e-4, 40 epochs, batches of 20, in single precision (lines 67-88, 198, 307); no step of its schedule is
  reached (line 81).
* fitted on the members' answers of their own training films (line 152). Every second epoch may be kept, the one of the highest accuracy on
  validation films so far (lines 269-278).

Here the weights are drawn as ``torch.nn.Linear`` draws them, uniformly within 1 / sqrt(inputs), by a generator of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from hilum.core.seeding import generator
from hilum.ensembles.fitting import Arrays, Fitting, Said
from hilum.study.ensembles import FlannelEnsemble

if TYPE_CHECKING:
    from torch import Tensor

_KEPT_OFF_ZERO: Final = 1e-9
_OF_COUNT: Final = 1000.0


def fit(table: FlannelEnsemble, films: Fitting, seed: int) -> dict[str, NDArray[Any]]:
    """The ``weight`` of the linear layer, float32 (M, (M K)^2), and its ``bias``, (M,)."""
    import torch

    n, m, classes = films.said.shape
    rng, bound = generator(seed, "flannel"), 1 / (m * classes)  # 1 / sqrt((M K)^2)
    weight, bias = (
        torch.tensor(rng.uniform(-bound, bound, shape), dtype=torch.float32, requires_grad=True)
        for shape in ((m, (m * classes) ** 2), (m,))
    )
    p = torch.tensor(np.exp(films.said), dtype=torch.float32)
    y, alpha = torch.tensor(films.labels), _alpha(table, films)
    adam = torch.optim.Adam([weight, bias], lr=table.learning_rate, weight_decay=table.weight_decay)
    kept: dict[str, NDArray[Any]] = {}
    best = 0.0
    for epoch in range(table.epochs):
        order = torch.tensor(rng.permutation(n))
        for k in range(0, n, table.batch):
            which = order[k : k + table.batch]
            adam.zero_grad()
            loss = focal(table, _mixed(table, p[which], weight, bias), y[which], alpha)
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        now = {"weight": weight.detach().numpy().copy(), "bias": bias.detach().numpy().copy()}
        if table.keep == "last" or films.watched is None:
            kept = now
            continue
        right = logits(table, now, films.watched.said).argmax(axis=1) == films.watched.labels
        if (accuracy := float(right.mean())) > best:
            best, kept = accuracy, now if epoch % 2 == 0 else kept
    return kept or now


def _alpha(table: FlannelEnsemble, films: Fitting) -> Tensor | None:
    """Weight of each class."""
    import torch

    if table.class_weight == "none":
        return None
    counts = np.bincount(films.labels, minlength=films.n_classes)
    return torch.tensor(_OF_COUNT / np.maximum(counts, 1), dtype=torch.float32)


def _mixed(table: FlannelEnsemble, p: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """What comes out of probabilities (n, M, K): (n, K)."""
    flat = p.flatten(1)
    layer = (flat[:, :, None] * flat[:, None, :]).flatten(1) @ weight.T + bias
    of_member = layer.softmax(1) if table.activation == "softmax" else layer.tanh()
    return (of_member[:, :, None] * p).sum(1)


def focal(table: FlannelEnsemble, out: Tensor, labels: Tensor, alpha: Tensor | None) -> Tensor:
    """The loss of a batch: of what came out, (n, K), or of a softmax of it."""
    p = (out.softmax(1) if table.second_softmax else out).gather(1, labels[:, None])[:, 0]
    each = -((1 - p).clamp(min=1e-12) ** table.gamma) * (p + _KEPT_OFF_ZERO).log()
    if alpha is not None:
        each = alpha[labels] * each
    return each.sum() if table.summed else each.mean()


def weights_of_members(table: FlannelEnsemble, arrays: Arrays, members: Said) -> NDArray[np.float64]:
    """The weight of each member for each film, (n, M)."""
    flat = np.exp(members).reshape(len(members), -1)
    # the layer of the outer product, a member after another: x' W x, which needs no (n, (M K)^2) array
    square = arrays["weight"].astype(np.float64).reshape(-1, flat.shape[1], flat.shape[1])
    layer = np.einsum("ni,mij,nj->nm", flat, square, flat, optimize=True) + arrays["bias"]
    return np.asarray(softmax(layer, axis=1) if table.activation == "softmax" else np.tanh(layer))


def logits(table: FlannelEnsemble, arrays: Arrays, members: Said) -> NDArray[np.float64]:
    """Logits: the logarithm of the mixture, or the mixture itself where it is taken for logits."""
    mixed = np.einsum("nm,nmk->nk", weights_of_members(table, arrays, members), np.exp(members))
    if table.second_softmax:
        return np.asarray(mixed)
    return np.asarray(np.log(np.maximum(mixed, np.finfo(np.float64).tiny)))


def cost(members: int, classes: int) -> tuple[int, int]:
    """Parameters of the linear layer; multiply-adds of the outer product, the layer and the weighted sum.

    >>> cost(5, 4)[0]
    2005
    """
    outer = (members * classes) ** 2
    return outer * members + members, outer + outer * members + members * classes

"""Checks of the map itself: does it change with the weights, does the answer follow what it marks, does it hold still, does it add up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

from hilum.artifacts.explanations import MapCheck
from hilum.core.seeding import generator, key_entropy
from hilum.explain.checks import Asked
from hilum.explain.methods import baseline
from hilum.explain.network import Explained
from hilum.study.explanations import METHODS, settled

Map = NDArray[np.float32]
SHUFFLES = 2
"""Shuffled networks: one alone may be like the map by chance, where the map has few places."""
ALIKE = 0.5
"""Rank correlation from which two maps of one film are called alike. On real films (SqueezeNet 1.0 and EfficientNet-Lite0, heads on
frozen features): Grad-CAM and LayerCAM .10 to .37 with shuffled weights, .69 to .95 with the film moved; integrated gradients .27 to .30
with the film moved, pixel by pixel as they are."""
RANDOM_MAPS = 9
"""With nine random maps a map that means nothing beats eight of them once in five times."""
MUST_BEAT = 0.8
"""Share of the random maps that a map must beat."""
MUST_MOVE = 0.01
"""How far apart the two areas must be for the map or a random one: of a class that the model gives .009 whatever it is shown, a map beat
the random ones by .0003 on 101 of 155 films, which shows nothing."""
STEPS = 10
"""Points of a deletion curve beyond the first."""
SHIFT_PX = (3, 3)
"""Down and right: less than any network's last map resolves."""
INCOMPLETE = 0.05
"""Share of the logits' difference that a complete map may miss: 50 steps left .002 to .027 on real films."""
_BATCH = 16


def rank_correlation(a: Map, b: Map) -> float:
    """Spearman's correlation of two maps, pixel by pixel; 0 where one of them is the same everywhere."""
    if min(np.ptp(a), np.ptp(b)) == 0:
        return 0.0
    first, second = (rankdata(m.astype(np.float64), axis=None) for m in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


@contextmanager
def shuffled(model: Explained, seed: int) -> Iterator[None]:
    """The model with the weights of the later half of its stages, the head's too, shuffled; they are put back at the end.

    What each filter multiplies is exchanged, in a tensor in one order for all its filters. Each filter keeps its mean and spread, and
    BatchNorm what it knows of its output, so that no network falls silent. The head and one stage are not enough: where a trained network's
    earlier maps already mark one place, any mixture of them marks it too.
    """
    stages = list(model.network.stages().values())
    weights = {n: p for of in stages[len(stages) // 2 :] for n, p in of.items() if p.ndim > 1}
    kept = {name: p.detach().clone() for name, p in weights.items()}
    try:
        with torch.no_grad():
            for name, p in weights.items():
                filters = kept[name].flatten(1)
                order = generator(seed, "shuffled", name).permutation(filters.shape[1])
                p.copy_(filters[:, torch.from_numpy(order).to(p.device)].view_as(p))
        yield
    finally:
        with torch.no_grad():
            for name, p in weights.items():
                p.copy_(kept[name])


def randomised(asked: Asked) -> MapCheck:
    """Mean |rank correlation| of the map with those of shuffled networks."""
    alike = []
    for k in range(SHUFFLES):
        with shuffled(asked.model, key_entropy(asked.seed, "randomised", k) % 2**63):
            alike.append(abs(rank_correlation(asked.map, asked.again(asked.film))))
    value = float(np.mean(alike))
    passed = value < ALIKE and bool(np.ptp(asked.map) > 0)
    words = (
        f"with shuffled weights the map changes (rank correlation {value:.2f}, below {ALIKE})"
        if passed
        else f"with shuffled weights the map is much the same (rank correlation {value:.2f}): it shows the film, not what was learned"
    )
    if not np.ptp(asked.map) > 0:
        words = "the map is the same everywhere: it shows nothing"
    return MapCheck.of("randomised", value, ALIKE, passed, words)


def order_of(heat: Map, rng: np.random.Generator) -> NDArray[np.int64]:
    """Pixels of a map, flat, the highest first; like pixels in an order drawn from `rng`."""
    return np.lexsort((rng.random(heat.size), -heat.ravel().astype(np.float64)))


def curves(
    asked: Asked, orders: list[NDArray[np.int64]], insert: bool, steps: int = STEPS
) -> NDArray[np.float64]:
    """Probability of the class while pixels are removed (or shown) in an order, (n_orders, steps + 1).

    What is removed, or not yet shown, is the film's mean grey. Point k has the first k / steps of the pixels removed.
    """
    film = asked.model.tensor(asked.film)
    blank = baseline("mean", film)
    first, second = (blank, film) if insert else (film, blank)
    ends = torch.cat([first, second])
    flat_first, flat_second = first.flatten(), second.flatten()

    def perturbed() -> Iterator[Tensor]:
        for order in orders:
            x, at = flat_first.clone(), torch.from_numpy(order).to(film.device)
            cuts = [round(k * len(order) / steps) for k in range(steps + 1)]
            for k in range(1, steps):
                which = at[cuts[k - 1] : cuts[k]]
                x[which] = flat_second[which]
                yield x.view_as(film).clone()

    films = list(perturbed())
    with torch.inference_mode():
        p = [
            asked.model.net(torch.cat(part)).softmax(1)[:, asked.target]
            for part in (films[k : k + _BATCH] for k in range(0, len(films), _BATCH))
        ]
        at_ends = asked.model.net(ends).softmax(1)[:, asked.target].double().cpu().numpy()
    inner = torch.cat(p).double().cpu().numpy().reshape(len(orders), steps - 1)
    full = np.ones((len(orders), 1))
    return np.concatenate([full * at_ends[0], inner, full * at_ends[1]], axis=1)


def _moved_at_random(heat: Map, rng: np.random.Generator) -> Map:
    """The same map elsewhere: moved around the film's edges, and mirrored or not; as smooth as it was."""
    down, right = rng.integers(0, heat.shape)
    heat = np.roll(heat, (int(down), int(right)), (0, 1))
    return heat[:, ::-1] if rng.random() < 0.5 else heat


def deletion_insertion(asked: Asked) -> MapCheck:
    """Area under the probability while what the map marks is shown, less that while it is removed.

    Both together, since one of them alone cannot tell where any change of the film overthrows the answer, or none does.
    """
    rng = generator(asked.seed, "random maps")
    maps = [asked.map, *(_moved_at_random(asked.map, rng) for _ in range(RANDOM_MAPS))]
    orders = [order_of(m, rng) for m in maps]
    inserted, deleted = (
        np.asarray(np.trapezoid(curves(asked, orders, insert), dx=1 / STEPS, axis=1))
        for insert in (True, False)
    )
    apart = inserted - deleted
    value, others = float(apart[0]), apart[1:]
    beaten = int((others < value).sum())
    still = float(np.abs(apart).max()) < MUST_MOVE
    passed = beaten >= MUST_BEAT * RANDOM_MAPS and not still
    at_random = {
        "deletion at random": float(deleted[1:].mean()),
        "insertion at random": float(inserted[1:].mean()),
    }
    also = {"deletion": float(deleted[0]), "insertion": float(inserted[0]), **at_random}
    found = (
        "hardly moves, whatever is removed"
        if still
        else f"{'follows' if passed else 'does not follow'} what the map marks"
    )
    words = (
        f"the answer {found}: better than {beaten} of {RANDOM_MAPS} maps moved at "
        f"random (probability {also['deletion']:.2f} on average while it is removed, at random {also['deletion at random']:.2f}; "
        f"{also['insertion']:.2f} while it is shown, at random {also['insertion at random']:.2f})"
    )
    also |= {"beaten": float(beaten), "of": float(RANDOM_MAPS)}
    return MapCheck.of("deletion-insertion", value, float(others.mean()), passed, words, **also)


def moved(film: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    """A film moved by some pixels, its edge repeated behind it."""
    padded = np.pad(film, ((down, 0), (right, 0)), mode="edge")
    return np.ascontiguousarray(padded[: film.shape[0], : film.shape[1]])


def stability(asked: Asked) -> MapCheck:
    """Rank correlation of the map with that of the film moved, both where they overlap.

    ``sensitivity`` is Quantus's: the Frobenius norm of the difference over that of the map.
    """
    down, right = SHIFT_PX
    there = asked.again(moved(asked.film, down, right))[down:, right:]
    here = asked.map[: there.shape[0], : there.shape[1]]
    value = rank_correlation(here, there)
    norm = float(np.linalg.norm(here))
    also = {"sensitivity": float(np.linalg.norm(here - there)) / norm} if norm > 0 else {}
    passed = value > ALIKE
    words = f"of the film moved by {down} px the map is {'much the same' if passed else 'another'} (rank correlation {value:.2f})"
    return MapCheck.of("stability", value, ALIKE, passed, words, **also)


def completeness(asked: Asked) -> MapCheck | None:
    """How much of the difference of the logit between film and baseline the map's sum misses; of methods that promise it."""
    if not METHODS[asked.method].complete:
        return None
    options = settled(asked.method, asked.options)
    film = asked.model.tensor(asked.film)
    with torch.inference_mode():
        z = asked.model.net(torch.cat([film, baseline(options["baseline"], film)]))[:, asked.target]
    wanted, total = float(z[0] - z[1]), float(asked.map.sum(dtype=np.float64))
    value = abs(total - wanted) / max(abs(wanted), 1e-12)
    passed = value <= INCOMPLETE
    words = f"the map adds up to {total:.3g} of {wanted:.3g}: {'complete' if passed else 'take more steps'}"
    return MapCheck.of("completeness", value, INCOMPLETE, passed, words, sum=total, difference=wanted)

"""What sets hold, what the gate refuses, what leaving out the least certain films is worth, and how far trials are apart on a film.

Convention: shares of sets and of the gate weigh every patient the same, as their thresholds' guarantee does (`hilum.stats.conformal`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.artifacts.evaluation import Points, Selective
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.probabilities import Covered, Refused, Spread
from hilum.stats.conformal import LEVELS, patient_weights
from hilum.stats.curves import thin
from hilum.stats.intervals import Interval, few_events_interval
from hilum.stats.proportions import wilson
from hilum.stats.scored_films import ScoredFilms

Group = tuple[str, str, NDArray[np.bool_]]


def covered(films: Predictions, clusters: Sequence[str], sources: Sequence[str]) -> tuple[Covered, ...]:
    """Coverage and size of the sets of each level, of all films, by class and by source; empty where the predictions have no sets."""
    found: list[Covered] = []
    of = np.array(clusters)
    for level in LEVELS:
        texts = films.judged.get(f"set_{level}")
        if not texts:
            continue
        names = [[c for c in films.classes if c in set(t.split("|"))] for t in texts]
        holds = np.array([y in held for y, held in zip(films.y_true, names, strict=True)], dtype=np.float64)
        sizes = np.array([len(held) for held in names], dtype=np.float64)
        for by, group, which in _groups(films, sources):
            shares = (_mean(v[which], of[which]) for v in (holds, sizes, (sizes == 1).astype(np.float64)))
            found.append(Covered(level, by, group, int(which.sum()), len(set(of[which])), *shares))
    return tuple(found)


def _groups(films: Predictions, sources: Sequence[str]) -> Iterator[Group]:
    yield "all", "", np.ones(len(films), dtype=np.bool_)
    for by, values in (("class", np.array(films.y_true)), ("source", np.array(sources))):
        names = [c for c in films.classes if c in values] if by == "class" else sorted(set(values.tolist()))
        for name in names:
            yield by, name, values == name


def _mean(values: NDArray[np.float64], clusters: NDArray[np.str_]) -> float:
    return float(np.average(values, weights=patient_weights(clusters)))


def refused(films: Predictions, clusters: Sequence[str], sources: Sequence[str]) -> tuple[Refused, ...]:
    """What the gate refuses of each source; empty where the predictions know no strangers."""
    texts = films.judged.get("stranger")
    if not texts:
        return ()
    strange, of = np.array([t == "1" for t in texts], dtype=np.float64), np.array(clusters)
    return tuple(
        Refused(source, int(which.sum()), len(set(of[which])), _mean(strange[which], of[which]))
        for by, source, which in _groups(films, sources)
        if by == "source"
    )


def selective(y_true: ArrayLike, y_score: ArrayLike, stranger: Sequence[str] = ()) -> Selective:
    """Errors among the films kept, from the most certain film on; films of one confidence are kept or left out together.

    The area is the mean over films of the risk at their coverage (Geifman & El-Yaniv 2017).

    Args:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, (n_films, n_classes).
        stranger: ``"1"`` where the gate refuses a film; empty without a gate.
    """
    score = np.asarray(y_score, dtype=np.float64)
    confidence, wrong = score.max(axis=1), score.argmax(axis=1) != np.asarray(y_true)
    order = np.argsort(-confidence, kind="stable")
    last = np.append(np.flatnonzero(np.diff(confidence[order])), len(order) - 1)
    kept, errors = (last + 1).astype(np.float64), np.cumsum(wrong[order])[last]
    risk = errors / kept
    area = float((risk * np.diff(kept, prepend=0)).sum() / len(order))
    curve = thin(Points(kept / len(order), risk))
    if not stranger:
        return Selective(area, curve)
    known = np.array([t != "1" for t in stranger])
    return Selective(area, curve, float(known.mean()), float(wrong[known].mean()) if known.any() else None)


def spread(trials: Sequence[ScoredFilms], positive: int) -> Spread | None:
    """How far trials are apart on the films that two or more of them tested; None where there is none.

    Args:
        trials: With ids, all of one cell.
        positive: Number of the class whose probability it is.
    """
    scores: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    truth: dict[str, int] = {}
    for t in trials:
        for i, y, p in zip(t.image_ids, t.y_true, t.y_score, strict=True):
            scores[str(i)].append(p)
            truth[str(i)] = int(y)
    shared = {i: np.stack(p) for i, p in scores.items() if len(p) > 1}
    if not shared:
        return None
    apart = np.array([p[:, positive].std(ddof=1) for p in shared.values()])
    right = np.array([p.mean(axis=0).argmax() == truth[i] for i, p in shared.items()])
    median, high = (float(v) for v in np.quantile(apart, [0.5, 0.95]))
    of = [float(np.median(apart[w])) if w.any() else None for w in (right, ~right)]
    return Spread(len(apart), median, high, *of)


def share_interval(shares: Sequence[float], patients: Sequence[int]) -> Interval:
    """The 95 % interval of a mean over trials of shares in which every patient weighs the same.

    Wilson's with as many draws as a trial has patients, which films of a patient that differ can only make too wide, and Student's over
    trials, joined as `few_events_interval` says. Trials count as if they shared their films.
    """
    points, n = np.asarray(shares, dtype=np.float64), float(np.mean(patients))
    mean = min(1.0, float(points.mean()))
    return few_events_interval(points, lambda level: wilson(mean * n, n, level))

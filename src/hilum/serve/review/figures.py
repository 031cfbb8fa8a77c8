"""What a queue's answers come to: how far readers agree, and readers against the model by the same statistics.

Convention: of a reader's answers to a film one counts: the first in a blinded queue, which was given before anything was shown, else the
last. Films that a reader called "cannot tell" or "not usable" are left out of that reader's figures and counted. Sensitivity and
specificity are of the run's positive class against the run's labels, with the intervals of every other table of hilum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.statistics import StatisticsRow
from hilum.serve.review.records import Answer, Item, Queue
from hilum.stats.agreement import Agreement, cohen_kappa, fleiss_kappa
from hilum.stats.confusion import Undefined
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics

METRICS = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
N_RESAMPLES = 1000


@dataclass(frozen=True)
class ReaderFigures:
    """A reader beside the model, on the films to which the reader gave a class.

    Attributes:
        reader: Who.
        n_answered: Films answered.
        n_without: Of these, films to which no class was given.
        reader_rows: Metric -> the reader's row; empty without films.
        model_rows: Metric -> the model's, of the same films.
        with_model: Cohen's kappa of reader and model.
        with_label: Cohen's kappa of reader and the run's labels.
    """

    reader: str
    n_answered: int
    n_without: int
    reader_rows: Mapping[str, StatisticsRow]
    model_rows: Mapping[str, StatisticsRow]
    with_model: Agreement | Undefined
    with_label: Agreement | Undefined


@dataclass(frozen=True)
class QueueFigures:
    """Figures of a queue.

    Attributes:
        readers: In the order of their names.
        pairs: (reader, reader, Cohen's kappa over the films to which both gave a class).
        all_readers: Fleiss' kappa over the films to which all gave a class; None for fewer than two readers.
        unit: What intervals resample.
    """

    readers: Sequence[ReaderFigures]
    pairs: Sequence[tuple[str, str, Agreement | Undefined]]
    all_readers: Agreement | Undefined | None
    unit: str


def counted(queue: Queue, answers: Sequence[Answer]) -> dict[str, dict[int, Answer]]:
    """Reader -> place of a film -> the answer that counts."""
    found: dict[str, dict[int, Answer]] = {}
    for a in sorted(answers, key=lambda a: a.id):
        of_reader = found.setdefault(a.reader, {})
        if not queue.blinded or a.n not in of_reader:
            of_reader[a.n] = a
    return dict(sorted(found.items()))


def queue_figures(queue: Queue, items: Sequence[Item], answers: Sequence[Answer]) -> QueueFigures:
    """All figures of a queue."""
    number = {c: k for k, c in enumerate(queue.classes)}
    of = {i.n: i for i in items}
    units = {i.unit for i in items}
    unit = (
        "patient or group"
        if len(units) < len(items) or any(not u.startswith("film ") for u in units)
        else "film"
    )
    said = {
        reader: {n: number[a.label] for n, a in mine.items() if a.label}
        for reader, mine in counted(queue, answers).items()
    }
    n_answered = {reader: len(mine) for reader, mine in counted(queue, answers).items()}
    readers = [_reader(queue, of, r, said[r], n_answered[r], unit, number) for r in said]
    pairs = []
    for a, b in combinations(said, 2):
        both = sorted(said[a].keys() & said[b].keys())
        first, second = ([said[r][n] for n in both] for r in (a, b))
        pairs.append((a, b, cohen_kappa(first, second, len(number), [of[n].unit for n in both])))
    everyone = None
    if len(said) > 1:
        shared = sorted(set.intersection(*(set(s) for s in said.values())))
        table = np.array([np.bincount([s[n] for s in said.values()], minlength=len(number)) for n in shared])
        everyone = fleiss_kappa(table, [of[n].unit for n in shared])
    return QueueFigures(readers, pairs, everyone, unit)


def _reader(
    queue: Queue, of: Mapping[int, Item], reader: str, said: Mapping[int, int], n_answered: int, unit: str, number: Mapping[str, int]
) -> ReaderFigures:  # fmt: skip
    films = [of[n] for n in sorted(said)]
    mine = np.array([said[i.n] for i in films], dtype=np.int64)
    model = np.array([number[i.said] for i in films], dtype=np.int64)
    label = np.array([number[i.label] for i in films], dtype=np.int64)
    clusters = [i.unit for i in films]
    own, of_model = (_rows(queue, label, v, clusters, unit) for v in (mine, model))
    with_model, with_label = (cohen_kappa(mine, other, len(number), clusters) for other in (model, label))
    return ReaderFigures(reader, n_answered, n_answered - len(films), own, of_model, with_model, with_label)


def _rows(
    queue: Queue, label: NDArray[np.int64], said: NDArray[np.int64], clusters: Sequence[str], unit: str
) -> dict[str, StatisticsRow]:
    """Metric -> its row for the positive class, of decisions without a probability."""
    if not len(label):
        return {}
    sure = np.eye(len(queue.classes))[said]
    scored = ScoredFilms(label, sure, np.array(clusters))
    rows = cell_statistics([scored], queue.classes, queue.positive, unit, 0, N_RESAMPLES)
    return {r.metric: r for r in rows if r.class_ == queue.positive and r.metric in METRICS}

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

from hilum.artifacts.statistics import StatisticsRow
from hilum.serve.review.against_model import N_RESAMPLES, ReaderTest, reader_tests
from hilum.serve.review.overlap import Overlap, overlaps
from hilum.serve.review.records import Answer, Item, Queue
from hilum.stats.agreement import Agreement, cohen_kappa, fleiss_kappa
from hilum.stats.confusion import Undefined, predicted_class
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics

METRICS = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


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
        tests: Of readers against the model; none where the queue is not at random.
        overlaps: Of the regions of two readers.
    """

    readers: Sequence[ReaderFigures]
    pairs: Sequence[tuple[str, str, Agreement | Undefined]]
    all_readers: Agreement | Undefined | None
    unit: str
    tests: Sequence[ReaderTest]
    overlaps: Sequence[Overlap]


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
    counts = counted(queue, answers)
    said = {r: {n: number[a.label] for n, a in mine.items() if a.label} for r, mine in counts.items()}
    scored = {r: _scored(of, said[r], number) for r in said}
    readers = [_reader(queue, r, *scored[r], len(counts[r]), unit) for r in said]
    tested = {r: both for r, both in scored.items() if len(both[0].y_true) and queue.kind == "random"}
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
    tests = reader_tests(tested, queue.classes, queue.positive, unit)
    drawn = overlaps(counts, {n: i.unit for n, i in of.items()})
    return QueueFigures(readers, pairs, everyone, unit, tests, drawn)


def _scored(
    of: Mapping[int, Item], said: Mapping[int, int], number: Mapping[str, int]
) -> tuple[ScoredFilms, ScoredFilms]:
    """A reader's decisions, and the model's on the same films; without probabilities."""
    films = [of[n] for n in sorted(said)]
    label = np.array([number[i.label] for i in films], dtype=np.int64)
    clusters, ids = np.array([i.unit for i in films]), [i.image_id for i in films]
    sure = np.eye(len(number))
    mine, model = (
        sure[np.array(v, dtype=np.int64)]
        for v in ([said[i.n] for i in films], [number[i.said] for i in films])
    )
    return ScoredFilms(label, mine, clusters, ids), ScoredFilms(label, model, clusters, ids)


def _reader(
    queue: Queue, reader: str, mine: ScoredFilms, model: ScoredFilms, n_answered: int, unit: str
) -> ReaderFigures:
    label, clusters, n = mine.y_true, mine.clusters.tolist(), len(mine.y_true)
    said, of_model = (predicted_class(films.y_score) for films in (mine, model))
    with_model, with_label = (
        cohen_kappa(said, other, len(queue.classes), clusters) for other in (of_model, label)
    )
    rows, model_rows = (_rows(queue, films, unit) for films in (mine, model))
    return ReaderFigures(reader, n_answered, n_answered - n, rows, model_rows, with_model, with_label)


def _rows(queue: Queue, films: ScoredFilms, unit: str) -> dict[str, StatisticsRow]:
    """Metric -> its row for the positive class."""
    if not len(films.y_true):
        return {}
    rows = cell_statistics([films], queue.classes, queue.positive, unit, 0, N_RESAMPLES)
    return {r.metric: r for r in rows if r.class_ == queue.positive and r.metric in METRICS}

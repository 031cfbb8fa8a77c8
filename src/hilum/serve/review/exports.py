"""What readers said, as csv: labels that ``hilum ingest --labels`` takes, every answer as it came, and the figures of a queue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from hilum.core.tables import table_text
from hilum.serve.review.figures import QueueFigures, counted
from hilum.serve.review.records import Answer, Item, Queue
from hilum.stats.agreement import Agreement
from hilum.stats.confusion import Undefined

LABEL_COLUMNS = ("image_id", "label", "leave_out", "given_label", "reading", "comment")
"""Those that `hilum.sources.labels` reads, or knows to be for people."""
FIGURE_COLUMNS = (
    "figure", "first", "second", "films", "estimate", "low", "high", "low_together", "high_together", "gained", "lost", "p_mcnemar",
    "p_clusters", "p_adjusted", "verdict", "method", "note",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def labels_csv(queue: Queue, items: Sequence[Item], answers: Sequence[Answer]) -> str:
    """A row for each film that somebody answered, of the answers that count.

    `label` is the class that more than half of its readers gave it, else empty, and the film's label stays; `leave_out` is filled where
    more than half called it not usable. What was said stands in `reading`, with how many said it where readers differ.
    """
    of = {i.n: i for i in items}
    said: dict[int, list[Answer]] = {}
    for mine in counted(queue, answers).values():
        for n, a in mine.items():
            said.setdefault(n, []).append(a)
    rows = []
    for n in sorted(said):
        votes = Counter(a.reading for a in said[n])
        most, times = votes.most_common(1)[0]
        agreed = most if 2 * times > len(said[n]) else ""
        reading = agreed if len(votes) == 1 else ", ".join(f"{r} {k}" for r, k in sorted(votes.items()))
        comments = "; ".join(
            f"{a.reader}: {' '.join(a.comment.split())}" for a in said[n] if a.comment.strip()
        )
        label = agreed if agreed in queue.classes else ""
        leave_out = agreed if agreed == "not usable" else ""
        rows.append((of[n].image_id, label, leave_out, of[n].label, reading, plain(comments)))
    return table_text(LABEL_COLUMNS, rows)


def answers_csv(items: Sequence[Item], answers: Sequence[Answer]) -> str:
    """A row for each answer, all of them, in the order in which they came."""
    of = {i.n: i for i in items}
    columns = (
        "id", "at", "reader", "name_from", "image_id", "place", "verdict", "label", "given_label", "model_said", "informed", "regions",
        "comment",
    )  # fmt: skip
    rows = [
        (
            str(a.id), a.at, plain(a.reader), "token" if a.known else "typed", of[a.n].image_id, str(a.n), a.verdict, a.label,
            of[a.n].label, of[a.n].said, "yes" if a.informed else "no", json.dumps([r.model_dump(mode="json") for r in a.regions]),
            plain(a.comment),
        )
        for a in answers
    ]  # fmt: skip
    return table_text(columns, rows)


def figures_csv(figures: QueueFigures) -> str:
    """A row for each figure of a queue's page, with its 95 % interval.

    `figure` is a metric's name, ``<metric>, reader minus model``, ``kappa`` or ``overlap of regions``; `first` and `second` say of whom.
    `low_together` and `high_together` are of the interval that holds for all readers together. What is undefined is empty, with the reason
    in `note`.
    """
    rows: list[dict[str, object]] = []
    for r in figures.readers:
        beside = ((plain(r.reader), "", r.reader_rows), ("the model", f"films of {r.reader}", r.model_rows))
        for who, which, of in beside:
            rows += [
                {"figure": m, "first": who, "second": which, "films": row.n,
                 "estimate": row.estimate, "low": row.low, "high": row.high, "method": row.method, "note": row.note}
                for m, row in of.items()
            ]  # fmt: skip
    for t in figures.tests:
        rows.append(
            {"figure": f"{t.metric}, reader minus model", "first": plain(t.reader), "second": "the model", "films": t.n,
             "estimate": t.estimate, "low": t.low_one, "high": t.high_one, "low_together": t.low, "high_together": t.high,
             "gained": t.gained, "lost": t.lost, "p_mcnemar": t.p_exact, "p_clusters": t.p_clusters, "p_adjusted": t.p_adjusted,
             "verdict": t.verdict, "method": t.method, "note": t.note}
        )  # fmt: skip
    if figures.all_readers is not None:
        rows.append(_kappa("all readers", "", figures.all_readers))
    rows += [_kappa(a, b, found) for a, b, found in figures.pairs]
    for r in figures.readers:
        rows += [
            _kappa(r.reader, "the model", r.with_model),
            _kappa(r.reader, "the labels", r.with_label),
        ]
    for o in figures.overlaps:
        rows.append(
            {"figure": "overlap of regions", "first": plain(o.first), "second": plain(o.second), "films": o.n_both, "estimate": o.mean,
             "low": o.low, "high": o.high, "note": f"{o.n_one} films on which only one drew"}
        )  # fmt: skip
    return table_text(FIGURE_COLUMNS, [[row.get(c, "") for c in FIGURE_COLUMNS] for row in rows])


def _kappa(first: str, second: str, found: Agreement | Undefined) -> dict[str, object]:
    row: dict[str, object] = {"figure": "kappa", "first": plain(first), "second": plain(second)}
    if isinstance(found, Undefined):
        return {**row, "note": found.reason}
    return {
        **row, "films": found.n, "estimate": found.kappa, "low": found.low, "high": found.high, "method": found.method,
    }  # fmt: skip


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> plain("=1+1"), plain("seen")
    ("'=1+1", 'seen')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text

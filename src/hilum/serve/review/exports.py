"""What readers said, as csv: labels that ``hilum ingest --labels`` takes, and every answer as it came."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from hilum.core.tables import table_text
from hilum.serve.review.figures import counted
from hilum.serve.review.records import Answer, Item, Queue

LABEL_COLUMNS = ("image_id", "label", "leave_out", "given_label", "reading", "comment")
"""Those that `hilum.sources.labels` reads, or knows to be for people."""
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


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> plain("=1+1"), plain("seen")
    ("'=1+1", 'seen')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text

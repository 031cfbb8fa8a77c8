"""Films in ``monitor.db``: a row each, as a service answered it; the last of them as a window, and how long they took."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.monitor.drift import Window
from hilum.monitor.seen import PROPERTIES, Seen

Outcome = Literal["answered", "abstained", "failed"]


@dataclass(frozen=True, eq=False)
class FilmLine:
    """A film as it is stored.

    Attributes:
        at: When it was answered.
        bundle: Digest of the bundle.
        request: Id of its request.
        sha256: Of its bytes; empty where the caller gave none.
        seconds: From request to answer.
        outcome: ``answered``, ``abstained`` (answered, but the gate did not pass it), ``failed`` (no scores).
        why: Codes of the gate's reasons, with commas, or the reason of a film without scores.
        most_likely: Its likeliest class; empty without scores.
        called_positive: None without scores.
        seen: None without scores.
    """

    at: float
    bundle: str
    request: str
    sha256: str
    seconds: float
    outcome: Outcome
    why: str
    most_likely: str
    called_positive: bool | None
    seen: Seen | None


def add_films(connection: sqlite3.Connection, lines: Sequence[FilmLine]) -> None:
    """Store films, in order."""
    connection.executemany(
        "INSERT INTO films (at, bundle, request, sha256, seconds, outcome, why, most_likely, called_positive, logits, "
        "strangeness, properties, shape) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_values(line) for line in lines],
    )


def _values(line: FilmLine) -> tuple[Any, ...]:
    head = (
        line.at,
        line.bundle,
        line.request,
        line.sha256,
        line.seconds,
        line.outcome,
        line.why,
        line.most_likely,
    )
    called = None if line.called_positive is None else int(line.called_positive)
    seen = line.seen
    if seen is None:
        return (*head, called, None, None, None, None)
    strange = None if np.isnan(seen.strangeness) else seen.strangeness
    return (
        *head,
        called,
        seen.logits.astype("<f8").tobytes(),
        strange,
        seen.properties.astype("<f4").tobytes(),
        seen.shape.astype("<f2").tobytes(),
    )


def last_films(connection: sqlite3.Connection, bundle: str, most: int) -> tuple[Window, int]:
    """The last films with scores of a bundle, the oldest first, and the number of the last of them (0 for none)."""
    rows = connection.execute(
        "SELECT id, logits, strangeness, properties, shape FROM films WHERE bundle = ? AND logits IS NOT NULL ORDER BY id DESC LIMIT ?",
        (bundle, most),
    ).fetchall()[::-1]

    def stacked(column: int, kind: str, width: int) -> NDArray[Any]:
        return np.array([np.frombuffer(r[column], kind) for r in rows]).reshape(
            len(rows), -1 if rows else width
        )

    strange = np.array([np.nan if r[2] is None else r[2] for r in rows], np.float64)
    window = Window(stacked(1, "<f8", 1), strange, stacked(3, "<f4", len(PROPERTIES)), stacked(4, "<f2", 1))
    return window, rows[-1][0] if rows else 0


def histogram(
    connection: sqlite3.Connection, bundle: str, buckets_s: Sequence[float]
) -> tuple[list[tuple[str, float]], float]:
    """Films of a bundle by seconds: (upper end as text, films up to it), ``+Inf`` last; and the sum of seconds."""
    up_to = ", ".join("SUM(seconds <= ?)" for _ in buckets_s)
    row = connection.execute(
        f"SELECT COUNT(*), TOTAL(seconds), {up_to} FROM films WHERE bundle = ?", (*buckets_s, bundle)
    ).fetchone()
    counted = [
        (f"{end:g}" if end % 1 else f"{end:.1f}", float(n or 0))
        for end, n in zip(buckets_s, row[2:], strict=True)
    ]
    return [*counted, ("+Inf", float(row[0]))], float(row[1])

"""Looks in ``monitor.db``: what was found each time that a window was held against the reference."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from hilum.monitor.drift import DriftCheck


@dataclass(frozen=True)
class Look:
    """A window that was looked at: when, its last film and how many it had, and a row a statistic."""

    at: float
    film: int
    films: int
    checks: tuple[DriftCheck, ...]


def add_look(connection: sqlite3.Connection, bundle: str, look: Look) -> None:
    """Store what a look at a window found."""
    connection.executemany(
        "INSERT INTO looks (at, bundle, film, films, part, statistic, method, value, threshold, reference, mean) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                look.at,
                bundle,
                look.film,
                look.films,
                c.group,
                c.statistic,
                c.method,
                c.value,
                c.threshold,
                c.reference,
                c.window,
            )
            for c in look.checks
        ],
    )


def looks_at(connection: sqlite3.Connection, bundle: str, most: int) -> list[Look]:
    """The last looks at a bundle's windows, the oldest first."""
    last = connection.execute(
        "SELECT DISTINCT film FROM looks WHERE bundle = ? ORDER BY film DESC LIMIT ?", (bundle, most)
    ).fetchall()
    found = []
    for (film,) in reversed(last):
        rows = connection.execute(
            "SELECT at, films, part, statistic, method, value, threshold, reference, mean FROM looks "
            "WHERE bundle = ? AND film = ? ORDER BY id",
            (bundle, film),
        ).fetchall()
        found.append(Look(rows[0][0], film, rows[0][1], tuple(DriftCheck(*row[2:]) for row in rows)))
    return found

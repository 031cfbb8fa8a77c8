"""Readers' labels in ``monitor.db``: never changed, the last one of a film counts."""

from __future__ import annotations

import sqlite3

from hilum.core.errors import InputError


def add_feedback(
    connection: sqlite3.Connection, key: tuple[str, str, str], label: str, who: str, at: float
) -> int:
    """Store what a reader said of a film.

    Args:
        connection: The store.
        key: Digest of the bundle, id of the request and digest of the film; one of the last two may be empty.
        label: The reader's class.
        who: The reader's name, or that of the token.
        at: When.

    Returns:
        The films that it is of: those of the request, or the last answer of the film.

    Raises:
        InputError: No such film, or several of one request and no digest that tells them apart.
    """
    bundle, request, sha256 = key
    found = connection.execute(
        "SELECT id FROM films WHERE bundle = ? AND (? = '' OR request = ?) AND (? = '' OR sha256 = ?) AND outcome <> 'failed' "
        "ORDER BY id DESC LIMIT 2",
        (bundle, request, request, sha256, sha256),
    ).fetchall()
    if not (request or sha256) or not found:
        raise InputError(
            f"no film with scores is stored for request {request!r} and sha256 {sha256[:16]!r}; name the request_id, or the sha256, of "
            "an answer"
        )
    if len(found) > 1 and not sha256:
        raise InputError(
            f"request {request!r} had several films; name the sha256 of the one that the label is of"
        )
    connection.execute(
        "INSERT INTO feedback (at, film, label, who) VALUES (?, ?, ?, ?)", (at, found[0][0], label, who)
    )
    return int(found[0][0])


def feedback_of(connection: sqlite3.Connection, bundle: str, most: int) -> list[tuple[str, bool]]:
    """(label, called positive) of the last films that readers gave a label, each film once, by its last label."""
    rows = connection.execute(
        "SELECT f.sha256, f.id, b.label, f.called_positive FROM feedback b JOIN films f ON f.id = b.film "
        "WHERE f.bundle = ? AND f.called_positive IS NOT NULL ORDER BY b.id DESC",
        (bundle,),
    )
    found: dict[str, tuple[str, bool]] = {}
    for sha256, film, label, called in rows:
        found.setdefault(sha256 or f"film {film}", (label, bool(called)))
        if len(found) == most:
            break
    return list(found.values())

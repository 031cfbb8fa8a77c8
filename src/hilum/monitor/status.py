"""How a bundle at work stands, read from its store: counts, seconds, abstentions, drift, and what readers' labels make of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from hilum.monitor.drift import LEAST, Checker, DriftCheck
from hilum.monitor.feedback import feedback_of
from hilum.monitor.films import last_films
from hilum.monitor.looks import Look, looks_at
from hilum.monitor.store import KnownBundle
from hilum.stats.proportions import clopper_pearson

LABELLED: Final = 200
"""Films with a reader's label, the last ones, that running rates are of."""
LATENCIES: Final = 1000
"""Films, the last ones, that seconds are of."""
HISTORY: Final = 50
"""Windows, the last ones, that are shown one after the other."""


@dataclass(frozen=True)
class Rate:
    """A share of films with a reader's label, with Clopper and Pearson's 95 % interval; None where no film counts."""

    name: str
    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class MonitorStatus:
    """How a bundle stands.

    Attributes:
        bundle: Digest of the bundle.
        name: What the service calls it.
        positive: Its positive class.
        films: Films, by outcome: ``answered``, ``abstained``, ``failed``.
        why: Reason of the gate, or of a film without scores -> films.
        classes: Likeliest class -> films.
        first: When the first film was answered, ISO 8601; empty for none. `last` likewise.
        seconds: ``p50``, ``p95`` and ``p99`` of the last `LATENCIES` films; empty without films.
        window: Films of the last window that was looked at; 0 for none.
        looked: When.
        checks: Its statistics.
        history: Alarms of each of the last `HISTORY` windows, the oldest first.
        rates: Sensitivity and specificity by readers' labels.
        dropped: Films that came too fast to be stored.
        unstored: Films that could not be stored, as where the disk is full.
        note: Why there is nothing about drift; empty where there is.
        has_reference: Whether windows are held against a reference.
    """

    bundle: str
    name: str
    positive: str
    films: Mapping[str, int]
    why: Mapping[str, int]
    classes: Mapping[str, int]
    first: str
    last: str
    seconds: Mapping[str, float]
    window: int
    looked: str
    checks: tuple[DriftCheck, ...]
    history: tuple[int, ...]
    rates: tuple[Rate, ...]
    dropped: int = 0
    unstored: int = 0
    note: str = ""
    has_reference: bool = False

    @property
    def alarms(self) -> tuple[DriftCheck, ...]:
        """The statistics above their threshold."""
        return tuple(c for c in self.checks if c.alarm)

    def as_json(self) -> dict[str, Any]:
        """As plain values, each check with its ``alarm``."""
        return {
            **asdict(self),
            "checks": [c.as_json() for c in self.checks],
            "alarm": bool(self.alarms),
        }


def status_of(
    connection: sqlite3.Connection,
    bundle: KnownBundle,
    checker: Checker | None = None,
    window: int | None = None,
    note: str = "",
) -> MonitorStatus:
    """The status of a bundle.

    Args:
        connection: The store.
        bundle: Of the store.
        checker: Of its reference, to look at the last films now; without one the last look that was stored counts.
        window: Films to look at now.
        note: Why there is no reference.
    """
    history = looks_at(connection, bundle.digest, HISTORY)
    look = (
        _look_now(connection, bundle, checker, window)
        if checker and window
        else (history[-1] if history else None)
    )
    films, why, classes, first, last = _counts(connection, bundle.digest)
    if look is None and not note:
        scored = films["answered"] + films["abstained"]
        note = f"{scored} films with scores so far; the first look is at {LEAST}"
    return MonitorStatus(
        bundle=bundle.digest, name=bundle.name, positive=bundle.positive, films=films, why=why, classes=classes, first=first, last=last,
        seconds=_seconds(connection, bundle.digest),
        window=look.films if look else 0, looked=_iso(look.at) if look else "", checks=look.checks if look else (),
        history=tuple(sum(c.alarm for c in past.checks) for past in history), rates=_rates(connection, bundle),
        note=note if not look else "",
    )  # fmt: skip


def _look_now(
    connection: sqlite3.Connection, bundle: KnownBundle, checker: Checker, window: int
) -> Look | None:
    films, last = last_films(connection, bundle.digest, window)
    checks = checker.checks(films)
    return Look(datetime.now(UTC).timestamp(), last, len(films), tuple(checks)) if checks else None


def _counts(
    connection: sqlite3.Connection, digest: str
) -> tuple[dict[str, int], dict[str, int], dict[str, int], str, str]:
    films = dict.fromkeys(("answered", "abstained", "failed"), 0)
    why: dict[str, int] = {}
    classes: dict[str, int] = {}
    ends: list[float] = []
    rows = connection.execute(
        "SELECT outcome, why, most_likely, COUNT(*), MIN(at), MAX(at) FROM films WHERE bundle = ? GROUP BY outcome, why, most_likely",
        (digest,),
    )
    for outcome, reasons, most_likely, n, first, last in rows:
        films[outcome] += n
        ends += [first, last]
        for reason in filter(None, reasons.split(",")):
            why[reason] = why.get(reason, 0) + n
        if most_likely:
            classes[most_likely] = classes.get(most_likely, 0) + n
    return (
        films,
        dict(sorted(why.items())),
        dict(sorted(classes.items())),
        _iso(min(ends, default=0)),
        _iso(max(ends, default=0)),
    )


def _seconds(connection: sqlite3.Connection, digest: str) -> dict[str, float]:
    rows = connection.execute(
        "SELECT seconds FROM films WHERE bundle = ? ORDER BY id DESC LIMIT ?", (digest, LATENCIES)
    ).fetchall()
    if not rows:
        return {}
    p50, p95, p99 = np.percentile([r[0] for r in rows], (50, 95, 99))
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99)}


def _rates(connection: sqlite3.Connection, bundle: KnownBundle) -> tuple[Rate, ...]:
    labelled = feedback_of(connection, bundle.digest, LABELLED)
    positives = [called for label, called in labelled if label == bundle.positive]
    others = [not called for label, called in labelled if label != bundle.positive]
    return _rate(f"sensitivity to {bundle.positive}", positives), _rate("specificity", others)


def _rate(name: str, right: list[bool]) -> Rate:
    k, n = sum(right), len(right)
    low, high = clopper_pearson(k, n) if n else (None, None)
    return Rate(name, k, n, k / n if n else None, low, high)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else ""

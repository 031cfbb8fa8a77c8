"""What the page of the monitor shows, as plain values: its template draws them as tables and small pictures, without any script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from hilum import RESEARCH_NOTICE
from hilum.monitor.drift import DriftCheck
from hilum.monitor.status import MonitorStatus, Rate

GROUPS: Final = {"scores": "Answers", "films": "Properties of the films", "shape": "What is on the films"}
_OUTCOMES: Final = {
    "answered": "Answered",
    "abstained": "Abstained: not to be relied on",
    "failed": "Without scores",
}
_BAR, _HEIGHT, _GAP = 200.0, 40.0, 2.0
_ROOM = 1.25
"""Of a bar, beyond the larger of value and threshold."""


def minute(iso: str) -> str:
    """A time for people; empty stays empty.

    >>> minute("2026-11-27T17:18:01+00:00"), minute("")
    ('2026-11-27 17:18 UTC', '')
    """
    return f"{iso[:10]} {iso[11:16]} UTC" if iso else ""


def monitor_view(status: MonitorStatus | Sequence[MonitorStatus]) -> dict[str, Any]:
    """The context of ``monitor.html``: one bundle, or all that a service has.

    >>> monitor_view([])["bundles"]
    []
    """
    every: Iterable[MonitorStatus] = [status] if isinstance(status, MonitorStatus) else status
    return {"notice": RESEARCH_NOTICE, "bundles": [_bundle(s) for s in every]}


def _bundle(s: MonitorStatus) -> dict[str, Any]:
    total = sum(s.films.values())
    return {
        "name": s.name,
        "digest": s.bundle,
        "short": s.bundle[:12],
        "positive": s.positive,
        "total": total,
        "first": minute(s.first),
        "last": minute(s.last),
        "outcomes": [
            (words, s.films[key], _per_cent(s.films[key], total)) for key, words in _OUTCOMES.items()
        ],
        "why": list(s.why.items()),
        "classes": [(name, n, _per_cent(n, sum(s.classes.values()))) for name, n in s.classes.items()],
        "seconds": [(name, f"{value:.3f}") for name, value in s.seconds.items()],
        "rates": [_rate(r) for r in s.rates],
        "dropped": s.dropped,
        "unstored": s.unstored,
        "note": s.note,
        "window": s.window,
        "looked": minute(s.looked),
        "verdict": _verdict(s),
        "alarm": bool(s.alarms),
        "groups": [
            (title, [_check(c) for c in s.checks if c.group == key])
            for key, title in GROUPS.items()
            if any(c.group == key for c in s.checks)
        ],
        "history": _history(s.history),
    }


def _verdict(s: MonitorStatus) -> str:
    if not s.checks:
        return ""
    if s.alarms:
        return f"{len(s.alarms)} of {len(s.checks)} statistics of the last {s.window} films are above their thresholds."
    return f"None of {len(s.checks)} statistics of the last {s.window} films is above its threshold."


def _check(c: DriftCheck) -> dict[str, Any]:
    """A row, with the lengths of its bar and of the mark of its threshold, of `_BAR`."""
    most = max(c.value, c.threshold, 1e-12) * _ROOM
    return {
        "statistic": c.statistic,
        "method": c.method,
        "value": f"{c.value:.4f}",
        "threshold": f"{c.threshold:.4f}",
        "alarm": c.alarm,
        "reference": "" if c.reference is None else f"{c.reference:.4g}",
        "window": "" if c.window is None else f"{c.window:.4g}",
        "bar": round(max(c.value, 0.0) / most * _BAR, 1),
        "mark": round(c.threshold / most * _BAR, 1),
    }


def _history(alarms: Sequence[int]) -> dict[str, Any]:
    """A column a window, the oldest left: its height says how many statistics were above their thresholds."""
    if not alarms:
        return {}
    most, width = max(1, *alarms), 8.0
    columns = [
        {
            "x": round(k * (width + _GAP), 1),
            "y": round(_HEIGHT - height, 1),
            "height": round(height, 1),
            "alarms": n,
            "words": f"window {k + 1} of {len(alarms)}: {n} above",
        }
        for k, n in enumerate(alarms)
        for height in [n / most * (_HEIGHT - _GAP) if n else _GAP]
    ]
    return {
        "columns": columns,
        "width": round(len(alarms) * (width + _GAP), 1),
        "height": _HEIGHT,
        "column_width": width,
        "windows": len(alarms),
        "alarmed": sum(n > 0 for n in alarms),
    }


def _rate(r: Rate) -> dict[str, str]:
    if r.value is None or r.low is None or r.high is None:
        return {"name": r.name, "value": "no film with a reader’s label", "of": "", "interval": ""}
    return {
        "name": r.name,
        "value": f"{r.value:.3f}",
        "of": f"{r.k} of {r.n}",
        "interval": f"{r.low:.3f} to {r.high:.3f}",
    }


def _per_cent(n: int, of: int) -> str:
    return f"{100 * n / of:.1f} %" if of else ""

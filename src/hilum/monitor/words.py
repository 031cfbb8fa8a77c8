"""How bundles at work stand, in words: what `hilum drift` prints."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.core.text import counted
from hilum.monitor.drift import DriftCheck
from hilum.monitor.status import MonitorStatus


def status_words(status: MonitorStatus) -> str:
    """A status for people, some lines."""
    done = status.films
    total = sum(done.values())
    lines = [
        f"{status.name} ({status.bundle[:12]}), positive class {status.positive}",
        f"  films: {total}; answered {done['answered']}, abstained {done['abstained']}, without scores {done['failed']}"
        + (f"; {status.first} to {status.last}" if total else ""),
    ]
    if status.why:
        lines.append("  why not: " + ", ".join(f"{reason} {n}" for reason, n in status.why.items()))
    if status.classes:
        lines.append("  most likely: " + ", ".join(f"{name} {n}" for name, n in status.classes.items()))
    if status.seconds:
        lines.append(
            "  seconds a film: " + ", ".join(f"{name} {value:.3f}" for name, value in status.seconds.items())
        )
    lines += [f"  {_rate_words(r.name, r.k, r.n, r.value, r.low, r.high)}" for r in status.rates]
    if status.dropped:
        lines.append(f"  not stored, they came too fast: {counted(status.dropped, 'film')}")
    if status.unstored:
        lines.append(f"  not stored, the disk did not take them: {counted(status.unstored, 'film')}")
    if status.note:
        return "\n".join([*lines, f"  drift: {status.note}"])
    return "\n".join([*lines, *(f"  {line}" for line in check_words(status.checks, status.window))])


def check_words(checks: Sequence[DriftCheck], films: int) -> list[str]:
    """The verdict of a window, and a line a statistic."""
    alarms = [c for c in checks if c.alarm]
    verdict = (
        f"ALARM: {len(alarms)} of {len(checks)} statistics of the last {films} films are above their thresholds: "
        + ", ".join(c.statistic for c in alarms)
        if alarms
        else f"no alarm: none of {len(checks)} statistics of the last {films} films is above its threshold"
    )
    width = max((len(c.statistic) for c in checks), default=0)
    return [f"drift: {verdict}", *(_check_line(c, width) for c in checks)]


def _check_line(c: DriftCheck, width: int) -> str:
    means = (
        ""
        if c.reference is None or c.window is None
        else f"  reference {c.reference:.4g}, now {c.window:.4g}"
    )
    verdict = "ALARM" if c.alarm else "     "
    line = f"  {c.statistic:<{width}}  {c.method:<3}  {c.value:8.4f}  threshold {c.threshold:.4f}  {verdict}{means}"
    return line.rstrip()


def _rate_words(name: str, k: int, n: int, value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return f"{name}: no film with a reader's label counts"
    return f"{name} by readers' labels: {value:.3f} ({k} of {n}; 95 % {low:.3f} to {high:.3f})"

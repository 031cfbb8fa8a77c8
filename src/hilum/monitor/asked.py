"""What `hilum drift` asks: how the bundles of a store stand, or how a folder of films lies to a bundle's reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.bundle import REFERENCE, bundle_version
from hilum.core.errors import HilumError, InputError
from hilum.core.progress import progress
from hilum.core.text import counted
from hilum.monitor import store
from hilum.monitor.drift import LEAST, Checker, DriftCheck, Window
from hilum.monitor.making import MUST, opened
from hilum.monitor.reference import Reference
from hilum.monitor.seen import Seen, seen_of
from hilum.monitor.status import MonitorStatus, status_of
from hilum.monitor.store import MONITOR, KnownBundle
from hilum.sources.named_films import named_films


@dataclass(frozen=True)
class Compared:
    """Films held against a reference.

    Attributes:
        bundle: Digest of the bundle.
        films: Films with scores.
        failed: Films without.
        checks: A row a statistic.
    """

    bundle: str
    films: int
    failed: int
    checks: tuple[DriftCheck, ...]


def store_path(what: Path) -> Path | None:
    """The store that a state folder, or a path, names; None where it names none."""
    if (what / MONITOR).is_file():
        return what / MONITOR
    return what if what.is_file() else None


def statuses(path: Path, folder: Path | None = None, window: int | None = None) -> list[MonitorStatus]:
    """The status of each bundle of a store, or of one.

    Args:
        path: The store.
        folder: A bundle: it alone, held against its reference as it is now.
        window: Films to look at now, with the references where the bundles lie; else the last look counts.

    Raises:
        InputError: No store, or it has no film of the bundle.
    """
    with store.opened(path) as connection:
        known = store.bundles(connection)
        if folder is not None:
            version = bundle_version(folder)
            known = [_at(b, folder) for b in known if b.digest == version]
            if not known:
                raise InputError(f"{path}: it has no film of the bundle {version[:16]} in {folder}")
        found = []
        for bundle in known:
            checker, note = _checker(bundle)
            found.append(status_of(connection, bundle, checker if window else None, window, note))
    return found


def _at(bundle: KnownBundle, folder: Path) -> KnownBundle:
    return KnownBundle(bundle.digest, bundle.name, folder, bundle.classes, bundle.positive, bundle.since)


def _checker(bundle: KnownBundle) -> tuple[Checker | None, str]:
    """What holds windows of a bundle against its reference, or why there is none."""
    try:
        reference = Reference.of_bundle(bundle.folder) if bundle.folder.is_dir() else None
    except HilumError as e:
        return None, str(e)
    if reference is None or reference.about.bundle != bundle.digest:
        return (
            None,
            f"no {REFERENCE} in {bundle.folder}; make one: hilum drift {bundle.folder} --make-reference",
        )
    return Checker(reference), ""


def compared(folder: Path, films: Sequence[Path], device: str = "cpu") -> Compared:
    """Films held against a bundle's reference, all of them as one window. Nothing is written.

    Raises:
        InputError: No reference, or too few films with scores.
    """
    from hilum.inference.reader import Reader  # late: torch

    reference = Reference.of_bundle(folder)
    if reference is None:
        raise InputError(
            f"{folder}: the bundle has no {REFERENCE}; make one: hilum drift {folder} --make-reference, or {MUST}"
        )
    rows, reader = named_films(films).rows, Reader(folder, "torch", device)
    seen: list[Seen] = []
    with progress("drift", len(rows)) as step:
        for start in range(0, len(rows), reader.bundle.batch):
            some = rows[start : start + reader.bundle.batch]
            for reading in reader.answers([opened(row) for row in some]):
                one = seen_of(reading)
                seen += [one] if one is not None else []
                step()
    if len(seen) < LEAST:
        raise InputError(
            f"expected at least {LEAST} films with scores to compare, got {len(seen)} of {len(rows)}"
        )
    checks = Checker(reference).checks(Window.of(seen))
    return Compared(reference.about.bundle, len(seen), len(rows) - len(seen), tuple(checks))


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

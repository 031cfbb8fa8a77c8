"""What `hilum drift` asks: how the bundles of a store stand, or how a folder of films lies to a bundle's reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hilum.artifacts.bundle import REFERENCE, bundle_version
from hilum.core.errors import HilumError, InputError
from hilum.core.progress import progress
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

    def as_json(self) -> dict[str, Any]:
        """As plain values, each check with its ``alarm``."""
        return {**asdict(self), "checks": [c.as_json() for c in self.checks]}


def statuses(what: Path, folder: Path | None = None, window: int | None = None) -> list[MonitorStatus]:
    """The status of each bundle of a store, or of one.

    Args:
        what: The state folder of a service or node, or its store.
        folder: A bundle: it alone, held against its reference as it is now.
        window: Films to look at now, with the references where the bundles lie; else the last look counts.

    Raises:
        InputError: No store, it has no film of the bundle, or a window of fewer films than are looked at.
    """
    if window is not None and window < LEAST:
        raise InputError(f"expected a window of at least {LEAST} films, got {window}")
    path = _store_of(what)
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


def _store_of(what: Path) -> Path:
    for path in (what / MONITOR, what):
        if path.is_file():
            return path
    raise InputError(
        f"{what}: expected a --state folder with {MONITOR}, or a bundle with films to compare; for a bundle's reference: "
        f"hilum drift {what} --make-reference"
    )


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

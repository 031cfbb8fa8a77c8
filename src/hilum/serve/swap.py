"""One bundle in another's place: by a request of somebody who may, or because the bundle's folder holds another one now."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

from hilum.artifacts.bundle import bundle_version
from hilum.core.errors import HilumError, InputError
from hilum.monitor.changes import change_record
from hilum.serve.bundles import Served
from hilum.serve.service import Service

LOG: Final = logging.getLogger("hilum.serve")
LOOK_S: Final = 2.0
CHANGES: Final = "changes"
"""Folder of the records of changes, in the state folder."""


def swap_bundle(service: Service, name: str, folder: str, why: str, token_id: str) -> Served:
    """Put a bundle in another's place, and note it.

    Args:
        service: Where.
        name: Of the bundle that is there.
        folder: Of the new one.
        why: For the record.
        token_id: Who asked; ``watch`` where the folder changed by itself.

    Raises:
        InputError: The folder is none that bundles may come from, or holds no bundle that can take the place.
        UnsafeError: The new bundle is unsafe, or a probe.
        Problem: 404: no bundle of that name.
    """
    path = Path(folder).resolve()
    if not any(path.is_relative_to(allowed.resolve()) for allowed in service.swappable):
        known = ", ".join(str(p) for p in service.swappable) or "none; see --bundles-from"
        raise InputError(f"bundles may come from these folders only: {known}")

    def note(old: Served, new: Served) -> None:
        stood = old.watch.status() if old.watch is not None else None
        changes = service.state / CHANGES
        record = change_record(old.at_work, path, why, changes, who=token_id, status=stood)
        facts = {
            "name": name,
            "was": old.reader.version,
            "bundle": new.reader.version,
            "why": why,
            "record": record.name,
        }
        service.audit.add("bundle", token=token_id, **facts)

    new = service.bundles.swap(name, path, note)
    service.metrics.swaps.labels(name).inc()
    return new


class BundleWatch:
    """Looks at the bundles' folders, and loads what lies there newly. What cannot be loaded is said once, and the old bundle stays."""

    def __init__(self, service: Service) -> None:
        self.service, self._stop = service, threading.Event()
        self._refused: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="bundle-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            for served in self.service.bundles.all():
                self._look(served)

    def _look(self, served: Served) -> None:
        try:
            found = bundle_version(served.folder)
        except HilumError:
            return  # being written, or gone: the loaded one goes on
        if found in (served.reader.version, self._refused.get(served.name)):
            return
        try:
            swap_bundle(
                self.service, served.name, str(served.folder), "its folder holds another bundle", "watch"
            )
        except HilumError as e:
            self._refused[served.name] = found
            LOG.warning("%s: %s", served.name, e)

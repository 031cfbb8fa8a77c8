"""Where the inputs of an artefact may lie: its own run, the files beside it, the other runs of the workspace.

Convention: what lies nearest is taken first. A folder with ``runs/`` in it is a workspace; a folder with ``run.json`` is a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from hilum.artifacts.header import header_path, read_json
from hilum.artifacts.run import NAME, is_run
from hilum.artifacts.run_files import SPLITS
from hilum.artifacts.split import UnsafeSplit
from hilum.core.errors import InputError

T = TypeVar("T")


def run_of(path: Path) -> Path | None:
    """The run that a path lies in, or None."""
    path = path.resolve()
    return next((p for p in (path, *path.parents) if is_run(p)), None)


def workspace_of(path: Path) -> Path | None:
    """The workspace that a path lies in, or None."""
    path = path.resolve()
    return next((p for p in (path, *path.parents) if (p / "runs").is_dir()), None)


def kind_of_header(path: Path) -> str:
    """Kind in the header of a JSON artefact, or of the file beside a csv; empty where there is none."""
    where = path if path.suffix == ".json" else header_path(path)
    if not where.is_file():
        return ""
    try:
        value = read_json(where)
    except InputError:
        return ""
    header = value.get("header") if isinstance(value, dict) else None
    return str(header.get("kind", "")) if isinstance(header, dict) else ""


class Surroundings:
    """Looks for artefacts around a place, and reads each file once.

    Args:
        place: The artefact that is shown.
        workspace: Given by the user; else the one that `place` lies in.
    """

    def __init__(self, place: Path, workspace: Path | None) -> None:
        self.run = run_of(place)
        self.root = (
            workspace if workspace is not None and (workspace / "runs").is_dir() else workspace_of(place)
        )
        self._folder = place if place.is_dir() else place.parent
        self._read: dict[tuple[str, Path], Any] = {}

    def once(self, path: Path, read: Callable[[Path], T]) -> T:
        """What `read` makes of a file, kept for the next question."""
        key = (getattr(read, "__qualname__", repr(read)), path.resolve())
        if key not in self._read:
            self._read[key] = read(path)
        value: T = self._read[key]
        return value

    def runs(self) -> list[Path]:
        """Runs of the workspace, the own one first."""
        others = sorted(p.parent for p in self.root.glob(f"runs/*/{NAME}")) if self.root else []
        own = [self.run] if self.run else []
        return own + [p for p in others if p.resolve() not in {o.resolve() for o in own}]

    def manifests(self) -> Iterator[Path]:
        """Manifests, nearest first."""
        for folder in self._folders():
            yield from (p for p in sorted(folder.glob("*.csv")) if kind_of_header(p) == "manifest")

    def splits(self) -> Iterator[Path]:
        """Splits, nearest first."""
        for folder in self._folders():
            beside = (
                p for p in sorted(folder.glob("*.json")) if kind_of_header(p) in ("split", UnsafeSplit.kind)
            )
            yield from (*beside, *sorted((folder / SPLITS).rglob("*.json")))

    def duplicates(self) -> Iterator[Path]:
        """Tables of copies, nearest first."""
        for folder in (*self._folders(), *([self.root / "duplicates"] if self.root else [])):
            yield from (p for p in sorted(folder.glob("*.json")) if kind_of_header(p) == "duplicates")

    def bundles(self) -> Iterator[Path]:
        """Bundles of runs, then those of trials that no run has any more."""
        for run in self.runs():
            yield from (p.parent for p in sorted(run.glob("cells/*/trial-*/bundle/bundle.json")))
        if self.root:
            yield from (p.parent for p in sorted(self.root.glob("trials/*/bundle/bundle.json")))

    def _folders(self) -> list[Path]:
        found = [self.run, self._folder, self.root, *self.runs()]
        return list(dict.fromkeys(p.resolve() for p in found if p is not None))

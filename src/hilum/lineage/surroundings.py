"""Where the inputs of an artefact may lie: its own run, the files beside it, the other runs of the workspace.

Convention: what lies nearest is taken first. A folder with ``runs/`` in it is a workspace; a folder with ``run.json`` is a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hilum.artifacts.header import kind_of
from hilum.artifacts.run import RECORD, is_run


class Surroundings:
    """Looks for artefacts around a place, and reads each file once.

    Args:
        place: The artefact that is shown.
        workspace: Given by the user; else the one that `place` lies in.
        manifest: Given by the user, to look for a film in before any other.
        read_films: Read every film of a manifest and compare its digest.
    """

    def __init__(
        self,
        place: Path,
        workspace: Path | None = None,
        manifest: Path | None = None,
        read_films: bool = False,
    ) -> None:
        above = (place.resolve(), *place.resolve().parents)
        self.run = next((p for p in above if is_run(p)), None)
        named = workspace is not None and (workspace / "runs").is_dir()
        self.root = workspace if named else next((p for p in above if (p / "runs").is_dir()), None)
        self.read_films = read_films
        self._manifest = manifest
        self._folder = place if place.is_dir() else place.parent

    def below_root(self, pattern: str) -> list[Path]:
        """Paths below the workspace's folder; none where there is no workspace."""
        return sorted(self.root.glob(pattern)) if self.root else []

    def runs(self) -> list[Path]:
        """Runs of the workspace, the own one first."""
        own = [self.run] if self.run else []
        others = [p.parent for p in self.below_root(f"runs/*/{RECORD}")]
        return own + [p for p in others if p.resolve() not in {o.resolve() for o in own}]

    def of_kind(self, kinds: Sequence[str], places: Sequence[str]) -> Iterator[Path]:
        """Artefacts by the kind in their header, nearest first.

        Args:
            kinds: Kinds that count.
            places: Patterns of paths below a run, the workspace or the artefact's own folder, such as ``*.json``.
        """
        found = [self.run, self._folder, self.root, *self.runs()]
        folders = dict.fromkeys(p.resolve() for p in found if p is not None)
        for place in places:
            for folder in folders:
                yield from (p for p in sorted(folder.glob(place)) if kind_of(p) in kinds)

    def manifests(self) -> Iterator[Path]:
        """Manifests: the one that the user gave, then nearest first."""
        given = self._manifest
        if given is not None:
            yield given
        for path in self.of_kind(("manifest",), ("*.csv",)):
            if given is None or path.resolve() != given.resolve():
                yield path

"""Manifests, splits and tables of copies: the last links before the films themselves, and the films.

Convention: films are counted and told by digest, never by patient. Their bytes are read only when that is asked for; else it is said
that they are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.flow import Flow
from hilum.artifacts.lineage import Artefact, Link, compared
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import AnySplit, UnsafeSplit, read_split
from hilum.core.digests import digest, sha256_file
from hilum.core.progress import progress
from hilum.lineage.surroundings import Surroundings


class FilmReader:
    """Reads what is about films.

    Args:
        around: Where inputs are looked for.
        read_films: Read every film and compare its digest.
    """

    def __init__(self, around: Surroundings, read_films: bool = False) -> None:
        self.around = around
        self.read_films = read_films

    def manifest(self, path: Path) -> Artefact:
        """A manifest, its films by source, and whether they are there."""
        m = self.around.once(path, Manifest.read)
        ids = {f.patient_id for f in m.films if f.patient_id}
        without = sum(not f.patient_id for f in m.films)
        facts: dict[str, Any] = {
            "films": len(m),
            "by source": m.count_by("source"),
            "by class": m.count_by("label"),
            "patients": f"{len(ids)}; {without} films without an id" if without else len(ids),
        }
        if m.header.options.get("synthetic"):
            facts["synthetic"] = True
        if m.provenance != "hilum":
            facts["provenance"] = m.provenance
        inputs = [self._films(m.films), *(_of_ingest(m, k, v) for k, v in m.header.inputs.items())]
        return Artefact("manifest", path.name, m.digest, str(path), facts, m.header.to_dict(), tuple(inputs))

    def _films(self, films: tuple[FilmRow, ...]) -> Link:
        recorded = digest(sorted([f.image_id, f.sha256] for f in films))
        there = [f for f in films if Path(f.path).is_file()]
        role = f"{len(films)} films"
        if len(there) < len(films):
            return Link(
                role, recorded, "missing", f"{len(films) - len(there)} files are not where the manifest says"
            )
        if not self.read_films:
            return Link(
                role, recorded, "unchecked", "every file is there; --films reads them all and compares"
            )
        changed = 0
        with progress("films", len(films)) as step:
            for f in films:
                changed += sha256_file(Path(f.path)) != f.sha256
                step()
        if changed:
            return Link(role, recorded, "changed", f"{changed} files have other bytes than at ingest")
        return Link(role, recorded, "verified")

    def split(self, path: Path) -> Artefact:
        """A split, and the manifest and copies that it was drawn from."""
        s = self.around.once(path, read_split)
        o = s.header.options
        facts: dict[str, Any] = {
            "method": o.get("method", "unknown"),
            "films": {p: len(ids) for p, ids in s.parts.items()},
            "groups": len(set(s.group_of.values())),
        }
        if s.header.seed is not None:
            facts["seed"] = s.header.seed
        if isinstance(s, UnsafeSplit):
            facts["UNSAFE"] = f"{s.n_shared} films of test are in train or validation too"
        links = [self._input(role, value) for role, value in s.header.inputs.items()]
        return Artefact(
            s.header.kind, path.name, s.digest, str(path), facts, s.header.to_dict(), tuple(links)
        )

    def duplicates(self, path: Path) -> Artefact:
        """A table of copies, and the manifest whose films were looked at."""
        d = self.around.once(path, Duplicates.read)
        facts = {"films": len(d.films), "pairs": len(d.pairs), "groups": len(d.groups)}
        links = tuple(self._input(role, value) for role, value in d.header.inputs.items())
        return Artefact("duplicates", path.name, d.digest, str(path), facts, d.header.to_dict(), links)

    def flow(self, path: Path) -> Artefact:
        """The flow of a run's films: each step's number, and the manifest that they were chosen from."""
        flow = Flow.read(path)
        facts = {step.name: step.films for step in flow.steps} | {"trials": len(flow.trials)}
        whole, films = flow.header.inputs["manifest"], flow.header.inputs["films"]
        found = self.find_manifest(whole)
        if found.state != "verified":  # the run keeps its own films only
            found = Link(
                "manifest", whole, "unchecked", "the films were chosen from it; where it lay is not recorded"
            )
        links = (found, self.find_manifest(films, "films"))
        return Artefact("flow", path.name, sha256_file(path), str(path), facts, flow.header.to_dict(), links)

    def find_manifest(self, recorded: str, role: str = "manifest") -> Link:
        """The manifest of a digest."""
        return self._find(role, recorded, self.around.manifests(), Manifest.read, self.manifest)

    def find_split(self, recorded: str, role: str = "split") -> Link:
        """The split of a digest."""
        return self._find(role, recorded, self.around.splits(), read_split, self.split)

    def find_duplicates(self, recorded: str, role: str = "duplicates") -> Link:
        """The copies of a digest."""
        return self._find(role, recorded, self.around.duplicates(), Duplicates.read, self.duplicates)

    def _input(self, role: str, recorded: str) -> Link:
        if role == "manifest":
            return self.find_manifest(recorded)
        if role == "duplicates":
            return self.find_duplicates(recorded)
        return Link(role, recorded, "unchecked", "hilum knows no way to find it again")

    def _find(
        self,
        role: str,
        recorded: str,
        paths: Iterable[Path],
        read: Callable[[Path], Manifest | AnySplit | Duplicates],
        show: Callable[[Path], Artefact],
    ) -> Link:
        seen = []
        for path in paths:
            found = self.around.once(path, read).digest
            if found == recorded:
                return Link(role, recorded, "verified", artefact=show(path))
            seen.append((path, found))
        own = [(p, d) for p, d in seen if self.around.run and p.is_relative_to(self.around.run)]
        if len(own) == 1:  # the one that the run has is meant, and it is another now
            return compared(role, recorded, own[0][1], "", replace(show(own[0][0]), inputs=()))
        return Link(
            role, recorded, "missing", f"no {role} of this version in the run, beside it, or in the workspace"
        )


def _of_ingest(m: Manifest, role: str, recorded: str) -> Link:
    """An input that ingest recorded: the films of a source, or a table that is no longer needed."""
    if not role.startswith("films of "):
        return Link(role, recorded, "unchecked", "read at ingest; where it lay is not recorded")
    films = [f for f in m.films if f.source == role.removeprefix("films of ")]
    if digest(sorted([f.image_id, f.sha256] for f in films)) == recorded:
        return Link(role, recorded, "verified")
    return Link(
        role, recorded, "unchecked", f"this manifest holds a selection, {len(films)} films of the source"
    )

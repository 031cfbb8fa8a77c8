"""How often films were looked at as test films: a workspace's ledger, ``looks.jsonl``, and the films of each set in ``looks/``.

Convention: a look is one opening of test films, whatever opened them: a run's evaluation, a report with other resamples, `hilum evaluate`
on a run's predictions, `hilum compare`. It counts for each film, by the digest of its pixels, so neither another name of the study nor
another manifest of the same films starts anew. A line of an older hilum names no films and counts for all of its manifest. The ledger lies
beside ``runs/``: a run's folder that was moved has none. At an address, where nothing can be added to a file, each line is a file of its
own in ``looks/``, so that two machines lose none.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from uuid import uuid4

from hilum.artifacts.finding_runs import whole_run
from hilum.artifacts.header import read_json, write_json
from hilum.artifacts.run_folder import RunFolder
from hilum.core.digests import SHORT, digest
from hilum.core.files import lock, write_text
from hilum.core.mirror import at_hand, brought, mirror_of

LOOKS = "looks.jsonl"
_FILMS = "looks"


class Looks(NamedTuple):
    """How many test films there are, how often the median one (the higher of two) and the one with the most was looked at, by how many
    studies any of them, and how many of the looks were this run's own."""

    films: int
    median: int
    most: int
    studies: int
    own: int


class Ledger:
    """The ledger of a workspace, the folder `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def count(self, how: str, study: str, run: str, manifest: str, films: Collection[str]) -> None:
        """Note a look by a command (``evaluate``, ``compare``) at test films (digests of their pixels) of a run, by name of its folder,
        whose films have the digest `manifest`.
        """
        shown = sorted({f[:SHORT] for f in films})
        key = digest(shown)[:SHORT]
        line = {
            "how": how,
            "study": study,
            "run": run,
            "manifest": manifest,
            "films": len(shown),
            "test": key,
        }
        path = self._root / LOOKS
        with lock(self._root / ".looks.lock"):
            if not (kept := self._root / _FILMS / f"{key}.json").is_file():
                write_json(kept, shown)
            if mirror_of(path) is not None:
                write_text(kept.with_name(f"{uuid4().hex}.jsonl"), json.dumps(line) + "\n")
                return
            torn = path.is_file() and not path.read_bytes().endswith(b"\n")
            with path.open("a", encoding="utf-8") as f:
                f.write("\n" * torn + json.dumps(line) + "\n")

    def of(self, films: Collection[str], run: str, manifest: str) -> Looks | None:
        """Looks at films (digests of their pixels) for a run, whose films have the digest `manifest`; None where nothing is recorded."""
        lines = self._lines()
        if not lines:
            return None
        wanted = {f[:SHORT] for f in films}
        seen: Counter[str] = Counter()
        studies: set[str] = set()
        own = 0
        for line in lines:
            if "test" in line:
                shared = wanted & self._films(line)
            else:
                shared = wanted if line.get("manifest") == manifest else set()
            if shared:
                seen.update(shared)
                studies.add(str(line.get("study")))
                own += line.get("run") == run
        counts = sorted(seen[f] for f in wanted) or [0]
        return Looks(len(wanted), int(median(counts) + 0.5), counts[-1], len(studies), own)

    def of_run(self, run: str, manifest: str) -> Looks | None:
        """Looks at the test films of a run that is in the ledger; None where it is not."""
        mine = [line for line in self._lines() if line.get("run") == run and "test" in line]
        films = set().union(*(self._films(line) for line in mine))
        return self.of(films, run, manifest) if films else None

    def _lines(self) -> list[dict[str, Any]]:
        brought(self._root / _FILMS)
        files = [at_hand(self._root / LOOKS), *sorted((self._root / _FILMS).glob("*.jsonl"))]
        texts = [p.read_text("utf-8", errors="replace") for p in files if p.is_file()]
        found = []
        for text in "\n".join(texts).splitlines():
            try:
                value = json.loads(text)
            except json.JSONDecodeError:  # torn by a kill
                continue
            if isinstance(value, dict):
                found.append(value)
        return found

    def _films(self, line: dict[str, Any]) -> set[str]:
        path = self._root / _FILMS / f"{line['test']}.json"
        return set(read_json(path)) if path.is_file() else set()


def count_look(folder: RunFolder, how: str, among: Collection[str] | None = None) -> None:
    """Note that a run's test films are looked at, in the workspace that it lies in; `how` is the command's word.

    Args:
        among: Digests of the films that were opened: those of them count that are test films. None for every test film.
    """
    place = folder.path.resolve()
    if place.parent.name != "runs":
        return
    films = films_tested(folder) if among is None else films_tested(folder) & set(among)
    if films or among is None:
        study, manifest = folder.record.name, folder.record.manifest_digest
        Ledger(place.parents[1]).count(how, study, place.name, manifest, films)


def looks(folder: RunFolder) -> Looks | None:
    """Looks at the run's test films; None where there is no ledger."""
    place = whole_run(folder).path.resolve()  # of a finding, its run looked at them
    return Ledger(place.parents[1]).of(films_tested(folder), place.name, folder.record.manifest_digest)


def films_tested(folder: RunFolder) -> set[str]:
    """Digests of the pixels of every film that is a test film in some trial of some cell."""
    films = folder.manifest.by_id
    ids = {i for cell, trial in folder.units() for i in folder.split_of(cell, trial).parts["test"]}
    return {films[i].pixels_sha256 for i in ids}

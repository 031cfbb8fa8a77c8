"""``prepared/<splits>/<pipeline>--trial-<n>.json`` of a run: the prepared films that a trial has in each part, and what was drawn for each.

Pixels lie in the workspace (`hilum.artifacts.prepared`); here they are named by digest. The list holds all that a task needs to find its
films, so a task carries its path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self, overload

from hilum.artifacts.features import Labels, PartFeatures
from hilum.artifacts.finding_labels import UNKNOWN, findings_of, without
from hilum.artifacts.header import Header, as_written, read_object, write_json
from hilum.artifacts.json_parts import Lines
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import ArrayStore, PreparedRows, Wanted
from hilum.artifacts.split import PARTS
from hilum.core.digests import digest_of_lists
from hilum.core.mirror import at_hand
from hilum.study.several_findings import MULTILABEL

PREPARED = "prepared"
HELD_OUT = ("valid", "test")
"""Parts that are predicted."""


class DrawnFilm(NamedTuple):
    """A prepared film of a trial: copies are counted from 0, the digest is of the prepared pixels, `drawn` is operation by operation."""

    image_id: str
    copy: int
    pixels_sha256: str
    drawn: Any


class FilmFacts(NamedTuple):
    """What is known of a film: its class, its patient, and its group in the split."""

    label: str
    patient_id: str
    group: str


class DrawnPart(Sequence[DrawnFilm]):
    """The films of a part of a trial as places among the prepared films of its study, which all trials share: eight bytes a film.

    Args:
        rows: Every prepared film of the study.
        asked: Those of the part, in order.
    """

    def __init__(self, rows: PreparedRows, asked: Iterable[tuple[str, Wanted]]) -> None:
        self._rows, self._places = rows, rows.places(asked)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, k: int) -> DrawnFilm: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[DrawnFilm]: ...
    def __getitem__(self, k: int | slice) -> DrawnFilm | Sequence[DrawnFilm]:
        if isinstance(k, slice):
            return [self[at] for at in range(len(self))[k]]
        row = self._rows[int(self._places[k])]
        return DrawnFilm(row.image_id, row.wanted.copy, row.digest, row.drawn)

    @property
    def image_ids(self) -> list[str]:
        """The film of each."""
        return [self._rows.image_ids[k] for k in self._places.tolist()]

    @property
    def lines(self) -> Iterator[str]:
        """Each as JSON."""
        return map(self._rows.line, self._places.tolist())

    @property
    def pixels(self) -> list[str]:
        """The digest of the pixels of each."""
        return [self._rows.digest(k) for k in self._places.tolist()]


class FactsOf(Mapping[str, FilmFacts]):
    """What is known of films, as their manifest and their split have it.

    Args:
        image_ids: Of the films, in whatever order.
        manifest: Films that they are among.
        group_of: image_id -> group.
    """

    def __init__(self, image_ids: Iterable[str], manifest: Manifest, group_of: Mapping[str, str]) -> None:
        self._ids, self._manifest, self._group_of = sorted(image_ids), manifest, group_of

    @cached_property
    def _columns(self) -> tuple[Sequence[str], Sequence[str]]:
        return self._manifest.texts("label"), self._manifest.texts("patient_id")

    def __getitem__(self, image_id: str) -> FilmFacts:
        row = self._manifest.films.row_of[image_id]
        label, patient = (texts[row] for texts in self._columns)
        return FilmFacts(label, patient, self._group_of[image_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def ids_of(films: Sequence[DrawnFilm]) -> Sequence[str]:
    """The film of each prepared film."""
    return films.image_ids if isinstance(films, DrawnPart) else [f.image_id for f in films]


def pixels_of(films: Sequence[DrawnFilm]) -> Sequence[str]:
    """The digest of the pixels of each prepared film."""
    return films.pixels if isinstance(films, DrawnPart) else [f.pixels_sha256 for f in films]


def lines_of(films: Sequence[DrawnFilm]) -> Iterator[str]:
    """Each prepared film as JSON."""
    return films.lines if isinstance(films, DrawnPart) else map(json.dumps, films)


@dataclass(frozen=True)
class DrawnFilms:
    """The prepared films of a trial.

    Attributes:
        parts: Part -> its films, in the order that they were drawn in; one that was drawn k times is there k times.
        facts: image_id -> what is known of the film.
        shards: Keys of the shards that hold the prepared films.
    """

    header: Header
    parts: Mapping[str, Sequence[DrawnFilm]]
    facts: Mapping[str, FilmFacts]
    shards: Sequence[str]

    @property
    def several(self) -> bool:
        """Whether a film's label is the text of its findings."""
        return self.header.options.get("task") == MULTILABEL

    def labels(self, films: Sequence[DrawnFilm], classes: Sequence[str]) -> Labels:
        """Class index of each film; of several findings what is known of each (`hilum.artifacts.finding_labels`)."""
        if self.several:
            return tuple(findings_of(self.facts[i].label, classes) for i in ids_of(films))
        index = {c: k for k, c in enumerate(classes)}
        return tuple(index[self.facts[i].label] for i in ids_of(films))

    def digest_of(self, part: str, classes: Sequence[str]) -> str:
        """Digest of which films a part has, of what pixels and classes; not of where they lie."""
        films = self.parts[part]
        return digest_of_lists(ids_of(films), pixels_of(films), self.labels(films, classes))

    def held_out(self, part: str) -> Sequence[DrawnFilm]:
        """The films of a part that are predicted as that: under an unsafe split a film of valid may be one of test, and is then that."""
        if part == "test":
            return self.parts["test"]
        films, test = self.parts[part], set(ids_of(self.parts["test"]))
        alone = test.isdisjoint(ids_of(films))
        return films if alone else [f for f in films if f.image_id not in test]

    @property
    def digests(self) -> set[str]:
        """Every prepared film that the trial trains on or predicts."""
        every = (self.parts["train"], *map(self.held_out, HELD_OUT))
        return {pixels for films in every for pixels in pixels_of(films)}

    def of_finding(self, finding: str, findings: Sequence[str]) -> Self:
        """The films of which one finding is known, each of the class that has it or of the one without."""
        k, word = findings.index(finding), {1: finding, 0: without(finding)}
        known = {i: v for i, f in self.facts.items() if (v := findings_of(f.label, findings)[k]) != UNKNOWN}
        parts = {p: tuple(f for f in films if f.image_id in known) for p, films in self.parts.items()}
        facts = {i: self.facts[i]._replace(label=word[v]) for i, v in known.items()}
        return replace(self, header=replace(self.header, options={}), parts=parts, facts=facts)

    def found(self, films: Sequence[DrawnFilm], classes: Sequence[str], store: ArrayStore) -> PartFeatures:
        """Films with the places where they, or their features, lie."""
        return PartFeatures(
            tuple(ids_of(films)),
            tuple(store.locations([store.key_of(f) for f in films])),
            self.labels(films, classes),
        )

    def write(self, path: Path) -> None:
        """Write the list, whole or not at all."""
        parts = {part: Lines(lines_of(films)) for part, films in self.parts.items()}
        facts = Lines((f"{json.dumps(i)}: {json.dumps(f)}" for i, f in self.facts.items()), ("{", "}"))
        value = {"header": self.header, "columns": DrawnFilm._fields, **parts, "films": facts}
        write_json(path, {**value, "shards": self.shards})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check.

        Raises:
            InputError: No such file, or of another kind.
        """
        value = read_object(at_hand(path))
        header = Header.from_dict(value.get("header"), "prepared", path)
        with as_written(path):
            return cls(
                header,
                {p: tuple(DrawnFilm(*row) for row in value.get(p, ())) for p in PARTS},
                {i: FilmFacts(*facts) for i, facts in value.get("films", {}).items()},
                tuple(value.get("shards", ())),
            )


def drawn_path(run: Path, splits: str, pipeline: str, trial: int) -> Path:
    """Where the list of a trial lies in a run's folder; `splits` is the folder of its splits, empty for the study's plain ones."""
    return run / PREPARED / splits / f"{pipeline}--trial-{trial}.json"


def drawn_paths(run: Path, pipeline: str = "*") -> list[Path]:
    """Every list in a run's folder, or those of a pipeline."""
    return sorted((run / PREPARED).rglob(f"{pipeline}--trial-*.json"))

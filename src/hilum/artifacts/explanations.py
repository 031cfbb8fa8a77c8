"""``explanations.json``: heat maps of films, what a model said of each film, and the checks that each map passed or did not.

The maps are beside it, an ``.npz`` a film (float32 (height, width) of the prepared film, by method), with the film's own part of the
artefact under the same name, by which a film that was explained before is found again. A map says where a model's answer came from, not
where disease is. No film is in it; the pictures beside it hold films.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, as_written, checked, read_object, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import InputError
from hilum.core.files import writing
from hilum.core.mirror import at_hand
from hilum.core.text import counted
from hilum.study.explanations import CHECKS

EXPLANATIONS = "explanations.json"
KIND = "explanations"
FOLDER = "explanations"
"""Of a run, a folder a cell."""
BASELINE = "lungs' centre"
"""The map that a method has to beat: it points at the middle of the larger lung whatever the film shows."""


@dataclass(frozen=True)
class MapCheck:
    """What a check found of a map.

    Attributes:
        name: Of the check (`hilum.study.explanations.CHECKS`).
        title: For people.
        value: What was measured; None where it could not be, and `words` says why.
        bound: What it was held against; None where the check only tells a number.
        passed: None where there is no verdict.
        words: A sentence for people.
        required: Whether a map that does not pass it shows nothing of the model. The others say where the model looks.
        also: Further numbers, by name.
    """

    name: str
    title: str
    value: float | None
    bound: float | None
    passed: bool | None
    words: str
    required: bool = True
    also: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        value: float | None,
        bound: float | None,
        passed: bool | None,
        words: str,
        **also: float,
    ) -> Self:
        """As the check of that name has title and `required`."""
        check = CHECKS[name]
        return cls(name, check.title, value, bound, passed, words, check.required, also)


@dataclass(frozen=True)
class FilmMap:
    """One heat map of one film.

    Attributes:
        method: As `methods` of the artefact names it.
        target: The class whose score it explains.
        checks: All that were made.
        verdict: ``passes``, ``not checked``, or ``does not pass: ...``, by the required checks.
        seconds: That the map took, without its checks.
    """

    method: str
    target: str
    checks: tuple[MapCheck, ...] = ()
    verdict: str = "not checked"
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[str, ...]:
        """Titles of the required checks that it does not pass."""
        return tuple(c.title for c in self.checks if c.required and c.passed is False)

    @property
    def against(self) -> tuple[str, ...]:
        """Titles of the other checks that do not hold: what the map shows speaks against the model."""
        return tuple(c.title for c in self.checks if not c.required and c.passed is False)

    def value(self, check: str) -> float | None:
        """The number of a check; None where there is none."""
        return next((c.value for c in self.checks if c.name == check), None)

    @classmethod
    def judged(cls, method: str, target: str, checks: Sequence[MapCheck], seconds: float) -> Self:
        """A map with the verdict that follows from its checks."""
        made = cls(method, target, tuple(checks), seconds=round(seconds, 3))
        if not any(c.required and c.passed is not None for c in checks):
            return made
        return replace(made, verdict=f"does not pass: {', '.join(made.failed)}" if made.failed else "passes")


@dataclass(frozen=True)
class NearFilm:
    """A training film that looks like the film to the backbone: cosine distance of the features, 0 (same direction) to 2."""

    image_id: str
    label: str
    source: str
    distance: float


@dataclass(frozen=True)
class ExplainedFilm:
    """A film, what the model said of it, and its maps.

    Attributes:
        label: Its class where it is known.
        unit: What an interval resamples: the patient, else the film.
        probabilities: Of each class; empty where the film has none.
        positive: Whether the positive class reaches the operating point; None where there is no answer.
        error: Why it has no answer, or no maps; empty for none.
        maps: One a method.
        baseline: What `BASELINE` reaches in the checks against what is known to be there, by check.
        area: Share of the prepared film that holds what is known to be there: what chance would reach; None where nothing is known.
        mm_per_px: Of the prepared film, across and down, as its header says; empty where its file does not say.
        nearest: Training films that look like it, the nearest first.
        why_none_near: Why there are none.
        name: Stem of its files.
    """

    image_id: str
    label: str
    unit: str
    probabilities: tuple[float, ...] = ()
    positive: bool | None = None
    error: str = ""
    maps: tuple[FilmMap, ...] = ()
    baseline: Mapping[str, float] = field(default_factory=dict)
    area: float | None = None
    mm_per_px: tuple[float, ...] = ()
    nearest: tuple[NearFilm, ...] = ()
    why_none_near: str = ""
    name: str = ""


@dataclass(frozen=True)
class Explanations:
    """The artefact.

    Attributes:
        header: Inputs ``bundle`` (its version) and ``films`` (digest of their files); options; seed.
        classes: Of the bundle.
        positive: The positive class.
        threshold: Of the operating point, on its probability.
        methods: Method with its options, as it was asked for -> all its options.
        films: In the order they were named.
        notes: What a reader must know, a sentence each.
    """

    header: Header
    classes: tuple[str, ...]
    positive: str
    threshold: float
    methods: Mapping[str, Mapping[str, Any]]
    films: tuple[ExplainedFilm, ...]
    notes: tuple[str, ...] = ()

    def write(self, folder: Path) -> Path:
        """Write explanations.json into a folder that has the maps; returns its path."""
        write_json(folder / EXPLANATIONS, {**members(self), "header": self.header})
        return folder / EXPLANATIONS

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read explanations.json, or that of a folder.

        Raises:
            InputError: It is not there, or not as hilum writes it.
        """
        at = path / EXPLANATIONS if path.is_dir() else path
        value = read_object(at)
        header = Header.from_dict(value.get("header"), KIND, at)
        return checked({**value, "header": members(header)}, cls, at)

    @property
    def all_maps(self) -> list[tuple[ExplainedFilm, FilmMap]]:
        """Every map with its film."""
        return [(f, m) for f in self.films for m in f.maps]

    @property
    def words(self) -> str:
        """How many maps there are, and how many pass their checks, in a sentence."""
        maps = [m for _, m in self.all_maps]
        judged = [not m.failed for m in maps if m.verdict != "not checked"]
        without = sum(bool(f.error) for f in self.films)
        passing = f"of which {sum(judged)} of {len(judged)} pass all checks that must hold"
        of = f"{counted(len(maps), 'map')} of {counted(len(self.films) - without, 'film')}"
        said = f"{of}, {passing if judged else 'none of them checked'}"
        return said + (f"; {counted(without, 'film')} could not be explained" if without else "")

    def describe(self) -> dict[str, Any]:
        """What is worth saying of it."""
        return {
            "films": len(self.films),
            "methods": list(self.methods),
            "maps": self.words,
            "could not be explained": sum(bool(f.error) for f in self.films) or None,
            "classes": self.classes,
            "positive": self.positive,
        }


def explained_cells(folder: RunFolder) -> dict[RunCell, Explanations]:
    """The explanations of each model's cell of a run that has some."""
    paths = {c: folder.path / FOLDER / c.name for c in folder.cells}
    return {c: Explanations.read(p) for c, p in paths.items() if (p / EXPLANATIONS).is_file()}


def maps_path(folder: Path, name: str) -> Path:
    """Where a film's maps lie."""
    return folder / "maps" / f"{name}.npz"


def write_film(folder: Path, film: ExplainedFilm, maps: Mapping[str, NDArray[np.float32]], key: str) -> None:
    """Write a film's maps and then its part of the artefact, by which it is found again."""
    path = maps_path(folder, film.name)
    with writing(path) as beside, beside.open("wb") as f:
        arrays: dict[str, Any] = {method: np.asarray(m, np.float32) for method, m in maps.items()}
        np.savez_compressed(f, **arrays)
    value = {"key": key, "maps_sha256": sha256_file(path), "film": film}
    write_json(path.with_suffix(".json"), value)


def find_film(folder: Path, name: str, key: str) -> ExplainedFilm | None:
    """A film that was explained before, if its maps are as they were written; else None."""
    path = at_hand(maps_path(folder, name))
    beside = path.with_suffix(".json")
    if not (path.is_file() and beside.is_file()):
        return None
    value = read_object(beside)
    with as_written(beside):
        if (value["key"], value["maps_sha256"]) != (key, sha256_file(path)):
            return None
        return checked(value["film"], ExplainedFilm, beside)


def read_maps(folder: Path, name: str) -> dict[str, NDArray[np.float32]]:
    """Method -> map, float32 (height, width), of a film.

    Raises:
        InputError: They are not there.
    """
    path = at_hand(maps_path(folder, name))
    if not path.is_file():
        raise InputError(f"{path}: expected the maps of a film; explain it again")
    with np.load(path, allow_pickle=False) as arrays:
        return {method: arrays[method] for method in arrays.files}


def film_name(image_id: str, key: str) -> str:
    """Stem of a film's files: as much of its id as a file may be called, and what tells it from others of that name."""
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in image_id)
    return f"{plain[-60:].lstrip('-.')}-{digest(key)[:8]}"

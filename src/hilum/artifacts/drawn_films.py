"""``prepared/<splits>/<pipeline>--trial-<n>.json`` of a run: the prepared films that a trial has in each part, and what was drawn for each.

Pixels lie in the workspace (`hilum.artifacts.prepared`); here they are named by digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from hilum.artifacts.header import Header, as_written, read_object, write_json
from hilum.artifacts.split import PARTS

PREPARED = "prepared"


class DrawnFilm(NamedTuple):
    """A prepared film of a trial.

    Attributes:
        image_id: The film.
        copy: Copy number, from 0.
        pixels_sha256: Digest of the prepared pixels.
        drawn: What was drawn for it, operation by operation.
    """

    image_id: str
    copy: int
    pixels_sha256: str
    drawn: Any


@dataclass(frozen=True)
class DrawnFilms:
    """The prepared films of a trial.

    Attributes:
        header: With the digest of its split.
        parts: Part -> its films, in the order that they were drawn in.
    """

    header: Header
    parts: Mapping[str, Sequence[DrawnFilm]]

    def write(self, path: Path) -> None:
        """Write the list, whole or not at all."""
        write_json(path, {"header": self.header.to_dict(), "columns": DrawnFilm._fields, **self.parts})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check.

        Raises:
            InputError: No such file, or of another kind.
        """
        value = read_object(path)
        header = Header.from_dict(value.get("header"), "prepared", path)
        with as_written(path):
            return cls(header, {p: [DrawnFilm(*row) for row in value.get(p, ())] for p in PARTS})


def drawn_path(run: Path, splits: str, pipeline: str, trial: int) -> Path:
    """Where the list of a trial lies in a run's folder.

    Args:
        run: The run's folder.
        splits: Folder of its splits beneath ``splits``; empty for the study's plain ones.
        pipeline: Name of the pipeline.
        trial: From 1.
    """
    return run / PREPARED / splits / f"{pipeline}--trial-{trial}.json"


def drawn_paths(run: Path, pipeline: str = "*") -> list[Path]:
    """Every list in a run's folder, or those of a pipeline."""
    return sorted((run / PREPARED).rglob(f"{pipeline}--trial-*.json"))

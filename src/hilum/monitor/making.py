"""A bundle's reference made: the films of its run, or films that are named, read as the service reads them.

The fixed steps of the preparation are applied, as to films to come. What the run itself stored will not do: its held-out films went through
the study's draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.run_folder import run_of
from hilum.artifacts.trial_files import BUNDLE
from hilum.core.errors import FilmError, InputError
from hilum.core.progress import progress
from hilum.imaging.as_ingested import bytes_as_ingested
from hilum.imaging.shape import shape_of
from hilum.inference.opened import Opened, open_film
from hilum.monitor.reference import About, Reference
from hilum.monitor.seen import Seen, properties_of, seen_of
from hilum.sources.named_films import named_films
from hilum.study.several_findings import ONE_FINDING, require_one_class

MOST = 1000
"""Films of a reference."""
FEWEST = 30
_ELSEWHERE = "films that were named"
MUST = "give films that the model was not trained on: hilum drift BUNDLE FILMS... --make-reference"


class Made(NamedTuple):
    """A reference that was made, and where it lies."""

    reference: Reference
    path: Path

    @property
    def words(self) -> str:
        """How many films it has, and of which."""
        held = int(self.reference.held_out.sum())
        return f"{len(self.reference)} films, {held} of them with scores: {self.reference.about.films}"


def make_reference(folder: Path, films: Sequence[Path] = (), device: str = "cpu", most: int = MOST) -> Made:
    """Read films with a bundle and write its reference.

    Args:
        folder: The bundle.
        films: Films, folders or manifests that are like those it was made with and that it was not trained on; else those of its run.
        device: ``cpu`` or ``cuda``.
        most: Films that are read.

    Raises:
        InputError: No bundle, no films and no run around it, or fewer than `FEWEST` films with scores.
        UnsafeError: The bundle may not be used.
    """
    bundle, _, _ = Bundle.described(folder)
    bundle.require_a_model(folder)
    if films:
        held_out, trained_on, words = list(named_films(films).rows), list[FilmRow](), _ELSEWHERE
    else:
        held_out, trained_on, words = _of_run(folder)
    chosen = _thinned(_one_a_patient(held_out), most)
    more = _thinned(_one_a_patient(trained_on), most - len(chosen))
    seen, looked_at = _read(folder, chosen, more, device)
    if len(seen) < FEWEST:
        raise InputError(
            f"{folder}: expected at least {FEWEST} patients' films with scores for a reference, got {len(seen)} of {len(chosen)} that "
            f"were read; {MUST}"
        )
    about = About(bundle_version(folder), bundle.classes, bundle.positive, words)
    reference = Reference.of(about, [*seen, *looked_at], [*(True for _ in seen), *(False for _ in looked_at)])
    return Made(reference, reference.write(folder))


def _of_run(folder: Path) -> tuple[list[FilmRow], list[FilmRow], str]:
    """Films of the bundle's own run: held out, and trained on."""
    run, at = run_of(folder / "bundle.json"), folder.resolve()
    for cell, trial in run.units() if run else ():
        assert run is not None
        if (run.folder(cell, trial) / BUNDLE).resolve() == at / "bundle.json":
            split, by_id = run.split_of(cell, trial), run.manifest.by_id
            held_out = [by_id[i] for part in ("valid", "test") for i in split.parts[part]]
            words = (
                f"validation and test films of the run {run.path.name}, and training films for how films look"
            )
            return held_out, [by_id[i] for i in split.parts["train"]], words
    raise InputError(f"{folder}: it lies in no run that still has its films listed; {MUST}")


def _one_a_patient(rows: Sequence[FilmRow]) -> list[FilmRow]:
    """The first film of each patient, in order; films without a patient each for themselves."""
    first: dict[str, FilmRow] = {}
    for row in rows:
        first.setdefault(row.patient_id or f"film {row.image_id}", row)
    return list(first.values())


def _thinned(rows: Sequence[FilmRow], most: int) -> list[FilmRow]:
    """At most `most` rows, evenly over their order."""
    n = max(0, min(most, len(rows)))
    return [rows[k * len(rows) // n] for k in range(n)]


def _read(
    folder: Path, held_out: Sequence[FilmRow], more: Sequence[FilmRow], device: str
) -> tuple[list[Seen], list[Seen]]:
    """Films as they are seen, those that cannot be read or scored left out; of `more` without scores, which needs no network."""
    from hilum.inference.reader import Reader  # late: torch

    reader = Reader(folder, "torch", device)
    require_one_class(reader.bundle.task, f"{folder}: what a bundle is watched against", ONE_FINDING)
    batch, none = reader.bundle.batch, np.full(len(reader.bundle.classes), np.nan)
    seen, looked_at = [], []
    with progress("reference", len(held_out) + len(more)) as step:
        for start in range(0, len(held_out), batch):
            for reading in reader.answers([opened(row) for row in held_out[start : start + batch]]):
                seen.append(seen_of(reading))
                step()
        for row in more:
            film = opened(row)
            made = "" if film.pixels is None else reader.predictor.prepared([film.pixels])[0]
            if not isinstance(made, str):
                looked_at.append(Seen(none, math.nan, properties_of(made, film.size_px), shape_of(made)))
            step()
    return [s for s in seen if s is not None], looked_at


def opened(row: FilmRow) -> Opened:
    """A film of a manifest or folder, opened; quality flags, of which nothing is kept, are not looked for."""
    try:
        return open_film(row.image_id, bytes_as_ingested(row.image_id, row.path, row.sha256))
    except FilmError as e:
        return open_film(row.image_id, e)

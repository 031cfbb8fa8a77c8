"""Films of two manifests -> which of their statistics moved (`hilum.stats.drift`), from their pixels and from what the manifests say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.outside import DriftRow
from hilum.core.engine import Engine
from hilum.core.errors import FilmError
from hilum.core.progress import progress
from hilum.core.seeding import key_entropy
from hilum.imaging.as_ingested import film_as_ingested, refuse
from hilum.imaging.measured import measured
from hilum.stats.drift import drift
from hilum.study.film_filter import number_of

_WORDS = {
    "container": "container",
    "stored_as": "stored as",
    "age_group": "age group",
    "sex": "sex",
    "view": "view",
}
_AGE = "age"
MOST = 1000
"""Films of a side that are measured, drawn by their pixels."""
_CHUNK, _ALONE_BELOW = 64, 256


def find_drift(source: Sequence[FilmRow], outside: Sequence[FilmRow], engine: Engine) -> list[DriftRow]:
    """The rows of `hilum.stats.drift.drift`, from one film a patient and at most `MOST` films of each side.

    Raises:
        InputError: Films that cannot be read, all of them named.
    """
    drawn = [_drawn(films) for films in (source, outside)]
    values = iter(_measured([*drawn[0], *drawn[1]], engine))
    sides = []
    for films in drawn:
        columns: dict[str, list[float] | list[str]] = {}
        for film in films:
            facts: dict[str, float | str] = {label: v for c, label in _WORDS.items() if (v := film.value(c))}
            if (age := number_of(film.value(_AGE))) is not None:
                facts[_AGE] = age
            for name, value in (*next(values).items(), *facts.items()):
                columns.setdefault(name, []).append(value)  # type: ignore[arg-type]
        sides.append(columns)
    return drift(*sides)


def _drawn(films: Sequence[FilmRow]) -> list[FilmRow]:
    """One film a patient, at most `MOST`, whatever the order."""
    order = sorted(films, key=lambda f: (key_entropy(0, "drift", f.pixels_sha256), f.image_id))
    kept: dict[str, FilmRow] = {}
    for f in order:
        kept.setdefault(f.patient_id or f"film {f.image_id}", f)
    return list(kept.values())[:MOST]


def _measured(films: Sequence[FilmRow], engine: Engine) -> list[dict[str, float]]:
    rows = [(f.image_id, f.path, f.sha256) for f in films]
    chunks = [rows[k : k + _CHUNK] for k in range(0, len(rows), _CHUNK)]
    found: list[dict[str, float]] = []
    bad: list[str] = []
    with progress("drift: measure", len(rows)) as step:
        for answer in chain.from_iterable(engine.map(_measure_chunk, chunks, alone=len(rows) < _ALONE_BELOW)):
            (bad if isinstance(answer, str) else found).append(answer)  # type: ignore[arg-type]
            step()
    refuse(bad)
    return found


def _measure_chunk(films: Sequence[tuple[str, str, str]]) -> list[dict[str, float] | str]:
    out: list[dict[str, float] | str] = []
    for film in films:
        try:
            out.append(measured(film_as_ingested(*film).pixels))
        except FilmError as e:
            out.append(f"{film[0]}: {e.reason}")
    return out

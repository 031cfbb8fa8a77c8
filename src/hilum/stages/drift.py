"""Films of two manifests -> which of their statistics moved (`hilum.stats.drift`), from their pixels and from what the manifests say."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.outside import DriftRow
from hilum.core.engine import Engine
from hilum.core.seeding import key_entropy
from hilum.imaging.as_ingested import each_film
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


def find_drift(source: Sequence[FilmRow], outside: Sequence[FilmRow], engine: Engine) -> list[DriftRow]:
    """The rows of `hilum.stats.drift.drift`, from one film a patient and at most `MOST` films of each side.

    Raises:
        InputError: Films that cannot be read, all of them named.
    """
    drawn = [_drawn(films) for films in (source, outside)]
    values = iter(each_film(measured, [*drawn[0], *drawn[1]], engine, "drift: measure"))
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

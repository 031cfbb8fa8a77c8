"""Synthetic films of patients who may have several signs at once, each known, not known or uncertain: for studies of several findings.

A finding is the sign of a disease (`hilum.synthetic.signs`) by the name that radiology has for it. Patients have each by a chance of its
own, and what a film's table says of it follows the patient; some of it is left out or called uncertain, as reports do. That, too, is drawn
by film, and never looks at the film.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Final

from hilum.core.files import write_text
from hilum.core.seeding import generator
from hilum.core.tables import table_text
from hilum.imaging import png
from hilum.synthetic.phantom import draw_signs, films_of

SIGNS: Final[Mapping[str, tuple[str, float]]] = {
    "consolidation": ("bacterial", 0.3),
    "ground_glass": ("covid", 0.35),
    "interstitial": ("viral", 0.25),
}
"""Finding -> the class whose sign it is, and the share of patients that have it."""
NOT_KNOWN, UNCERTAIN = 0.1, 0.05
"""Share of films whose table leaves a finding out, or calls it uncertain."""
COLUMNS = ("path", "label", "patient_id", "view", "age_group", *(f"finding_{f}" for f in SIGNS))


def make_several(out_dir: Path, n_films: int, seed: int, size_px: int = 256) -> Path:
    """Write a data set of films with several findings, ``films/P0001_1.png``, and last ``films.csv`` with the columns `COLUMNS`.

    Every film is drawn from (seed, patient, film), so it does not depend on the others or on their number. The label is ``sick`` or
    ``well``. Returns the path of the table.
    """
    (out_dir / "films").mkdir(parents=True, exist_ok=True)
    rows: list[tuple[object, ...]] = []
    for n_patient in count(1):
        key = ("several signs", n_patient)
        chance = generator(seed, *key, "findings").random(len(SIGNS))
        there = [f for f, c in zip(SIGNS, chance, strict=True) if c < SIGNS[f][1]]
        labels = [SIGNS[f][0] for f in there] or ["normal"]
        for n in range(1, films_of(generator(seed, *key, "films")) + 1):
            film = draw_signs(labels, generator(seed, *key), generator(seed, *key, n), size_px)
            path = f"films/P{n_patient:04d}_{n}.png"
            (out_dir / path).write_bytes(png.write(film.pixels))
            told = generator(seed, *key, n, "told").random(len(SIGNS))
            said = [_said(f in there, t) for f, t in zip(SIGNS, told, strict=True)]
            label = "sick" if there else "well"
            rows.append(
                (path, label, f"P{n_patient:04d}", film.facts["view"], film.facts["age_group"], *said)
            )
            if len(rows) == n_films:
                write_text(out_dir / "films.csv", table_text(COLUMNS, rows))
                return out_dir / "films.csv"
    raise AssertionError("patients do not end")


def _said(there: bool, chance: float) -> str:
    """What a film's table says of a finding."""
    if chance < NOT_KNOWN:
        return ""
    return "-1" if chance < NOT_KNOWN + UNCERTAIN else str(int(there))

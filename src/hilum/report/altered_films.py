"""How many films that models are judged by a pipeline altered by chance, from the list of what was drawn for each film.

Convention: a step alters a film by chance where it has a probability below 1 or drew something; a step that does the same to every film of
a part is not counted. Counts are of trial 1: films of valid and test are drawn for with the study's seed in every trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hilum.artifacts.drawn_films import DrawnFilms, drawn_path
from hilum.artifacts.run_folder import PREDICTED_PARTS, RunFolder


def altered_films(folder: RunFolder) -> dict[str, dict[str, tuple[int, int]]]:
    """Pipeline -> part -> (films altered by chance, films), for valid and test; a pipeline without a list of draws is left out."""
    found = {}
    for splits, name in sorted({(c.splits, c.prepared_as) for c in folder.cells}):
        path = drawn_path(folder.path, splits, name, 1)
        steps = folder.record.pipelines.get(name, {}).get("steps")
        if steps is None or not path.is_file():
            continue
        films = DrawnFilms.read(path).parts
        counts = {
            part: (sum(_by_chance(f.drawn, steps) for f in films[part]), len(films[part]))
            for part in PREDICTED_PARTS
        }
        found[f"{name} ({splits})" if splits else name] = counts
    return found


def _by_chance(drawn: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]) -> bool:
    return any(d["drawn"] or steps[d["step"]].get("probability", 1.0) != 1.0 for d in drawn)

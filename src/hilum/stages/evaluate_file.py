"""evaluate, of a table: any csv of scores, with the labels it has or those of another table -> ``statistics.json``.

Convention: films without a score or without a label are left out and counted. Without a part asked for, the test films are evaluated
where some film is of part test, and all labelled films where no film is of any part. Test films of a run count as looked at.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hilum.artifacts.film_labels import read_film_labels
from hilum.artifacts.header import Header
from hilum.artifacts.looks import count_look, looks
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run_folder import run_of
from hilum.artifacts.scored_table import Reading, read_scored_table
from hilum.artifacts.statistics import RULES, write_statistics
from hilum.core.digests import sha256_file
from hilum.core.errors import InputError, nearest
from hilum.report.run_words import looks_words
from hilum.report.table_page import ALL, EvaluatedTable
from hilum.stats.resampling_unit import resampling_unit
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import N_RESAMPLES, cell_statistics
from hilum.stats.tested_films import PART


@dataclass(frozen=True)
class Choice:
    """Which films of a table are evaluated, and how.

    Attributes:
        part: Whose films; None for test where there is one, else all.
        labels: A table of labels, which go before those of the predictions.
        drop_unknown_classes: Leave out films whose label is no class instead of refusing.
        n_resamples: Resamples of each interval.
        seed: Of the resamples.
        threshold: For extra rows at an operating point on the positive class's probability; None for none.
    """

    part: str | None = None
    labels: Path | None = None
    drop_unknown_classes: bool = False
    n_resamples: int = N_RESAMPLES
    seed: int = 0
    threshold: float | None = None


def evaluate_file(
    path: Path,
    out: Path,
    choice: Choice = Choice(),
    reading: Reading = Reading(),  # noqa: B008  frozen
) -> EvaluatedTable:
    """Evaluate a table of scores and write its ``statistics.json``.

    Raises:
        InputError: The table is malformed, the positive class is none of its classes, or no film can be evaluated.
    """
    if choice.labels is not None:
        reading = replace(reading, labels=read_film_labels(choice.labels))
    table = read_scored_table(path, reading)
    positive, notes = table.positive, list(table.notes)
    part, films = _part(path, table.predictions, choice.part, notes)
    films = _labelled(path, films, choice, notes)
    unit = resampling_unit(films)
    scored = ScoredFilms(
        films.y_index(), films.probabilities, np.array(unit.labels), threshold=choice.threshold
    )
    rows = cell_statistics(
        [scored], films.classes, positive, unit.name, choice.seed, choice.n_resamples, part
    )
    options = {
        "n_resamples": choice.n_resamples, "part": part, "positive": positive, "threshold": choice.threshold, "rules": RULES,
        **({"notes": notes} if notes else {}),
    }  # fmt: skip
    inputs = {"predictions": sha256_file(path)}
    if choice.labels is not None:
        inputs["labels"] = sha256_file(choice.labels)
    write_statistics(out, rows, Header("statistics", inputs, options, seed=choice.seed))
    run = run_of(path) if part == PART else None
    if run is not None:
        count_look(run, "evaluate")
        notes.append(f"of {run.path.name}: {looks_words(looks(run))}")
    return EvaluatedTable(path, rows, films, part, positive, unit, tuple(notes))


def _part(path: Path, films: Predictions, asked: str | None, notes: list[str]) -> tuple[str, Predictions]:
    """The part that is evaluated, and its films that have scores."""
    parts = Counter(films.parts)
    if asked is None and not any(parts):
        notes.append(
            f"no film is of a part, so all films that have a label are evaluated (part {ALL!r} in the rows)"
        )
        return ALL, films.take([k for k in range(len(films)) if not films.errors[k]])
    part = asked or PART
    chosen = films.of_part(part)
    if not len(chosen):
        there = ", ".join(f"{p or '(empty)'} {n}" for p, n in sorted(parts.items())) or "no film at all"
        raise InputError(
            f"{path}: no film of part {part!r} has probabilities; the file has {there}; give --part"
        )
    return part, chosen


def _labelled(path: Path, films: Predictions, choice: Choice, notes: list[str]) -> Predictions:
    """Films whose label is a class.

    Raises:
        InputError: None is; or labels that are no class, unless they are to be dropped.
    """
    unlabelled = sum(not y for y in films.y_true)
    strange = Counter(y for y in films.y_true if y and y not in films.classes)
    if strange and not choice.drop_unknown_classes:
        listed = ", ".join(f"{y!r} {n}" for y, n in sorted(strange.items()))
        first = min(strange)
        raise InputError(
            f"{path}: {strange.total()} films have a label that is no class of these predictions ({listed}); "
            f"{nearest(first, films.classes)}. Correct the labels, or leave these films out with --drop-unknown-classes"
        )
    kept = films.take([k for k, y in enumerate(films.y_true) if y in films.classes])
    if not len(kept):
        raise InputError(
            f"{path}: none of its {len(films)} films has a label that is a class (y_true); give the labels with --labels FILE"
        )
    if unlabelled:
        notes.append(f"{unlabelled} films without a label were left out")
    if strange:
        listed = ", ".join(f"{y} {n}" for y, n in sorted(strange.items()))
        notes.append(
            f"{strange.total()} films of classes that the predictions do not have were left out: {listed}"
        )
    return kept

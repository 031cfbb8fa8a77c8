"""A cell of a run, evaluated: the scored films, rows and curves of its trials, and those of all together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hilum.artifacts.evaluation import CellCurves, TrialEvaluation
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.questions import Question
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRow
from hilum.stats.contrasts import Contrast, contrast
from hilum.stats.judged_films import covered, refused
from hilum.stats.mean_curves import mean_curves
from hilum.stats.resampling_unit import ResamplingUnit
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics
from hilum.stats.tested_films import PART, TestedFilms, tested_films
from hilum.stats.trial_curves import trial_curves


@dataclass(frozen=True)
class CellTask:
    """Some cells of a run, one after another: a folder's films are read once for all of them.

    Attributes:
        run_dir: The run's folder.
        cells: Their numbers in ``run.json``.
        n_resamples: Of each interval.
        figures: Make rows and curves too.
    """

    run_dir: Path
    cells: tuple[int, ...]
    n_resamples: int
    figures: bool


@dataclass(frozen=True)
class EvaluatedCell:
    """What was found of a cell.

    Attributes:
        scored: Its trials.
        unit: What an interval resamples.
        trials: What figures show of each; empty where none are wanted.
        rows: A trial's and then the cell's, in the order of the trials.
        curves: Of all trials together.
    """

    scored: Sequence[ScoredFilms]
    unit: ResamplingUnit
    trials: Sequence[TrialEvaluation] = ()
    rows: Sequence[StudyRow] = ()
    curves: CellCurves | None = None


def evaluate_cells(task: CellTask) -> list[EvaluatedCell]:
    """Do one task.

    Raises:
        InputError: As `tested_films`.
        DigestError: As `tested_films`.
    """
    folder = RunFolder(task.run_dir)
    return [_evaluated(folder, folder.record.cells[k], task) for k in task.cells]


def _evaluated(folder: RunFolder, cell: RunCell, task: CellTask) -> EvaluatedCell:
    thresholds = _thresholds(folder, cell)
    tested = [tested_films(folder, cell, trial) for trial in folder.trials]
    scored = [
        replace(t.scored, threshold=threshold, contrasts=list(_contrasts(folder, t.predictions)))
        for t, threshold in zip(tested, thresholds, strict=True)
    ]
    unit = tested[-1].unit
    if not task.figures:
        return EvaluatedCell(scored, unit)
    rows: list[StudyRow] = []
    for trial, t, films in zip(folder.trials, tested, scored, strict=True):
        rows += _rows([films], folder, cell, trial, t.unit.name, task.n_resamples)
    rows += _rows(scored, folder, cell, None, unit.name, task.n_resamples)
    positive, seed = folder.classes.index(folder.positive), folder.record.seed or 0
    curves = mean_curves(scored, positive, task.n_resamples, seed)
    shown = [_shown(folder, cell, trial, t) for trial, t in zip(folder.trials, tested, strict=True)]
    return EvaluatedCell(scored, unit, shown, rows, curves)


def _thresholds(folder: RunFolder, cell: RunCell) -> list[float | None]:
    """The operating point of every trial; None of each unless all have one."""
    points = [folder.operating_point(cell, t).get("threshold") for t in folder.trials]
    return [None] * len(points) if any(p is None for p in points) else points


def _contrasts(folder: RunFolder, predictions: Predictions) -> Iterator[Contrast]:
    return (_contrast(q, predictions, folder.manifest) for q in folder.questions)


def _contrast(question: Question, predictions: Predictions, films: Manifest) -> Contrast:
    """A question about the films predicted; about none of them where a column that it needs is not known of any film."""
    positive, negative = question.sides(films.films_of(predictions.image_ids))
    note = ""
    if unknown := question.unknown_column(films):
        note = f"the films' {unknown.replace('_', ' ')} is not known"
        positive = negative = [False] * len(positive)
    number = predictions.classes.index
    asked, against = tuple(map(number, question.asked)), tuple(map(number, question.against))
    sides = positive, negative, asked, against, question.positive is None
    return contrast(predictions.probabilities, question.name, *sides, note)


def _shown(folder: RunFolder, cell: RunCell, trial: int, tested: TestedFilms) -> TrialEvaluation:
    films, labels = tested.predictions, tested.unit.labels
    sources = folder.manifest.texts_of("source", films.image_ids)
    return replace(
        trial_curves(films, folder.positive, folder.temperature(cell, trial)),
        covered=covered(films, labels, sources),
        refused=refused(films, labels, sources),
    )


def _rows(
    scores: Sequence[ScoredFilms],
    folder: RunFolder,
    cell: RunCell,
    trial: int | None,
    unit: str,
    n_resamples: int,
) -> list[StudyRow]:
    found = cell_statistics(
        scores, folder.classes, folder.positive, unit, (folder.record.seed or 0), n_resamples, PART
    )
    return [StudyRow(cell=cell.name, trial=trial, **r.model_dump(by_alias=True)) for r in found]

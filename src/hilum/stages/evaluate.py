"""Evaluate: predictions (of a run, or any csv) -> ``statistics.json``; of a run ``evaluation.json`` too, and ``comparisons.json`` where its
study names families of comparisons.

Convention: rows a trial resample the units of its test films; rows a cell are means over trials and resample
units and trials. The unit is the patient where every film has an id, else the group of the split (films of
one patient, and confirmed copies), else the film; its name stands in every row. Operating points come from
the bundles, which chose them on validation; this stage chooses nothing. A run whose statistics are of the
same predictions is left as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.classes import positive_class
from hilum.artifacts.comparisons import write_comparisons
from hilum.artifacts.contrast import Question
from hilum.artifacts.header import Header, header_path, read_csv_header, write_csv_header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.statistics import RULES, StatisticsRow, write_statistics
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import InputError
from hilum.core.progress import progress
from hilum.report.evaluation import NAME, Evaluation, Points, TrialEvaluation
from hilum.report.families import family_pairs
from hilum.report.resampling_unit import ResamplingUnit, resampling_unit
from hilum.report.run_folder import RunCell, RunFolder
from hilum.report.study_rows import StudyRow, StudyRows, study_row
from hilum.stats.asked import TrialScores
from hilum.stats.comparison import Cells
from hilum.stats.confusion import FORMULAS, Undefined, confusion, predicted_class
from hilum.stats.contrasts import Sides
from hilum.stats.curves import AREA_FORMULAS, Curve, pr_curve, roc_curve, thin
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import N_RESAMPLES, cell_statistics, film_statistics

PART = "test"
COMPARISONS = "comparisons.json"


def evaluate_run(run_dir: Path, n_resamples: int | None = None) -> bool:
    """Write ``statistics.json``, ``evaluation.json`` and ``comparisons.json`` of a run, unless they are there and of
    the same predictions.

    Args:
        run_dir: The run's folder.
        n_resamples: Resamples of each interval; as the study says if not given.

    Returns:
        Whether any was written: whether the test part was looked at.

    Raises:
        InputError: Something is missing or malformed; a family's reference is no level of its factor.
        DigestError: The folder mixes artefacts of different runs.
    """
    folder = RunFolder(run_dir)
    study: dict[str, Any] = folder.run.get("study", {})
    if n_resamples is None:
        n_resamples = int(study.get("statistics", {}).get("resamples", N_RESAMPLES))
    header = _header(folder, n_resamples)
    families: list[dict[str, Any]] = list(study.get("compare") or [])
    compared = replace(header, kind="comparisons", options={**header.options, "families": families})
    pairs = [family_pairs(folder, f) for f in families]
    has_statistics = _is_of(run_dir / "statistics.json", header) and (run_dir / NAME).is_file()
    has_comparisons = not families or _is_of(run_dir / COMPARISONS, compared)
    if has_statistics and has_comparisons:
        return False
    rows: list[StudyRow] = []
    trials: dict[tuple[str, int], TrialEvaluation] = {}
    scored: dict[str, list[ScoredFilms]] = {}
    unit = ResamplingUnit("film", (), {})
    with progress("evaluate", len(folder.cells) * folder.n_trials, "trials") as step:
        for cell in folder.cells:
            scores = []
            thresholds = _thresholds(folder, cell)
            for trial in folder.trials:
                predictions = folder.predictions(cell, trial).of_part(PART)
                if not len(predictions):
                    raise InputError(
                        f"{folder.predictions_path(cell, trial)}: no film of part {PART!r} has probabilities"
                    )
                unit = resampling_unit(predictions)
                threshold = thresholds[trial - 1] if thresholds else None
                scores.append(_scores(predictions, unit, threshold, folder))
                weights = folder.trained_weights(cell, trial)
                last = scores[-1]
                scored.setdefault(cell.name, []).append(
                    ScoredFilms(predictions.image_ids, last.y_true, last.y_score, unit.labels, weights)
                )
                if not has_statistics:
                    trials[cell.name, trial] = _drawn(predictions, folder.positive)
                    rows += _rows([scores[-1]], folder, cell, trial, unit.name, n_resamples)
                step()
            if not has_statistics:
                rows += _rows(scores, folder, cell, None, unit.name, n_resamples)
    if families:
        metrics = [m for f in families for m in f["metrics"]]
        cells = Cells(
            scored, folder.classes, folder.positive, metrics, unit.name, header.seed or 0, n_resamples
        )
        found = [
            r for f, p in zip(families, pairs, strict=True) for r in cells.compare(f["name"], p, f["metrics"])
        ]
        write_comparisons(run_dir / COMPARISONS, found, compared)
    if not has_statistics:
        formulas = {**FORMULAS, **AREA_FORMULAS}
        Evaluation(replace(header, kind="evaluation"), unit.name, unit.counts, formulas, trials).write(
            run_dir / NAME
        )
        StudyRows(rows).write(run_dir / "statistics.json", header)
    return True


def _is_of(path: Path, header: Header) -> bool:
    """Whether a list is there, as it was written, and of these inputs and options."""
    if not path.is_file() or not header_path(path).is_file():
        return False
    found, provenance = read_csv_header(path, header.kind)
    return provenance == "hilum" and found == header


def evaluate_file(
    path: Path,
    out: Path,
    positive: str | None = None,
    part: str = PART,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    threshold: float | None = None,
) -> tuple[list[StatisticsRow], Predictions]:
    """Evaluate any csv of predictions and write its ``statistics.json``.

    Args:
        path: The csv.
        out: Where the rows go.
        positive: The positive class; None for the usual one (`hilum.artifacts.classes`).
        part: Whose films are evaluated.
        n_resamples: Resamples of each interval.
        seed: Of the resamples.
        threshold: For extra rows at an operating point on the positive class's probability; None for none.

    Returns:
        The rows, and the predictions that they are of.

    Raises:
        InputError: The csv is malformed, the positive class is none of its classes, or no film is of `part`.
    """
    everything = Predictions.read(path)
    positive = positive_class(positive, everything.classes, f"{path}: columns p_<class>")
    predictions = everything.of_part(part)
    if not len(predictions):
        parts = Counter(p or "(empty)" for p in everything.parts)
        there = ", ".join(f"{p} {n}" for p, n in sorted(parts.items())) or "no film at all"
        raise InputError(
            f"{path}: no film of part {part!r} has probabilities; the file has {there}; give --part"
        )
    unit = resampling_unit(predictions)
    rows = film_statistics(
        predictions.y_index(),
        predictions.probabilities,
        predictions.classes,
        positive,
        np.array(unit.labels),
        unit.name,
        seed,
        n_resamples,
        part,
        threshold,
    )
    write_statistics(out, rows)
    options = {
        "n_resamples": n_resamples, "part": part, "positive": positive, "threshold": threshold, "rules": RULES
    }  # fmt: skip
    write_csv_header(out, Header("statistics", {"predictions": sha256_file(path)}, options, seed))
    return rows, predictions


def _header(folder: RunFolder, n_resamples: int) -> Header:
    inputs = {
        "study": str(folder.run["study_digest"]),
        "manifest": str(folder.run["manifest_digest"]),
        "splits": folder.splits_digest(),
        "predictions": digest(folder.prediction_digests()),
        "operating_points": digest([folder.operating_point(c, t) for c, t in folder.units()]),
        "weights": digest(folder.weight_digests()),
    }
    options = {"n_resamples": n_resamples, "part": PART, "positive": folder.positive, "rules": RULES}
    return Header("statistics", inputs, options, int(folder.run.get("seed") or 0))


def _thresholds(folder: RunFolder, cell: RunCell) -> list[float] | None:
    """The operating point of every trial; None unless all have one."""
    points = [folder.operating_point(cell, t).get("threshold") for t in folder.trials]
    return None if any(p is None for p in points) else [float(p) for p in points if p is not None]


def _scores(
    predictions: Predictions, unit: ResamplingUnit, threshold: float | None, folder: RunFolder
) -> TrialScores:
    sides = [_sides(q, predictions, folder.manifest) for q in folder.questions]
    labels = np.array(unit.labels)
    return TrialScores(predictions.y_index(), predictions.probabilities, labels, threshold, sides)


def _sides(question: Question, predictions: Predictions, films: Manifest) -> Sides:
    """The films of a question among those predicted; none of them where a column that it needs is not known of any film."""
    positive, negative = question.sides([films.by_id[i] for i in predictions.image_ids])
    note = ""
    if unknown := question.unknown_column(films):
        note = f"the films' {unknown.replace('_', ' ')} is not known"
        positive = negative = [False] * len(positive)
    number = predictions.classes.index
    asked, against = tuple(map(number, question.asked)), tuple(map(number, question.against))
    return Sides(question.name, positive, negative, asked, against, question.positive is None, note)


def _rows(
    scores: Sequence[TrialScores],
    folder: RunFolder,
    cell: RunCell,
    trial: int | None,
    unit: str,
    n_resamples: int,
) -> list[StudyRow]:
    found = cell_statistics(
        scores, folder.classes, folder.positive, unit, int(folder.run.get("seed") or 0), n_resamples, PART
    )
    return [study_row(r, cell.name, trial) for r in found]


def _drawn(predictions: Predictions, positive: str) -> TrialEvaluation:
    y_true, k = predictions.y_index(), predictions.classes.index(positive)
    counts = confusion(y_true, predicted_class(predictions.probabilities), len(predictions.classes))
    is_positive: NDArray[np.bool_] = y_true == k
    score = predictions.probabilities[:, k]
    return TrialEvaluation(
        counts, _points(pr_curve(is_positive, score)), _points(roc_curve(is_positive, score))
    )


def _points(curve: Curve | Undefined) -> Points | None:
    if isinstance(curve, Undefined):
        return None
    thinned = thin(curve)
    return Points(thinned.x, thinned.y)

"""Evaluate a run of several findings: its findings' evaluations and its predictions -> ``statistics.json``, ``evaluation.json`` and, where
its study names families of comparisons, ``comparisons.json``.

Convention: the figures of a finding are those of its own run of two classes, which are copied; its figures at the operating point are at
its own thresholds. Macro averages and comparisons are made here, over all findings at once (`hilum.stats.several`). Curves, calibration and
decisions are in the findings' own evaluations. This stage chooses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.evaluation import EVALUATION, MIXED_UNIT, Evaluation
from hilum.artifacts.finding_runs import finding_runs
from hilum.artifacts.header import Header, is_written_of, write_rows
from hilum.artifacts.looks import count_look
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import COMPARISONS, STATISTICS
from hilum.artifacts.run_folder import STATISTICS_INPUTS, RunFolder
from hilum.artifacts.statistics import RULES, StudyRow, StudyRows
from hilum.core.progress import progress
from hilum.stats.families import family_pairs
from hilum.stats.resampling_unit import ResamplingUnit, resampling_unit
from hilum.stats.several import FoundFilms, finding_cells, macro_rows
from hilum.stats.summary import N_RESAMPLES
from hilum.stats.tested_films import PART
from hilum.study.metrics import formulas
from hilum.study.several_findings import MULTILABEL


def evaluate_findings(run_dir: Path, n_resamples: int | None = None) -> bool:
    """Write what a run of several findings is evaluated to, unless it is there and of the same predictions.

    Args:
        run_dir: The run's folder, whose findings are evaluated.
        n_resamples: Resamples of each interval; as the study says if not given.

    Returns:
        Whether any was written: whether the test part was looked at.

    Raises:
        InputError: Something is missing or malformed.
        DigestError: The folder mixes artefacts of different runs.
    """
    folder = RunFolder(run_dir)
    n = n_resamples or int(folder.record.table("statistics").get("resamples", N_RESAMPLES))
    header = _header(folder, n)
    families = folder.record.families
    compared = replace(header, kind="comparisons", options={**header.options, "families": families})
    there = is_written_of(run_dir / STATISTICS, header) and (run_dir / EVALUATION).is_file()
    if there and (not families or is_written_of(run_dir / COMPARISONS, compared)):
        return False
    rows, units = _rows_of_findings(folder), list[ResamplingUnit]()
    found: dict[str, list[FoundFilms]] = {}
    with progress("evaluate findings", len(folder.record.cells) * folder.n_trials, "trials") as step:
        for cell in folder.record.cells:
            trials = found.setdefault(cell.name, [])
            for trial in folder.trials:
                films, unit = found_films(folder, cell, trial)
                trials.append(films)
                rows += _macro(folder, cell, trial, [films], unit.name, n)
                step()
            units.append(unit)
            rows += _macro(folder, cell, None, trials, unit.name, n)
    name = units[0].name if len({u.name for u in units}) == 1 else MIXED_UNIT
    count_look(folder, "evaluate")  # before anything that was seen is written
    if families:
        models = {c.name: found[c.name] for c in folder.cells}
        write_rows(run_dir / COMPARISONS, _compared(folder, models, name, n), compared)
    Evaluation(replace(header, kind="evaluation"), name, units[0].counts, formulas(), {}, {}, {}).write(
        run_dir / EVALUATION
    )
    StudyRows(rows).write(run_dir / STATISTICS, header)
    return True


def found_films(folder: RunFolder, cell: RunCell, trial: int) -> tuple[FoundFilms, ResamplingUnit]:
    """The test films of a trial with what was said of their findings, and what an interval resamples.

    Raises:
        InputError: As `RunFolder.predictions`, or the bundle has no thresholds.
        DigestError: As `RunFolder.predictions`.
    """
    films = folder.predictions(cell, trial).of_part(PART)
    unit, thresholds = resampling_unit(films), folder.operating_point(cell, trial)["thresholds"]
    return FoundFilms(
        films.known(), films.probabilities, [float(thresholds[f]) for f in folder.classes], np.array(unit.labels), films.image_ids,
        folder.trained_weights(cell, trial),
    ), unit  # fmt: skip


def _header(folder: RunFolder, n_resamples: int) -> Header:
    inputs = {name: of(folder) for name, of in STATISTICS_INPUTS.items()}
    options = {"n_resamples": n_resamples, "part": PART, "task": MULTILABEL, "rules": RULES}
    return Header("statistics", inputs, options, seed=folder.record.seed or 0)


def _rows_of_findings(folder: RunFolder) -> list[StudyRow]:
    """The figures of each finding, as its own run has them."""
    rows = []
    for finding, run in finding_runs(folder.path, folder.classes).items():
        rows += [r for r in StudyRows.read(run.path / STATISTICS).rows if r.class_ == finding]
    return rows


def _macro(
    folder: RunFolder,
    cell: RunCell,
    trial: int | None,
    films: Sequence[FoundFilms],
    unit: str,
    n_resamples: int,
) -> list[StudyRow]:
    found = macro_rows(films, folder.classes, unit, folder.record.seed or 0, n_resamples, PART)
    return [StudyRow(cell=cell.name, trial=trial, **r.model_dump(by_alias=True)) for r in found]


def _compared(
    folder: RunFolder, found: Mapping[str, Sequence[FoundFilms]], unit: str, n_resamples: int
) -> list[ComparisonRow]:
    """The rows of every family, in which each pair of cells is compared for each finding and the macro average."""
    families = folder.record.families
    metrics = list(dict.fromkeys(m for f in families for m in f["metrics"]))
    first, *others = finding_cells(found, folder.classes, metrics, unit, folder.record.seed or 0, n_resamples)
    rows: list[ComparisonRow] = []
    for family in families:
        rows += first.compare(family["name"], family_pairs(folder, family), family["metrics"], others)
    return rows

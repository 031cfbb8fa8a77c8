"""Evaluate: predictions of a run -> ``statistics.json``, ``evaluation.json`` and ``decisions.json``, and where its study names families of
comparisons, subgroups or thresholds ``comparisons.json``, ``subgroups.json`` and ``sweep.json``.

Convention: rows a trial resample the units of its test films; rows a cell are means over trials and resample
units and trials. The unit is the patient where every film has an id, else the group of the split (films of
one patient, and confirmed copies), else the film; its name stands in every row. Operating points come from
the bundles, which chose them on validation; this stage chooses nothing. A run whose statistics are of the
same predictions is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from hilum.artifacts.comparisons import ComparisonRow, Pair
from hilum.artifacts.decisions import DECISIONS, Decisions
from hilum.artifacts.evaluation import EVALUATION, MIXED_UNIT, Evaluation
from hilum.artifacts.header import Header, is_written_of, write_rows
from hilum.artifacts.looks import count_look
from hilum.artifacts.run_files import COMPARISONS, STATISTICS, SUBGROUPS
from hilum.artifacts.run_folder import STATISTICS_INPUTS, RunFolder
from hilum.artifacts.statistics import RULES, StudyRows
from hilum.artifacts.sweep import SWEEP, Sweep
from hilum.core.engine import Engine, Local
from hilum.core.errors import HilumError
from hilum.core.progress import progress
from hilum.stats.comparison import Cells
from hilum.stats.decisions import decisions
from hilum.stats.evaluated_cell import CellTask, EvaluatedCell, evaluate_cells
from hilum.stats.families import family_pairs
from hilum.stats.judged_films import spread
from hilum.stats.resampling_unit import ResamplingUnit
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.shared_films import on_shared_films
from hilum.stats.subgroups import subgroup_rows
from hilum.stats.summary import N_RESAMPLES
from hilum.stats.sweep import sweep
from hilum.stats.tested_films import PART
from hilum.study.factors import FACTOR
from hilum.study.metrics import formulas
from hilum.study.several_findings import require_one_class

HERE: Final = Local(0)
_CELLS: Final = 4
"""Of a task at most: each reads the run's films."""
_HERE_BELOW: Final = 10**8
"""Films of all trials times resamples: a process takes longer to begin than fewer take."""

Scored = Mapping[str, Sequence[ScoredFilms]]
"""Cell -> its trials."""


def evaluate_run(run_dir: Path, n_resamples: int | None = None, engine: Engine = HERE) -> bool:
    """Write a run's ``statistics.json``, ``evaluation.json`` and what stands beside, unless they are there and of the same predictions.

    Args:
        run_dir: The run's folder.
        n_resamples: Resamples of each interval; as the study says if not given.
        engine: Where cells are evaluated; what is found does not depend on it.

    Returns:
        Whether any was written: whether the test part was looked at.

    Raises:
        InputError: Something is missing or malformed; a family's reference is no level of its factor.
        DigestError: The folder mixes artefacts of different runs.
    """
    folder = RunFolder(run_dir)
    require_one_class(folder.task, f"{run_dir}: figures of classes")
    said = int(folder.record.table("statistics").get("resamples", N_RESAMPLES))
    n_resamples = said if n_resamples is None else n_resamples
    header = _header(folder, n_resamples)
    families = folder.families
    compared = replace(header, kind="comparisons", options={**header.options, "families": families})
    pairs = [family_pairs(folder, f) for f in families]
    has_statistics = is_written_of(run_dir / STATISTICS, header) and _is_whole(run_dir / EVALUATION)
    has_comparisons = not families or is_written_of(run_dir / COMPARISONS, compared)
    missing = [extra for extra in EXTRAS if not extra.is_there(folder, header)]
    if has_statistics and has_comparisons and not missing:
        return False
    found = _found(folder, n_resamples, not has_statistics, engine)
    scored = {name: cell.scored for name, cell in found.items()}
    whole = _of_all([cell.unit for cell in found.values()])
    count_look(folder, "evaluate")  # before anything that was seen is written
    if families:
        rows = _compared(folder, scored, list(zip(families, pairs, strict=True)), whole.name, compared)
        write_rows(run_dir / COMPARISONS, rows, compared)
    for extra in missing:
        extra.write(folder, header, {cell.name: scored[cell.name] for cell in folder.cells}, whole.name)
    if not has_statistics:
        _write_figures(folder, header, found, whole)
    return True


def _found(folder: RunFolder, n_resamples: int, figures: bool, engine: Engine) -> dict[str, EvaluatedCell]:
    """What is found of each cell, in their order."""
    cells = folder.record.cells
    rounds = -(-len(cells) // (_CELLS * max(1, engine.cores)))
    each = -(-len(cells) // (rounds * max(1, engine.cores)))
    numbers = [tuple(range(k, min(k + each, len(cells)))) for k in range(0, len(cells), each)]
    tasks = [CellTask(folder.path, of_task, n_resamples, figures) for of_task in numbers]
    work = len(folder.manifest) * n_resamples * len(cells) * folder.n_trials
    found: dict[str, EvaluatedCell] = {}
    with progress("evaluate", len(cells), "cells") as step:
        answers = engine.map(evaluate_cells, tasks, here=not figures or work < _HERE_BELOW)
        for of_task, answer in zip(numbers, answers, strict=True):
            found |= {cells[k].name: cell for k, cell in zip(of_task, answer, strict=True)}
            step(len(of_task))
    return found


def _write_figures(
    folder: RunFolder, header: Header, found: Mapping[str, EvaluatedCell], whole: ResamplingUnit
) -> None:
    positive = folder.classes.index(folder.positive)
    spreads = {name: s for name, cell in found.items() if (s := spread(cell.scored, positive))}
    trials = {
        (name, trial): shown
        for name, cell in found.items()
        for trial, shown in zip(folder.trials, cell.trials, strict=True)
    }
    curves = {name: cell.curves for name, cell in found.items() if cell.curves is not None}
    own = replace(header, kind="evaluation"), whole.name, whole.counts
    Evaluation(*own, formulas(), trials, curves, spreads).write(folder.path / EVALUATION)
    StudyRows([row for cell in found.values() for row in cell.rows]).write(folder.path / STATISTICS, header)


def _of_all(units: Sequence[ResamplingUnit]) -> ResamplingUnit:
    """The first cell's unit, by a name that holds for all: cells may test other films, as those without a source do."""
    return replace(units[0], name=units[0].name if len({u.name for u in units}) == 1 else MIXED_UNIT)


def _subgroups_header(folder: RunFolder, header: Header) -> Header:
    asked = [q.subgroup for q in folder.questions if q.subgroup]
    options = {**header.options, "subgroups": asked, "compared": "where both sides have films asked for"}
    return replace(header, kind="subgroups", options=options)


def _has_subgroups(folder: RunFolder, header: Header) -> bool:
    own = _subgroups_header(folder, header)
    return not own.options["subgroups"] or is_written_of(folder.path / SUBGROUPS, own)


def _write_subgroups(folder: RunFolder, header: Header, scored: Scored, unit: str) -> None:
    own = _subgroups_header(folder, header)
    rows = subgroup_rows(folder, scored, unit, own.seed or 0, int(own.options["n_resamples"]))
    write_rows(folder.path / SUBGROUPS, rows, own)


def _decisions_header(folder: RunFolder, header: Header) -> Header:
    prevalences = [float(q) for q in folder.record.table("statistics").get("prevalences", [])]
    return replace(header, kind="decisions", options={**header.options, "prevalences": prevalences})


def _has_decisions(folder: RunFolder, header: Header) -> bool:
    return Decisions.is_of(folder.path, _decisions_header(folder, header))


def _write_decisions(folder: RunFolder, header: Header, scored: Scored, unit: str) -> None:
    own, k = _decisions_header(folder, header), folder.classes.index(folder.positive)
    decisions(scored, k, own.options["prevalences"], unit, own).write(folder.path / DECISIONS)


def _sweep_header(folder: RunFolder, header: Header) -> Header:
    thresholds = [float(t) for t in folder.record.table("statistics").get("thresholds", [])]
    return replace(header, kind="sweep", options={**header.options, "thresholds": thresholds})


def _has_sweep(folder: RunFolder, header: Header) -> bool:
    own = _sweep_header(folder, header)
    return not own.options["thresholds"] or Sweep.is_of(folder.path, own)


def _write_sweep(folder: RunFolder, header: Header, scored: Scored, unit: str) -> None:
    own = _sweep_header(folder, header)
    sweep(scored, folder.classes, folder.positive, unit, own).write(folder.path / SWEEP)


class Extra(NamedTuple):
    """What stands beside the statistics: whether it is there (or is not asked for), and how it is made of the models' scored films."""

    is_there: Callable[[RunFolder, Header], bool]
    write: Callable[[RunFolder, Header, Scored, str], None]


EXTRAS = (
    Extra(_has_subgroups, _write_subgroups),
    Extra(_has_decisions, _write_decisions),
    Extra(_has_sweep, _write_sweep),
)
"""``subgroups.json`` and ``sweep.json``, where the study names subgroups and thresholds, and ``decisions.json``."""


def _compared(
    folder: RunFolder,
    scored: Mapping[str, Sequence[ScoredFilms]],
    families: Sequence[tuple[Mapping[str, Any], Sequence[Pair]]],
    unit: str,
    header: Header,
) -> list[ComparisonRow]:
    """The rows of every family; cells that test other films than their reference are compared on those that both tested."""
    metrics = [m for f, _ in families for m in f["metrics"]]
    seed, n_resamples = header.seed or 0, int(header.options["n_resamples"])
    cells = Cells(scored, folder.classes, folder.positive, metrics, unit, seed, n_resamples)
    rows: list[ComparisonRow] = []
    for family, pairs in families:
        cut, renamed, own = on_shared_films(scored, pairs if FACTOR[family["factor"]].other_films else ())
        if all(name == cell for name, cell in own.items()):  # nothing was cut
            rows += cells.compare(family["name"], pairs, family["metrics"])
            continue
        shared = Cells(cut, folder.classes, folder.positive, family["metrics"], unit, seed, n_resamples)
        for row in shared.compare(family["name"], renamed, family["metrics"]):
            names = {"cell": own[row.cell], "reference": own[row.reference]}
            note = "" if names["cell"] == row.cell else "on the test films that both have"
            rows.append(row.model_copy(update={**names, "note": "; ".join(n for n in (row.note, note) if n)}))
    return rows


def _is_whole(path: Path) -> bool:
    """Whether an evaluation is there and can be read; one that was damaged, or has not all that it has by now, is made again."""
    try:
        Evaluation.read(path)
    except HilumError:
        return False
    return True


def _header(folder: RunFolder, n_resamples: int) -> Header:
    inputs = {name: of(folder) for name, of in STATISTICS_INPUTS.items()}
    options = {"n_resamples": n_resamples, "part": PART, "positive": folder.positive, "rules": RULES}
    return Header("statistics", inputs, options, seed=folder.record.seed or 0)

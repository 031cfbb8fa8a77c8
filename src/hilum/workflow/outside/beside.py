"""What stands beside the figures on other films: those on the models' own test films, the differences, and what moved in the films."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.header import Header
from hilum.artifacts.outside import AT_POINT, FAMILY, Outside
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import AT_OPERATING_POINT, StudyRow, StudyRows
from hilum.core.engine import Engine
from hilum.stages.drift import find_drift
from hilum.stats.outside import RATES, apart, points_compared, sides_compared
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import N_RESAMPLES
from hilum.stats.tested_films import tested_films
from hilum.study.metrics import shown_in
from hilum.workflow.outside.films import Chosen
from hilum.workflow.outside.origin import Origin

METRICS = (*shown_in("headline"), "roc_auc")
"""What is set beside each other."""


def beside(folder: Path, films: Chosen, origin: Origin, engine: Engine) -> Outside:
    """What ``outside.json`` says of a run on other films, whose predictions are there."""
    labels = films.kept.count_by("label")
    inputs = {"manifest": films.kept.digest, "given": films.given.digest}
    rows: list[StudyRow] = []
    differences: list[ComparisonRow] = []
    drift = []
    if origin.run is not None:
        inputs["origin"] = origin.run.results_digest()
        rows = in_source(origin.run, origin)
        differences = compared(RunFolder(folder), origin)
        own = origin.run.manifest.by_id
        drift = find_drift([own[i] for i in sorted(origin.parts["test"])], films.kept.films, engine)
    return Outside(
        Header("outside", inputs=inputs, options={"labels": dict(films.labels)}), origin.name, len(films.given),
        films.kept.count_by("source"), films.dropped, films.labels, tuple(c for c in origin.record.classes if not labels.get(c)),
        origin.run is not None, rows, differences, drift,
    )  # fmt: skip


def in_source(run: RunFolder, origin: Origin) -> list[StudyRow]:
    """The run's own figures, of the mean over trials; of one bundle, that trial's. None where the run was not evaluated."""
    path = run.path / STATISTICS
    if not path.is_file():
        return []
    known = StudyRows.read(path)
    one = origin.n_trials < run.n_trials
    found = []
    for u in origin.units:
        for metric in (*METRICS, *(f"{m}{AT_OPERATING_POINT}" for m in RATES)):
            row = known.find(u.cell.name, u.own if one else None, metric, run.positive)
            if row is not None and u.trial == 1:
                found.append(row.model_copy(update={"trial": None}))
    return found


def compared(folder: RunFolder, origin: Origin) -> list[ComparisonRow]:
    """Each cell on the other films less the same on its own test films."""
    assert origin.run is not None
    own = origin.run
    by_cell: dict[str, list[tuple[ScoredFilms, ScoredFilms]]] = {}
    units: set[str] = set()
    for u in origin.units:
        here = _scored(folder, folder.cell_named[u.cell.name], u.trial, units)
        there = _scored(own, u.cell, u.own, units)
        by_cell.setdefault(u.cell.name, []).append((here, there))
    sides = {
        n: (apart([a for a, _ in both], "outside "), apart([b for _, b in both], "in source "))
        for n, both in by_cell.items()
    }
    seed, n = folder.record.seed or 0, int(folder.record.table("statistics").get("resamples", N_RESAMPLES))
    unit = units.pop() if len(units) == 1 else "patient, group or film"
    rows = sides_compared(
        sides, FAMILY, folder.classes, folder.positive, dict.fromkeys(METRICS, sides), unit, seed, n
    )
    k = folder.classes.index(folder.positive)
    return [*rows, *points_compared(sides, AT_POINT, k, folder.positive, unit, seed, n)]


def _scored(folder: RunFolder, cell: RunCell, trial: int, units: set[str]) -> ScoredFilms:
    tested = tested_films(folder, cell, trial)
    units.add(tested.unit.name)
    return replace(tested.scored, threshold=folder.operating_point(cell, trial).get("threshold"))

"""runs: what is in a workspace's ``runs/``: one line a run, or one a cell with a figure and its interval. Reads only.

Conventions: a run is ``finished`` when its statistics and its report are there, else ``unfinished``: `hilum run` of the same study goes on.
A ``paper`` is a suite of runs. A cell's figure is the mean over its trials on the test part, for the study's positive class. Choosing
by a test figure is choosing on test: whoever sorts by one is told so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hilum.artifacts.looks import Ledger, looks
from hilum.artifacts.run import RunCell, is_run
from hilum.artifacts.run_files import MANIFEST, STATISTICS, RunFacts
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import MACRO, StudyRows
from hilum.artifacts.suite_record import SuiteRecord, is_suite_folder
from hilum.artifacts.trial_files import BUNDLE
from hilum.core.errors import InputError, nearest, require_known
from hilum.core.tables import count_rows
from hilum.report.table import Cell, Table, plain_table
from hilum.study.factors import FACTOR
from hilum.study.faults import unsafe_among
from hilum.study.several_findings import MULTILABEL

_DIGITS = 12  # of a study's digest, as in the names of runs
FINISHED, UNFINISHED, PAPER, BROKEN = "finished", "unfinished", "paper", "unreadable"


@dataclass(frozen=True)
class RunLine:
    """A folder of ``runs/``, as a row of the table has it.

    Attributes:
        run: Name of the folder.
        state: See the module.
        study: Name of the study.
        version: Digest of the study.
        films: Number of films.
        cells: Number of cells.
        trials: Of each cell.
        seconds: Of the whole run, the first time; None where it was not measured.
        looks: Looks at the test film of this run that was looked at most, by whatever study of this workspace.
        marks: Faults that break validity and were on in some cell, the name of a subset, ``synthetic films``, run folders of a paper, or
            why it cannot be read.
        folder: What is in it, where it is that of a run which began to end; no part of the row.
    """

    run: str
    state: str
    study: str = ""
    version: str = ""
    films: int | None = None
    cells: int | None = None
    trials: int | None = None
    seconds: float | None = None
    looks: int = 0
    marks: tuple[str, ...] = ()
    folder: RunFolder | None = field(default=None, repr=False, compare=False)

    @property
    def row(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "folder"}


def list_runs(root: Path) -> list[RunLine]:
    """Every run of a workspace, by name.

    Raises:
        InputError: No workspace.
    """
    if not (root / "runs").is_dir():
        raise InputError(
            f"{root}: expected a workspace, a folder with runs/ in it; `hilum run STUDY --workspace {root}` makes one"
        )
    folders = sorted(p for p in (root / "runs").iterdir() if p.is_dir() and not p.name.startswith("."))
    return [_line(p, Ledger(root)) for p in folders]


def _line(path: Path, ledger: Ledger) -> RunLine:
    try:
        if is_suite_folder(path):
            suite = SuiteRecord.read(path)
            seconds, members = sum(m.seconds or 0 for m in suite.members), tuple(m.run for m in suite.members)
            return RunLine(path.name, PAPER, suite.name, seconds=seconds, marks=members)
        if is_run(path):
            return _run_line(RunFolder(path), ledger)
    except InputError as e:
        return RunLine(path.name, BROKEN, marks=(str(e),))
    done = len(list(path.glob(f"cells/*/trial-*/{BUNDLE}")))
    mark = f"{done} trials trained so far" if done else "nothing trained yet"
    return RunLine(path.name, UNFINISHED, path.name.rpartition("-")[0], marks=(mark,))


def _run_line(run: RunFolder, ledger: Ledger) -> RunLine:
    path, record = run.path, run.record
    found = ledger.of_run(path.name, record.manifest_digest) or looks(run)
    whole = all((path / name).is_file() for name in (STATISTICS, "report.html"))
    unsafe = dict.fromkeys(f for c in run.cells for f in unsafe_among(c.switches))
    marks = [f"UNSAFE: {', '.join(unsafe)}"] if unsafe else []
    marks += [f"subset {record.subset['name']}: {record.subset['films']} films"] if record.subset else []
    marks += ["synthetic films"] if record.synthetic else []
    return RunLine(
        path.name, FINISHED if whole else UNFINISHED, record.name, record.study_digest,
        count_rows(path / MANIFEST) if (path / MANIFEST).is_file() else None, len(run.cells), run.n_trials,
        RunFacts.known(path).seconds, found.most if found else 0, tuple(marks), run,
    )  # fmt: skip


def choose_runs(lines: Sequence[RunLine], study: str | None, where: Mapping[str, str]) -> list[RunLine]:
    """Runs of a study that have a cell with the wanted levels.

    Args:
        lines: Of `list_runs`.
        study: Name of the study; None for all.
        where: Factor -> level.

    Raises:
        InputError: No such study, factor or level; the nearest is named.
    """
    if study is not None and study not in {x.study for x in lines}:
        raise InputError(
            f"no run of a study {study!r} here; {nearest(study, {x.study for x in lines} - {''})}"
        )
    lines = [x for x in lines if study in (None, x.study)]
    cells = [c for x in lines if x.folder for c in x.folder.cells]
    for factor, level in where.items():
        require_known(factor, FACTOR, f"--where {factor}={level}: unknown factor")
        levels = {c.factors[factor] for c in cells if factor in c.factors}
        if level not in levels:
            raise InputError(
                f"--where {factor}={level}: no cell here has it; {nearest(level, levels) if levels else 'no run recorded that factor'}"
            )
    if not where:
        return lines
    return [x for x in lines if x.folder and any(_fits(c, where) for c in x.folder.cells)]


def _fits(cell: RunCell, where: Mapping[str, str]) -> bool:
    return all(cell.factors.get(f) == level for f, level in where.items())


def compare_cells(lines: Iterable[RunLine], where: Mapping[str, str], metric: str) -> list[dict[str, Any]]:
    """A row for every cell that fits, with a figure and its interval, the mean over trials; None where its run was not evaluated.

    Args:
        lines: The runs.
        where: Factor -> level.
        metric: As in statistics.json, for the positive class (``accuracy`` of all classes too).

    Raises:
        InputError: No evaluated run has that metric.
    """
    figures = {metric: "estimate", "low": "low", "high": "high", "trials": "n_trials", "films": "n"}
    found: list[dict[str, Any]] = []
    metrics: set[str] = set()
    for run in (x.folder for x in lines if x.folder):
        path = run.path / STATISTICS
        rows = StudyRows.read(path) if path.is_file() else StudyRows(())
        asked = MACRO if run.task == MULTILABEL else run.positive
        metrics |= {r.metric for r in rows.rows if r.class_ == asked}
        for cell in (c for c in run.cells if _fits(c, where)):
            row = rows.find(cell.name, None, metric, asked)
            values = {name: getattr(row, key, None) for name, key in figures.items()}
            end = {"resampled": row.unit if row else "", "faults on": list(cell.switches)}
            found.append({"run": run.path.name, **cell.factors, **values, **end})
    if metrics and metric not in metrics:
        raise InputError(f"no cell here has a metric {metric!r}; {nearest(metric, metrics)}")
    return found


def sorted_rows(rows: Sequence[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """Rows by a column, numbers highest first, those that have nothing there last.

    Raises:
        InputError: There is no such column.
    """
    columns = list(dict.fromkeys(k for row in rows for k in row))
    if rows and column not in columns:
        raise InputError(f"--sort: no column {column!r}; {nearest(column, columns)}")
    there = [row for row in rows if row.get(column) not in (None, "")]
    number = all(isinstance(row[column], int | float) for row in there)
    there.sort(key=lambda row: row[column] if number else str(row[column]), reverse=number)
    return there + [row for row in rows if row.get(column) in (None, "")]


def rows_table(rows: Sequence[dict[str, Any]]) -> tuple[Table, dict[str, str]]:
    """Rows as a table without columns that are empty, and the factors that are alike in all of them: said once, not in a column."""
    levels = {factor: {row.get(factor) for row in rows} for factor in FACTOR if len(rows) > 1}
    alike = {f: str(*found) for f, found in levels.items() if len(found) == 1 and None not in found}
    names = dict.fromkeys(k for row in rows for k in row if row[k] not in (None, "", [], ()))
    columns = [k for k in names if k not in alike]
    return plain_table("runs", columns, [[_shown(k, row.get(k)) for k in columns] for row in rows]), alike


def _shown(column: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    if column == "version":
        return str(value)[:_DIGITS]
    return Cell(f"{value:.0f}", value) if column == "seconds" and value is not None else value

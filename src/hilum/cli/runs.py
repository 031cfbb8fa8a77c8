"""`hilum runs`: the runs of a workspace, or their cells side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hilum.core.errors import InputError, nearest
from hilum.study.metrics import METRICS

if TYPE_CHECKING:
    from hilum.stages.runs import CellLine, RunLine

_SHOWN = 12
_RUN_KEYS = ("run", "state", "study", "version", "films", "cells", "trials", "seconds", "looks", "marks")
_COUNTS = ("films", "cells", "trials", "seconds", "looks")


def runs(
    workspace: Annotated[Path, typer.Option(help="The workspace.")] = Path("hilum-workspace"),
    study: Annotated[str | None, typer.Option(help="Only runs of this study.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="FACTOR=LEVEL", help="Only this level, as pipeline=crop.")
    ] = None,
    cells: Annotated[
        bool, typer.Option("--cells", help="A row a cell, with a figure and its interval.")
    ] = False,
    metric: Annotated[
        str, typer.Option(help=f"The figure: {', '.join(m.name for m in METRICS)}.")
    ] = "sensitivity",
    sort: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Sort by a column; numbers highest first.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the runs of a workspace, filter them, and compare their figures. MLflow is not needed."""
    from hilum.stages.runs import choose_runs, compare_cells, list_runs  # late: numpy and pydantic

    wanted = dict(_assignment(w) for w in where or ())
    lines = choose_runs(list_runs(workspace), study, wanted)
    if cells:
        table = [_cell_row(c, metric) for c in compare_cells(lines, wanted, metric)]
        if sort == metric:
            print(f"hilum: sorted by {metric} on test; to choose by it is to choose on test", file=sys.stderr)
        constant = _constant(table)
    else:
        table = [_run_row(x) for x in lines]
        constant = {}
    _print(_sorted(table, sort), constant, as_json)


def _assignment(text: str) -> tuple[str, str]:
    factor, sign, level = text.partition("=")
    if not sign or not factor or not level:
        raise InputError(f"--where takes FACTOR=LEVEL, got {text!r}; for example --where pipeline=crop")
    return factor, level


def _run_row(line: RunLine) -> dict[str, Any]:
    marks = [f"UNSAFE: {', '.join(line.unsafe)}"] if line.unsafe else []
    values = (
        line.folder, line.state, line.study, line.study_version, line.n_films, line.n_cells, line.n_trials, line.seconds,
        line.looks, [*marks, *line.remarks, *line.members],
    )  # fmt: skip
    return dict(zip(_RUN_KEYS, values, strict=True))


def _cell_row(line: CellLine, metric: str) -> dict[str, Any]:
    r = line.row
    return {
        "run": line.run,
        **line.cell.factors,
        metric: None if r is None else r.estimate,
        "low": None if r is None else r.low,
        "high": None if r is None else r.high,
        "trials": None if r is None else r.n_trials,
        "films": None if r is None else r.n,
        "resampled": "" if r is None else r.unit,
        "faults on": list(line.cell.switches),
    }


def _constant(table: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Factors that are alike in all rows: said once, not in a column."""
    from hilum.study.factors import FACTOR

    if len(table) < 2:
        return {}
    found = {}
    for factor in FACTOR:
        levels = {row.get(factor) for row in table}
        if len(levels) == 1 and (level := levels.pop()) is not None:
            found[factor] = str(level)
    return found


def _sorted(table: list[dict[str, Any]], column: str | None) -> list[dict[str, Any]]:
    if column is None:
        return table
    columns = list(dict.fromkeys(k for row in table for k in row))
    if table and column not in columns:
        raise InputError(f"--sort: no column {column!r}; {nearest(column, columns)}")
    there = [row for row in table if row.get(column) not in (None, "")]
    number = all(isinstance(row[column], int | float) for row in there)
    there.sort(key=lambda row: row[column] if number else str(row[column]), reverse=number)
    return there + [row for row in table if row.get(column) in (None, "")]


def _print(table: list[dict[str, Any]], constant: dict[str, str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(table, ensure_ascii=False))
        return
    columns = [c for c in dict.fromkeys(k for row in table for k in row) if c not in constant]
    columns = [c for c in columns if any(row.get(c) not in (None, "", []) for row in table)]
    body = [[_text(c, row.get(c)) for c in columns] for row in table]
    widths = [
        max(len(c), *(len(line[k]) for line in body)) if body else len(c) for k, c in enumerate(columns)
    ]
    right = [all(isinstance(row.get(c), int | float | None) for row in table) for c in columns]

    def line(cells: Sequence[str]) -> str:
        padded = [t.rjust(w) if r else t.ljust(w) for t, w, r in zip(cells, widths, right, strict=True)]
        return "  ".join(padded).rstrip()

    if not body:
        print("no run", file=sys.stderr)
        return
    print("\n".join([line(columns), line(["-" * w for w in widths]), *map(line, body)]))
    if constant:
        print("all: " + ", ".join(f"{k} {v}" for k, v in constant.items()), file=sys.stderr)


def _text(column: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if column == "version":
        return str(value)[:_SHOWN]
    if isinstance(value, float):
        return f"{value:.0f}" if column in _COUNTS else f"{value:.4f}"
    return str(value)

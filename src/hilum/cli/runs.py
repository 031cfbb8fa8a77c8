"""`hilum runs`: the runs of a workspace, or their cells side by side."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.cli.options import AS_JSON, WORKSPACE, assigned
from hilum.study.metrics import METRICS


def runs(
    workspace: WORKSPACE = USUAL_WORKSPACE,
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
    as_json: AS_JSON = False,
) -> None:
    """List the runs of a workspace, filter them, and compare their figures. MLflow is not needed."""
    from hilum.stages.runs import (  # late: numpy
        choose_runs,
        compare_cells,
        list_runs,
        rows_table,
        sorted_rows,
    )

    levels = dict(assigned(where, "--where", "FACTOR=LEVEL", "pipeline=crop"))
    lines = choose_runs(list_runs(workspace), study, levels)
    rows = [line.row for line in lines]
    if cells:
        rows = compare_cells(lines, levels, metric)
        if sort == metric:
            print(f"hilum: sorted by {metric} on test; to choose by it is to choose on test", file=sys.stderr)
    if sort is not None:
        rows = sorted_rows(rows, sort)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    elif not rows:
        print("no run", file=sys.stderr)
    else:
        table, alike = rows_table(rows)
        print(table.to_text())
        if alike:
            print("all: " + ", ".join(f"{k} {v}" for k, v in alike.items()), file=sys.stderr)

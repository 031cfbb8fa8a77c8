"""`hilum compare`: the cells of runs against those of the first; prints the table, writes comparisons.json and compare.html."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.cli.options import AS_JSON, QUIET, SEED, WORKSPACE, typed, words_in
from hilum.study.metrics import METRICS, shown_in


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Folders of runs, or their names in the workspace; the first is the reference.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for comparisons.json, compare.html and tables.")
    ] = Path("hilum-compare"),
    metrics: Annotated[
        str, typer.Option(help=f"Separated by commas: {', '.join(m.name for m in METRICS)}.")
    ] = ",".join(shown_in("headline")),
    systems: Annotated[
        str,
        typer.Option(
            metavar="RUN/CELL",
            help="Not cell by cell, but all models of all runs in one table, each tested against this one; the runs must have had the same "
            "films in the same parts.",
        ),
    ] = "",
    seed: SEED = 0,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples of the films.")] = 2000,
    workspace: WORKSPACE = USUAL_WORKSPACE,
    as_json: AS_JSON = False,
    quiet: QUIET = False,
) -> None:
    """Compare runs: each cell with its counterpart in the first run, with intervals, adjusted tests and what else differs.

    Differences are paired by film and by trial where both are shared. One run alone is compared within itself where its cells
    differ in their faults. With --systems studies of other classes can stand beside each other, each as a judge of the positive class.
    """
    from hilum.api.statistics import compare as compare_runs  # late: pydantic

    named, given = words_in(metrics, "--metrics"), {"seed": seed, "resamples": resamples}
    with typed("compare"):
        done = compare_runs(
            runs, out=out, metrics=named, systems=systems, **given, workspace=workspace, quiet=quiet
        )
    page = done.made
    assert page is not None
    for told in (*(f"UNSAFE {text}" for text in page.unsafe), *page.cautions):
        print(f"hilum: {told}", file=sys.stderr)
    tables = (t.to_text() for t in page.tables if t.name.startswith(("systems", "comparisons")))
    print(json.dumps(done.rows(), ensure_ascii=False) if as_json else "\n\n".join(tables))
    print(f"written to {out}: comparisons.json, tables/, {done.report.name}", file=sys.stderr)

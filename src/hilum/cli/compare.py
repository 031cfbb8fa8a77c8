"""`hilum compare`: the cells of runs against those of the first; prints the table, writes comparisons.json and compare.html."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.outputs import check_outputs, folder_output
from hilum.artifacts.run import NAME, is_run
from hilum.core import progress
from hilum.core.errors import InputError, nearest
from hilum.study.metrics import METRICS, shown_in


def run_path(name: str, workspace: Path) -> Path:
    """The folder of a run: a path, its name in the workspace, or its study's name where the workspace has one run of it.

    Raises:
        InputError: No such run, or several.
    """
    path = Path(name)
    if is_run(path):
        return path
    there = {p.parent.name: p.parent for p in sorted((workspace / "runs").glob(f"*/{NAME}"))}
    found = [p for n, p in there.items() if n == name or n.rpartition("-")[0] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"run {name!r} is one of {', '.join(p.name for p in found)} in {workspace}; give the whole name"
        )
    raise InputError(
        f"no run {name!r}: neither a folder with run.json nor a run of {workspace}; {nearest(name, there)}"
    )


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
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples of the films.")] = 2000,
    workspace: Annotated[Path, typer.Option(help="Where runs are looked for by name.")] = Path(
        "hilum-workspace"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Compare runs: each cell with its counterpart in the first run, with intervals, adjusted tests and what else differs.

    Differences are paired by film and by trial where both are shared. One run alone is compared within itself where its cells
    differ in their faults.
    """
    from hilum.report.compare_page import PAGE, write_compare_page
    from hilum.stages.compare import compare_runs  # late: scipy and matplotlib take a while to import

    progress.set_quiet(quiet)
    asked = [m.strip() for m in metrics.split(",") if m.strip()]
    if not asked:
        raise InputError(f"--metrics: expected one or more, got {metrics!r}")
    command = shlex.join(["hilum", *sys.argv[1:]]) if sys.argv[1:2] == ["compare"] else ""
    folders = [run_path(r, workspace) for r in runs]
    check_outputs([folder_output(out, "comparison", "comparisons.json", "compare.html")], folders)
    done = compare_runs(folders, out, asked, seed, resamples)
    page = write_compare_page(done, out, command)
    for text in page.unsafe:
        print(f"hilum: UNSAFE {text}", file=sys.stderr)
    for c in page.cautions:
        print(f"hilum: {c}", file=sys.stderr)
    if as_json:
        print(json.dumps([r.model_dump(by_alias=True) for r in done.rows], ensure_ascii=False))
    else:
        print("\n\n".join(t.to_text() for t in page.tables if t.name.startswith("comparisons")))
    print(f"written to {out}: comparisons.json, tables/, {PAGE}", file=sys.stderr)

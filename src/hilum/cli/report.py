"""`hilum report`: the folder of a run -> report.html, tables and figures; prints the page's path."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.core import progress


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run (it holds run.json).")],
    resamples: Annotated[
        int | None, typer.Option(min=1, help="Resamples of each interval; as the study says if not given.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Evaluate a run where that is not done, and write its report.

    Beside report.html come tables/ (csv and LaTeX) and figures/ (SVG and PNG). What is there and of the same
    predictions is left as it is.
    """
    from hilum.stages.evaluate import evaluate_run  # late: matplotlib and scipy take a while to import
    from hilum.stages.report import write_report

    progress.set_quiet(quiet)
    evaluate_run(run, resamples)
    print(write_report(run))

"""`hilum report`: the folder of a run -> report.html, tables and figures; prints the page's path."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import QUIET
from hilum.core import progress
from hilum.core.errors import InputError


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run (it holds run.json).")],
    resamples: Annotated[
        int | None, typer.Option(min=1, help="Resamples of each interval; as the study says if not given.")
    ] = None,
    box_film: Annotated[
        Path | None,
        typer.Option(
            "--box-film", help="A film for the figure of a box under each pipeline; kept for later."
        ),
    ] = None,
    box: Annotated[
        str, typer.Option("--box", help="The box on it: left,top,width,height as shares of the film’s sides.")
    ] = "",
    quiet: QUIET = False,
) -> None:
    """Evaluate a run where that is not done, and write its report.

    Beside report.html come tables/ (csv and LaTeX) and figures/ (SVG and PNG). What is there and of the same
    predictions is left as it is. Without --box-film a synthetic film's sign is followed through the pipelines.
    """
    from hilum.artifacts.outputs import check_outputs, folder_output  # late: pydantic

    check_outputs([folder_output(run, "report", option="RUN")], [box_film] if box_film is not None else [])
    from hilum.augment.follow import Box
    from hilum.core.engine import Local
    from hilum.paper.side_by_side import papers_numbers
    from hilum.report.boxed_film import set_box
    from hilum.workflow.evaluated import (
        evaluated,
        reported,
    )  # late: matplotlib and scipy take a while to import

    progress.set_quiet(quiet)
    if (box_film is None) != (not box):
        raise InputError("--box-film and --box belong together: a film, and the box on it")
    evaluated(run, resamples, Local())
    if box_film is not None:
        set_box(run, box_film, Box.read(box))
    print(reported(run, papers_numbers))

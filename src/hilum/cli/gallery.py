"""`hilum gallery`: a finished run -> gallery.html, its test films for a reader; prints the page's path."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.cli.options import QUIET, WORKERS, WORKSPACE


def gallery(
    run: Annotated[str, typer.Argument(help="The folder of a finished run, or its name in the workspace.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for gallery.html; beside the run's if not given, never in it."),
    ] = None,
    films: Annotated[int, typer.Option("--films", min=1, max=5000, help="Films on the page.")] = 400,
    side: Annotated[
        int, typer.Option("--side-px", min=64, max=2048, help="Longest side of a film's picture.")
    ] = 512,
    workspace: WORKSPACE = USUAL_WORKSPACE,
    workers: WORKERS = None,
    quiet: QUIET = False,
) -> None:
    """Write the page of a run's test films: errors, confused classes, films on which trials or models differ.

    It holds films of patients. Comments and labels typed into it are exported as a csv that `hilum ingest --labels` takes. It counts
    as a look at the test films.
    """
    from hilum.api.runs import gallery as write_gallery  # late: pydantic

    done = write_gallery(
        run, out=out, films=films, side=side, workspace=workspace, workers=workers, quiet=quiet
    )
    size = done.page.stat().st_size / 2**20
    print(
        f"{done.shown} of {done.tested} test films, {size:.1f} MiB; it holds films: do not pass it on",
        file=sys.stderr,
    )
    print(done.page)

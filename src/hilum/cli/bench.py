"""`hilum bench`: how fast this machine is, and how near a run came to it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.cli.options import QUIET, WORKERS, WORKSPACE, grouped, typed

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _bench() -> None:
    """How fast this machine is, and how near a run came to it."""


@dataclass(frozen=True)
class ColdStudy:
    """A study on phantoms, where no run is named."""

    films: Annotated[
        int,
        typer.Option(
            min=0, help="Without RUN: phantoms of a cold study that is run for it; 0 for the machine alone."
        ),
    ] = 0
    size: Annotated[int, typer.Option(min=64, max=2048, help="Pixels that its films are prepared to.")] = 244
    workers: WORKERS = None


@app.command()
@grouped
def floor(
    cold: ColdStudy,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's folder, or its name in the workspace.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for floor.json, floor.html and tables.")] = Path(
        "hilum-floor"
    ),
    seconds: Annotated[float, typer.Option(min=0.0, help="That each peak is tried for.")] = 1.0,
    workspace: WORKSPACE = USUAL_WORKSPACE,
    quiet: QUIET = False,
) -> None:
    """Measure peaks of this machine (matrix products, a copy, codecs), and hold each stage of a run against the least time of its work."""
    from hilum.api.floor import floor as measured  # late: pydantic

    with typed("bench"):
        done = measured(
            run, out=out, films=cold.films, size=cold.size, seconds=seconds, workspace=workspace, workers=cold.workers, quiet=quiet
        )  # fmt: skip
    for note in done.floor.notes:
        print(f"note: {note}", file=sys.stderr)
    print("\n\n".join(t.to_text() for t in done.made.tables))
    print(f"written to {out}: floor.json, tables/, {done.made.kind}.html", file=sys.stderr)

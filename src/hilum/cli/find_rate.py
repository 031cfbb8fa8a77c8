"""hilum find-rate: a study's learning rates asked of a short range test, cell by cell; prints suggestions, writes curves and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.cli.ending import kept, when_stopped
from hilum.cli.options import OVERRIDES, QUIET, STUDY_MANIFEST, WORKERS, WORKSPACE
from hilum.core.engine import local
from hilum.core.errors import InputError
from hilum.core.progress import set_quiet

FIGURE = "learning-rate-finder"


def find_rate(
    study: Annotated[str, typer.Argument(metavar="STUDY.toml|NAME", help="A study file, or one that ships.")],
    manifest: STUDY_MANIFEST = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for finder.json and the figure; else find-rate/NAME of the workspace."
        ),
    ] = None,
    workspace: WORKSPACE = USUAL_WORKSPACE,
    set_: OVERRIDES = None,
    cell: Annotated[
        list[str] | None, typer.Option("--cell", help="Name of a cell; may be given again. Else all cells.")
    ] = None,
    workers: WORKERS = None,
    quiet: QUIET = False,
) -> None:
    """Suggest learning rates for a study: 100 steps at most a cell with a rate that rises, on the films of trial 1; nothing is trained.

    Frozen backbones and those that are trained are asked alike. Features are computed once and serve `hilum run` too.
    """
    set_quiet(quiet)
    from hilum.artifacts.outputs import check_outputs, folder_output, workspace_output
    from hilum.artifacts.trial_files import FINDER  # late: numpy and pydantic
    from hilum.studies import study_path
    from hilum.study.suite import is_suite
    from hilum.workflow.asked import checked_study, manifest_of

    path = study_path(study)
    if is_suite(path):
        raise InputError(f"{path.name} is a suite; give one of its studies")
    checked = checked_study(path, set_ or ())
    folder = out if out is not None else workspace / "find-rate" / checked.name
    files = (FINDER, f"{FIGURE}.svg", f"{FIGURE}.png")
    check_outputs([workspace_output(workspace), folder_output(folder, "finder", *files)])
    films = manifest_of(checked, manifest, path, workspace)
    from hilum.workflow.find_rates import find_rates, rates_table, write_rates

    with when_stopped(kept(workspace)):
        named, found = find_rates(checked, films, workspace, local(workers), cell or ())
    write_rates(folder, named.name, found, FIGURE)
    print(rates_table(found).to_text())
    print(folder / f"{FIGURE}.svg")

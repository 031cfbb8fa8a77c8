"""hilum run: a study file to its report."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.cli.ending import kept, when_stopped
from hilum.cli.options import ADDRESS, ENGINE, OVERRIDES, QUIET, STUDY_MANIFEST, WORKERS, WORKSPACE, typed

STUDY = Annotated[
    str,
    typer.Argument(
        metavar="STUDY.toml|NAME",
        help="A study or suite file, or one that ships: demo, experiment-1 ... experiment-5, as-run/..., paper.",
    ),
]
DRY_RUN = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan, an estimate of the time and what is missing.")
]
LEAVE_OUT = Annotated[
    bool,
    typer.Option(
        "--leave-one-source-out",
        help="Besides, train without each source in turn and test on its films; the fall is a section of the report.",
    ),
]


def run(
    study: STUDY,
    manifest: STUDY_MANIFEST = None,
    workspace: WORKSPACE = USUAL_WORKSPACE,
    set_: OVERRIDES = None,
    leave_one_source_out: LEAVE_OUT = False,
    dry_run: DRY_RUN = False,
    engine: ENGINE = "local",
    address: ADDRESS = None,
    workers: WORKERS = None,
    quiet: QUIET = False,
) -> None:
    """Run a study from its films to its report. A run that was stopped goes on where it was."""
    from hilum.api.runs import plan
    from hilum.api.runs import run as run_study  # late: pydantic

    given: dict[str, Any] = {
        "manifest": manifest, "workspace": workspace, "set": set_ or (), "leave_one_source_out": leave_one_source_out,
        "engine": engine, "address": address, "workers": workers, "quiet": quiet,
    }  # fmt: skip
    if dry_run:
        plan(study, **given)
        return
    with typed("run", "demo"), when_stopped(kept(workspace)):
        done = run_study(study, **given)
    from hilum.artifacts.suite_record import runs_of
    from hilum.report.run_end import run_end

    print(run_end(runs_of(done.path), done.stages), file=sys.stderr)
    print(done.report)

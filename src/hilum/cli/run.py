"""hilum run: a study file to its report."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hilum.artifacts.outputs import USUAL_WORKSPACE, check_outputs
from hilum.artifacts.suite_record import runs_of
from hilum.cli.ending import kept, when_stopped
from hilum.cli.options import (
    OVERRIDES,
    QUIET,
    STUDY_MANIFEST,
    WORKERS,
    WORKSPACE,
    typed,
    workspace_output,
)
from hilum.core.engine import ENGINES, available_cores, engine_named
from hilum.core.progress import set_quiet

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
ENGINE = Annotated[str, typer.Option(help=f"Where tasks run: {', '.join(ENGINES)}.")]


def run(
    study: STUDY,
    manifest: STUDY_MANIFEST = None,
    workspace: WORKSPACE = USUAL_WORKSPACE,
    set_: OVERRIDES = None,
    leave_one_source_out: LEAVE_OUT = False,
    dry_run: DRY_RUN = False,
    engine: ENGINE = "local",
    workers: WORKERS = None,
    quiet: QUIET = False,
) -> None:
    """Run a study from its films to its report. A run that was stopped goes on where it was."""
    set_quiet(quiet)
    where = engine_named(engine, available_cores() if workers is None else workers)
    if not dry_run:
        check_outputs([workspace_output(workspace)])
    from hilum.report.run_end import run_end
    from hilum.tracking.background import record_later
    from hilum.workflow.asked import asked
    from hilum.workflow.suite import run_or_find, run_suite

    suite, members = asked(study, manifest, workspace, set_ or (), leave_one_source_out)
    if dry_run:
        from hilum.workflow.dry_run import print_plan, print_plans

        if suite:
            print_plans(members, workspace, where)
        else:
            print_plan(members[0], workspace, where)
        return
    command = typed("run", "demo")
    with when_stopped(kept(workspace)):
        if suite:
            report, lines = run_suite(suite, members, workspace, where, command)
        else:
            report, lines = run_or_find(members[0], workspace, where, command)
    print(run_end(runs_of(report.parent), lines), file=sys.stderr)
    print(report)
    record_later(runs_of(report.parent), workspace)

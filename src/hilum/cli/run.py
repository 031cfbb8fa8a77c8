"""hilum run: a study file to its report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.artifacts.outputs import WORKSPACE_BYTES, check_outputs, folder_output
from hilum.artifacts.suite_record import SuiteRecord, is_suite_folder
from hilum.cli.ending import when_stopped
from hilum.core.engine import ENGINES, available_cores, engine_named
from hilum.core.errors import InputError, nearest
from hilum.core.progress import set_quiet

if TYPE_CHECKING:
    from hilum.artifacts.run_files import StageLine
    from hilum.study.file import Study


def study_path(name: str) -> Path:
    """A study file by path, or by the name of one that ships.

    Raises:
        InputError: Neither.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    from importlib.resources import files

    shipped = {
        f"{folder}{p.name.removesuffix('.toml')}": p
        for folder in ("", "as-run/")
        for p in files("hilum.studies").joinpath(folder).iterdir()
        if p.name.endswith(".toml")
    }
    if name not in shipped:
        raise InputError(
            f"no study {name!r}; give a .toml file or the name of one that ships; {nearest(name, shipped)}"
        )
    return Path(str(shipped[name]))


def manifest_of(study: Study, given: Path | None, path: Path, workspace: Path) -> Path:
    """The manifest: given, named by the study, or the demo's own films.

    Raises:
        InputError: None of these.
    """
    if given is not None:
        return given
    if study.data.manifest is not None:
        return path.parent / study.data.manifest
    if study.name == "demo":
        from hilum.workflow.demo import make_demo_manifest

        return make_demo_manifest(workspace)
    raise InputError(f"{path.name} names no manifest; give one with --manifest, or set data.manifest")


def kept(workspace: Path) -> str:
    """What a stopped command says last: where its work is, and how to go on."""
    return f"everything finished is kept in {workspace}; the same command goes on where it was"


def checked_study(path: Path, overrides: Sequence[str]) -> Study:
    """A study file with its overrides; families of comparisons that these leave without a counterpart are dropped, and said."""
    from hilum.study.file import read_study
    from hilum.workflow.families import without_lost_families

    study, notes = without_lost_families(read_study(path, overrides), path, overrides)
    for note in notes:
        print(f"note: {note}", file=sys.stderr, flush=True)
    return study


def run(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY.toml|NAME",
            help="A study or suite file, or one that ships: demo, experiment-1 ... experiment-5, as-run/..., paper.",
        ),
    ],
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.csv; else the one that the study names.")
    ] = None,
    workspace: Annotated[Path, typer.Option(help="Folder for everything that is computed.")] = Path(
        "hilum-workspace"
    ),
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Override a key, as training.epochs=5; of a suite's study, experiment-2:training.epochs=5.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan, an estimate of the time and what is missing.")
    ] = False,
    engine: Annotated[str, typer.Option(help=f"Where tasks run: {', '.join(ENGINES)}.")] = "local",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; all cores if not given. Results do not depend on it."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Run a study from its films to its report. A run that was stopped goes on where it was."""
    set_quiet(quiet)
    where = engine_named(engine, workers or available_cores())
    if not dry_run:
        check_outputs(
            [folder_output(workspace, "workspace", option="--workspace", room_bytes=WORKSPACE_BYTES)]
        )
    from hilum.study.suite import is_suite, read_suite
    from hilum.tracking.background import record_later
    from hilum.workflow.suite import Planned, run_or_find, run_suite

    def planned(label: str, file: Path, overrides: Sequence[str]) -> Planned:
        checked = checked_study(file, overrides)
        return Planned(label, checked, manifest_of(checked, manifest, path, workspace))

    path = study_path(study)
    suite = read_suite(path, set_ or ()) if is_suite(path) else None
    members = [planned("", path, set_ or ())] if suite is None else []
    for member in suite.member if suite else ():
        beside = path.parent / member.study
        members.append(
            planned(member.label, beside if beside.is_file() else study_path(member.study), member.set)
        )
    if dry_run:
        from hilum.workflow.dry_run import print_plan, print_plans

        if suite:
            print_plans(members, workspace, where)
        else:
            print_plan(members[0], workspace, where)
        return
    command = shlex.join(["hilum", *sys.argv[1:]])
    with when_stopped(kept(workspace)):
        if suite:
            report, lines = run_suite(suite, members, workspace, where, command)
        else:
            report, lines = run_or_find(members[0], workspace, where, command)
    _print_end(report, lines)
    record_later(_runs_of(report), workspace)


def _runs_of(report: Path) -> list[Path]:
    """The run that a report is of; of a suite's report its members."""
    if not is_suite_folder(report.parent):
        return [report.parent]
    return [report.parent.parent / m.run for m in SuiteRecord.read(report.parent).members]


def _print_end(report: Path, lines: Sequence[StageLine]) -> None:
    """What did not learn, and a line a stage, on stderr; the report's path on stdout."""
    from hilum.report.learned import learning_lines

    found = learning_lines(_runs_of(report))
    for text in found:
        print(f"hilum: caution: {text}", file=sys.stderr)
    if found:
        print("hilum: what to do about it stands in the report, under “Read this first”", file=sys.stderr)
    width = max(len(line.stage) for line in lines)
    print(f"{'stage':<{width}}  {'done':>8}  {'found':>8}  {'seconds':>8}", file=sys.stderr)
    for line in lines:
        print(
            f"{line.stage:<{width}}  {line.done:>8}  {line.found:>8}  {line.seconds:>8.1f}", file=sys.stderr
        )
    print(report)

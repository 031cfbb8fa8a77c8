"""hilum run: a study file to its report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.core.errors import InputError, nearest
from hilum.core.progress import set_quiet


def study_path(name: str) -> Path:
    """A study file by path, or by the name of one that ships.

    Raises:
        InputError: Neither.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return path
    from importlib.resources import files

    shipped = {
        p.name.removesuffix(".toml"): p for p in files("hilum.studies").iterdir() if p.name.endswith(".toml")
    }
    if name not in shipped:
        raise InputError(
            f"no study {name!r}; give a .toml file or the name of one that ships; {nearest(name, shipped)}"
        )
    return Path(str(shipped[name]))


def run(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY.toml|NAME", help="A study file, or one that ships: demo, experiment-2."
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
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as training.epochs=5."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and an estimate of the time; compute nothing.")
    ] = False,
    engine: Annotated[str, typer.Option(help="Where tasks run: local.")] = "local",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; all cores if not given. Results do not depend on it."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Run a study from its films to its report. A run that was stopped goes on where it was."""
    from hilum.artifacts.study import read_study

    set_quiet(quiet)
    if engine != "local":
        raise InputError(f"unknown engine {engine!r}; {nearest(engine, ['local'])}")
    path = study_path(study)
    checked = read_study(path, set_ or ())
    if manifest is None:
        if checked.data.manifest is not None:
            manifest = path.parent / checked.data.manifest
        elif checked.name == "demo":
            from hilum.workflow.demo import make_demo_manifest

            manifest = make_demo_manifest(workspace)
        else:
            raise InputError(f"{path.name} names no manifest; give one with --manifest, or set data.manifest")
    from hilum.engine.local import available_cores

    n_workers = workers or available_cores()
    if dry_run:
        from hilum.workflow.dry_run import print_plan

        print_plan(checked, manifest, workspace, n_workers)
        return
    from hilum.workflow.run import run_study

    command = shlex.join(["hilum", *sys.argv[1:]])
    report, lines = run_study(checked, manifest, workspace, n_workers, command)
    width = max(len(line.stage) for line in lines)
    print(f"{'stage':<{width}}  {'done':>8}  {'found':>8}  {'seconds':>8}", file=sys.stderr)
    for line in lines:
        print(
            f"{line.stage:<{width}}  {line.done:>8}  {line.found:>8}  {line.seconds:>8.1f}", file=sys.stderr
        )
    print(report)

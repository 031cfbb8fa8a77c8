"""`hilum.run` and `hilum.plan`: a study file to its report, or what that would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.api.command import command_of, overrides
from hilum.api.run_views import Run, Suite
from hilum.api.view import AnyPath
from hilum.artifacts.outputs import USUAL_WORKSPACE, check_outputs, workspace_output
from hilum.artifacts.suite_record import is_suite_folder, runs_of
from hilum.core.engine import Engine, available_cores, engine_named
from hilum.core.progress import quieted

if TYPE_CHECKING:
    from hilum.artifacts.run_files import StageLine

_Overrides = Mapping[str, Any] | Sequence[str]


def run_at(folder: Path, stages: tuple[StageLine, ...] = ()) -> Run:
    """The run, or the suite, of a folder."""
    return (Suite if is_suite_folder(folder) else Run)(folder, stages)


def run(
    study: AnyPath,
    *,
    manifest: AnyPath | None = None,
    workspace: AnyPath = USUAL_WORKSPACE,
    set: _Overrides | None = None,
    leave_one_source_out: bool = False,
    engine: str = "local",
    workers: int | None = None,
    quiet: bool = False,
) -> Run:
    """Run a study from its films to its report, as `hilum run` does: the same artefacts, digest for digest. One that was stopped goes on.

    >>> run = hilum.run("tiny.toml", manifest="manifest.csv", workspace=".", quiet=True)  # it was run before, and is found again
    >>> [(line.stage, line.done, line.found) for line in run.stages]
    [('split', 0, 1), ('report', 0, 1)]

    Args:
        study: A study or suite file, or the name of one that ships: ``demo``, ``experiment-1`` ..., ``paper``.
        manifest: ``manifest.csv``; None for the one that the study names.
        workspace: Folder for everything that is computed.
        set: Keys of the study and their values: ``{"training.epochs": 5}``; of a suite's study ``{"experiment-2:training.epochs": 5}``;
            or texts as ``--set`` takes them.
        leave_one_source_out: Besides, train without each source in turn and test on its films.
        engine: Where tasks run.
        workers: Processes; None for all cores, 0 for none but this. Results do not depend on it.
        quiet: No progress.

    Returns:
        The run; of a suite a `Suite`.

    Raises:
        InputError: Something stands in the way: all of it, before the first film is read.
        KeyboardInterrupt: What was finished is kept, and the same call goes on.
    """
    command = command_of(run, {**locals(), "set": _texts(set)})
    root, where = Path(workspace), _engine(engine, workers)
    check_outputs([workspace_output(root)])
    from hilum.tracking.background import record_later
    from hilum.workflow.asked import asked
    from hilum.workflow.suite import run_or_find, run_suite

    with quieted(quiet):
        films = Path(manifest) if manifest is not None else None
        suite, members = asked(str(study), films, root, _texts(set), leave_one_source_out)
        if suite:
            report, lines = run_suite(suite, members, root, where, command)
        else:
            report, lines = run_or_find(members[0], root, where, command)
        record_later(runs_of(report.parent), root)
    return run_at(report.parent, tuple(lines))


def plan(
    study: AnyPath,
    *,
    manifest: AnyPath | None = None,
    workspace: AnyPath = USUAL_WORKSPACE,
    set: _Overrides | None = None,
    leave_one_source_out: bool = False,
    engine: str = "local",
    workers: int | None = None,
    quiet: bool = False,
) -> None:
    """Print what `hilum.run` would do, about how long it takes and what stands in the way, as `hilum run --dry-run` does.

    >>> hilum.plan("tiny.toml", manifest="manifest.csv", workspace=".", quiet=True)  # doctest: +ELLIPSIS
    study     tiny: finished, nothing has changed since; ...
    """
    root, where = Path(workspace), _engine(engine, workers)
    from hilum.workflow.asked import asked
    from hilum.workflow.dry_run import print_plan, print_plans

    with quieted(quiet):
        films = Path(manifest) if manifest is not None else None
        suite, members = asked(str(study), films, root, _texts(set), leave_one_source_out)
        if suite:
            print_plans(members, root, where)
        else:
            print_plan(members[0], root, where)


def _engine(name: str, workers: int | None) -> Engine:
    return engine_named(name, available_cores() if workers is None else workers)


def _texts(values: _Overrides | None) -> list[str]:
    """Overrides as `hilum run --set` takes them."""
    return overrides(values) if isinstance(values, Mapping) else list(values or ())

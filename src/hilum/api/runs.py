"""`hilum.run` and `hilum.plan`: a study file to its report, or what that would take; `hilum.gallery`: its errors for a reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.api.command import command_of, overrides
from hilum.api.run_views import Run, Suite
from hilum.api.view import AnyPath, path_or_none
from hilum.artifacts.outputs import check_outputs, workspace_output
from hilum.artifacts.run import run_path
from hilum.artifacts.suite_record import is_suite_folder, runs_of
from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.core.engine import engine_named, local
from hilum.core.mirror import brought
from hilum.core.progress import quieted

if TYPE_CHECKING:
    from hilum.stages.gallery import Written

_Overrides = Mapping[str, Any] | Sequence[str]


def run(
    study: AnyPath,
    *,
    manifest: AnyPath | None = None,
    workspace: AnyPath = USUAL_WORKSPACE,
    set: _Overrides | None = None,
    leave_one_source_out: bool = False,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    quiet: bool = False,
) -> Run:
    """Run a study from its films to its report, as `hilum run` does: the same artefacts, digest for digest. One that was stopped goes on,
    also after KeyboardInterrupt; what stands in the way is said, all of it, before the first film is read.

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
        engine: Where tasks run: ``local`` or ``ray``. Results do not depend on it.
        address: Of a Ray cluster, ``HOST:PORT`` or ``auto``; None for a Ray of this run's own, on this machine.
        workers: Processes; None for all cores, 0 for none but this. Results do not depend on it.
        quiet: No progress.
    """
    command = command_of(run, {**locals(), "set": _texts(set)})
    root = Path(workspace)
    check_outputs([workspace_output(root)])
    from hilum.tracking.background import record_later
    from hilum.workflow.asked import asked
    from hilum.workflow.suite import run_or_find, run_suite

    with quieted(quiet), closing(engine_named(engine, workers, address)) as where:
        suite, members = asked(str(study), path_or_none(manifest), root, _texts(set), leave_one_source_out)
        if suite:
            report, lines = run_suite(suite, members, root, where, command)
        else:
            report, lines = run_or_find(members[0], root, where, command)
        brought(report.parent, *runs_of(report.parent), large=True)
        record_later(runs_of(report.parent), root)
    return (Suite if is_suite_folder(report.parent) else Run)(report.parent, tuple(lines))


def plan(
    study: AnyPath,
    *,
    manifest: AnyPath | None = None,
    workspace: AnyPath = USUAL_WORKSPACE,
    set: _Overrides | None = None,
    leave_one_source_out: bool = False,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    quiet: bool = False,
) -> None:
    """Print what `hilum.run` would do, about how long it takes and what stands in the way, as `hilum run --dry-run` does.

    >>> hilum.plan("tiny.toml", manifest="manifest.csv", workspace=".", quiet=True)  # doctest: +ELLIPSIS
    study     tiny: finished, nothing has changed since; ...
    """
    root = Path(workspace)
    from hilum.workflow.asked import asked
    from hilum.workflow.dry_run import print_plan, print_plans

    with quieted(quiet), closing(engine_named(engine, workers, address)) as where:
        suite, members = asked(str(study), path_or_none(manifest), root, _texts(set), leave_one_source_out)
        if suite:
            print_plans(members, root, where)
        else:
            print_plan(members[0], root, where)


def _texts(values: _Overrides | None) -> list[str]:
    """Overrides as `hilum run --set` takes them."""
    return overrides(values) if isinstance(values, Mapping) else list(values or ())


def gallery(
    run: AnyPath,
    *,
    out: AnyPath | None = None,
    films: int = 400,
    side: int = 512,
    workspace: AnyPath = USUAL_WORKSPACE,
    workers: int | None = None,
    quiet: bool = False,
) -> Written:
    """Write the page of a run's test films, its errors first, as `hilum gallery` does. It holds films, and is a look at them.

    >>> done = hilum.gallery("tiny", out="for-readers", workers=0, quiet=True)
    >>> done.page.name, 0 < done.shown <= done.tested
    ('gallery.html', True)

    Args:
        run: The folder of a finished run, or its name in the workspace.
        out: Folder for gallery.html; None for one beside the run's.
        films: Films on the page.
        side: Longest side of a film's picture, in pixels.
        workspace: Where names are looked for.
        workers: Processes; None for all cores.
        quiet: No progress.
    """
    from hilum.stages.gallery import write_gallery  # late: the decoders and scipy take a while to import

    folder = run_path(fspath(run), Path(workspace))
    with quieted(quiet):
        return write_gallery(folder, path_or_none(out), local(workers), films, side)

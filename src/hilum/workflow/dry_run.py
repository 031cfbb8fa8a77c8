"""hilum run --dry-run: what would be done, about how long it takes, and what stands in the way. Nothing is refused and nothing kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilum.artifacts.manifest import Manifest
from hilum.core.engine import Engine
from hilum.core.errors import HilumError
from hilum.core.progress import quieted
from hilum.models.weights import Weights
from hilum.report.numbers import counted
from hilum.study.findings_checks import is_multilabel
from hilum.workflow.checks import concerns
from hilum.workflow.ensembles import ensembles_of
from hilum.workflow.findings import counts_of
from hilum.workflow.finished import find_finished
from hilum.workflow.plan import FeaturesOf
from hilum.workflow.room import costs_with_room
from hilum.workflow.sizes import Sizes, sizes_of
from hilum.workflow.state import Run
from hilum.workflow.suite import Planned
from hilum.workflow.workspace import Workspace

_LOAD = "as busy as this machine is now; what the workspace holds of other studies is not taken off the features and trainings"
_GIB = 2**30
_SHARED = "what members share is counted in each of them"


def print_plans(members: Sequence[Planned], workspace: Path, engine: Engine) -> None:
    """Print the plan of each member of a suite, and what all of them take."""
    took: dict[str, float | None] = {}
    for m in members:
        print(f"--- {m.label}")
        took[m.label] = print_plan(m, workspace, engine)
    width = max(map(len, took))
    print(f"--- all {counted(len(members), 'member')}")
    for label, seconds in took.items():
        words = "no plan" if seconds is None else _in_words(seconds) if seconds else "finished"
        print(f"          {label:<{width}}  {words}")
    print(f"in all    about {_in_words(sum(s or 0.0 for s in took.values()))}, {_SHARED}")


def print_plan(planned: Planned, workspace: Path, engine: Engine) -> float | None:
    """Print the plan of a study to stdout, and below it everything that `hilum run` would refuse.

    Returns:
        Seconds that it takes, about; 0 where it is finished, None where there can be no plan.
    """
    study, manifest = planned.study, planned.manifest
    done = find_finished(study, manifest, workspace)
    if done is not None:
        print(f"study     {study.name}: finished, nothing has changed since; {done[0]}")
        return 0.0
    with quieted(True):  # the trial runs of stages are no progress of theirs
        return _print_plan(Run(study, Manifest.read(manifest), Workspace(workspace), engine))


def _print_plan(run: Run) -> float | None:
    found, total = concerns(run), None
    try:
        sizes = sizes_of(run)
        _print_study(run)
        total = _print_costs(run, sizes)
    except HilumError as e:
        print(f"no plan   {e}")
    for note in (f for f in found if not f.code):
        print(f"note      {note.text}")
    problems = [f for f in found if f.code]
    if problems:
        stand = "thing stands" if len(problems) == 1 else "things stand"
        print(f"missing   {len(problems)} {stand} in the way of `hilum run`:")
    for k, p in enumerate(problems, 1):
        print(f"          {k}. {p.text}")
    return total


def _print_study(run: Run) -> None:
    study, planned = run.study, run.recipes
    weights = {w: _weights(run, w) for w in dict.fromkeys(r.features_of for r in planned)}
    where = "a folder that its weights will name" if None in weights.values() else run.folder
    print(f"study     {study.name}, digest {study.digest[:12]}, would go to {where}")
    if is_multilabel(study):
        found = counts_of(run.films, study.data.findings)
        counts = "; ".join(
            f"{f}: {n.positive} with, {n.negative} without, {n.unknown} not known" for f, n in found.items()
        )
        print(f"films     {len(run.films)}, by finding {counts}")
    else:
        counts = ", ".join(f"{n} of {c}" for c, n in run.films.count_by("label").items())
        print(f"films     {len(run.films)}: {counts} (positive: {study.data.positive})")
    parts = ", ".join(f"{p} {len(ids)}" for p, ids in run.draws.split(run.draws.plain, 1).parts.items())
    looked = "" if run.duplicates_path.is_file() else ", near copies not looked for"
    print(f"split     {parts} (trial 1{looked})")
    trained = sum(r.finetune is not None for r in planned)
    whole = f", of which {trained} {'trains' if trained == 1 else 'train'} a whole network" if trained else ""
    print(f"cells     {counted(len(planned), 'cell')} x {counted(study.grid.trials, 'trial')}{whole}")
    for e in ensembles_of(run):
        print(f"ensemble  {e.cell.name}: {e.words}")
    device = f"{run.settled.device} ({run.settled.name})"
    print(f"device    {device}, {run.precision}, batch {run.batch}, {run.engine.description}")
    for which, engine in run.feature_engines.items():
        print(f"engine    {which.label}: {engine.words} ({engine.why})")
    for (name, random), w in weights.items():
        source = "NOT HERE" if w is None else w.source
        print(f"weights   {name}: {source}{' (random by a fault)' if random else ''}")


def _weights(run: Run, which: FeaturesOf) -> Weights | None:
    try:
        return run.weights_of(which)
    except HilumError:
        return None


def _print_costs(run: Run, sizes: Sizes) -> float:
    """Print what each stage takes: seconds, disk and memory; returns the seconds of all."""
    print(f"disk      {sizes.in_words}")
    run.set_machine()
    stages = list(costs_with_room(run, sizes))
    width = max(len(c.stage) for c, _ in stages)
    print(f"          {'':<{width}}  {'seconds':>8}  {'GiB disk':>8}  {'GiB memory':>10}")
    for c, room in stages:
        disk, memory = f"{room.disk / _GIB:.3f}" if room.disk else "", f"{room.memory / _GIB:.2f}"
        print(f"          {c.stage:<{width}}  {c.seconds:>8.1f}  {disk:>8}  {memory:>10}  {c.what}".rstrip())
    total = sum(c.seconds for c, _ in stages)
    needs = f"{sum(r.disk for _, r in stages) / _GIB:.2f} GiB of disk, {max(r.memory for _, r in stages) / _GIB:.2f} GiB of memory at most"
    print(f"in all    about {_in_words(total)}, {needs}; {_LOAD}")
    return total


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"

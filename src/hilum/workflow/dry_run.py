"""hilum run --dry-run: what would be done, about how long it takes, and what stands in the way. Nothing is refused and nothing kept."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.manifest import Manifest
from hilum.core.engine import Engine
from hilum.core.errors import HilumError
from hilum.core.progress import set_quiet
from hilum.models.weights import Weights
from hilum.report.numbers import counted
from hilum.study.file import Study
from hilum.workflow.checks import concerns
from hilum.workflow.concern import Concern
from hilum.workflow.estimate import Estimate, Part
from hilum.workflow.finished import find_finished
from hilum.workflow.plan import FeaturesOf
from hilum.workflow.room import sizes_of
from hilum.workflow.state import Run
from hilum.workflow.workspace import Workspace

_LOAD = "as busy as this machine is now; what the workspace holds of other studies is not taken off the features and trainings"


def print_plan(study: Study, manifest: Path, workspace: Path, engine: Engine) -> None:
    """Print the plan to stdout, and below it everything that `hilum run` would refuse."""
    done = find_finished(study, manifest, workspace)
    if done is not None:
        print(f"study     {study.name}: finished, nothing has changed since; {done[0]}")
        return
    set_quiet(True)  # the trial runs of stages are no progress of theirs
    run = Run(study, Manifest.read(manifest), Workspace(workspace), engine)
    found = concerns(run)
    try:
        _print(run)
    except HilumError as e:
        print(f"no plan   {e}")
    _print_concerns(found)


def _print(run: Run) -> None:
    planned, study = run.recipes, run.study
    weights = {w: _weights(run, w) for w in dict.fromkeys(r.features_of for r in planned)}
    run.set_machine()
    sizes = sizes_of(run)
    missing = [name for (name, _), found in weights.items() if found is None]
    where = f"{run.folder}" if not missing else "a folder that its weights will name"
    print(f"study     {study.name}, digest {study.digest[:12]}, would go to {where}")
    counts = ", ".join(f"{n} of {c}" for c, n in run.films.count_by("label").items())
    print(f"films     {len(run.films)}: {counts} (positive: {study.data.positive})")
    parts = ", ".join(f"{p} {len(ids)}" for p, ids in run.draws.split(run.draws.plain, 1).parts.items())
    looked = "" if run.duplicates_path.is_file() else ", near copies not looked for"
    print(f"split     {parts} (trial 1{looked})")
    trained = sum(r.finetune is not None for r in planned)
    whole = f", of which {trained} {'trains' if trained == 1 else 'train'} a whole network" if trained else ""
    print(f"cells     {counted(len(planned), 'cell')} x {counted(study.grid.trials, 'trial')}{whole}")
    print(
        f"device    {run.settled.device} ({run.settled.name}), {run.precision}, batch {run.batch}, {run.engine.description}"
    )
    for (name, random), w in weights.items():
        print(
            f"weights   {name}: {'NOT HERE' if w is None else w.source}{' (random by a fault)' if random else ''}"
        )
    print(f"disk      {sizes.in_words}")
    _print_times(Estimate(run, sizes).parts())


def _weights(run: Run, which: FeaturesOf) -> Weights | None:
    try:
        return run.weights_of(which)
    except HilumError:
        return None


def _print_times(parts: list[Part]) -> None:
    width = max(len(p.stage) for p in parts)
    for p in parts:
        print(f"          {p.stage:<{width}}  {p.seconds:>8.1f} s  {p.what}")
    total = sum(p.seconds for p in parts)
    words = f"{total:.0f} s" if total < 120 else f"{total / 60:.1f} min"
    print(f"in all    about {words}, {_LOAD}")


def _print_concerns(found: list[Concern]) -> None:
    for note in found:
        if not note.code:
            print(f"note      {note.text}")
    problems = [f for f in found if f.code]
    if problems:
        print(
            f"missing   {len(problems)} {'thing stands' if len(problems) == 1 else 'things stand'} in the way of `hilum run`:"
        )
    for k, p in enumerate(problems, 1):
        print(f"          {k}. {p.text}")

"""The step that makes the ensembles of a study, of trials of their members (`planned_ensembles` says who these are)."""

from __future__ import annotations

import numpy as np

from hilum.artifacts.trial_files import PredictFacts, Seconds, TrainFacts, trial_folder
from hilum.core.errors import InputError
from hilum.core.progress import progress
from hilum.core.text import counted
from hilum.ensembles import KINDS
from hilum.ensembles.folds import fewest_groups
from hilum.stages.ensemble import EnsembleTask, MemberTrial, combine
from hilum.study.ensembles import FlannelEnsemble, fit_part
from hilum.workflow.plan import Recipe, seed_of
from hilum.workflow.planned_ensembles import PlannedEnsemble, ensembles
from hilum.workflow.state import Run


def ensembles_of(run: Run) -> list[PlannedEnsemble]:
    """The ensembles of the cells that were asked for: none where only some of them were."""
    return [] if run.only else ensembles(run.study, run.recipes)


def kept_parts(run: Run, recipe: Recipe) -> tuple[str, ...]:
    """Parts of whose films the logits of a cell are kept, for the ensembles that it is a member of."""
    own = [e for e in ensembles_of(run) if recipe in e.members]
    parts = {"valid", "test", *(fit_part(e.table) or "valid" for e in own)} if own else set()
    return tuple(sorted(parts))


def tasks(run: Run) -> list[EnsembleTask]:
    """Every trial of every ensemble."""
    study, found = run.study, []
    for e in ensembles_of(run):
        for n in run.draws.trials:
            members = tuple(
                MemberTrial(m.cell.name, trial_folder(run.folder, m.cell.name, n), run.drawn_path(m.draw(n)))
                for m in e.members
            )
            of = {"study": study.name, "trial": n, "schedule": e.cell.schedule}
            seed = seed_of(study, e.first.cell.seed, "head", n)
            found.append(
                EnsembleTask(
                    trial_folder(run.folder, e.cell.name, n), e.cell.backbone, e.table, members, run.workspace.prepared,
                    study.statistics.operating_point, seed, of,
                )
            )  # fmt: skip
    return found


def make_ensembles(run: Run) -> None:
    """Make what is not there yet, or was made of other members."""
    with run.stage("ensemble") as line:
        todo = [t for t in tasks(run) if not t.finished]
        line.done, line.found = len(todo), len(tasks(run)) - len(todo)
        # only a module that is trained takes longer than a process needs to begin
        few = not any(isinstance(t.table, FlannelEnsemble) for t in todo)
        with progress("ensemble", len(todo), "trials") as step:
            for _ in run.engine.map(combine, todo, here=few):
                step()


def cost_of_ensemble(e: PlannedEnsemble, costs: dict[str, dict[str, int]], n_classes: int) -> dict[str, int]:
    """Parameters, those that are trained, and multiply-adds of a film: its members', and its own."""
    fitted, multiply_adds = KINDS[e.table.kind].cost(len(e.members), n_classes)
    own = {"parameters": fitted, "trained": fitted, "multiply_adds": multiply_adds}
    return {k: v + sum(costs[m.cell.backbone][k] for m in e.members) for k, v in own.items()}


def write_seconds_of_ensembles(run: Run) -> None:
    """seconds.json of each: alone, what its members took, a preparation that they share once, and its own; here, its own."""
    for e in ensembles_of(run):
        for n in run.draws.trials:
            folder = trial_folder(run.folder, e.cell.name, n)
            own = {"train": TrainFacts.known(folder).seconds, "predict": PredictFacts.known(folder).seconds}
            alone = {**dict.fromkeys(("prepare", "featurize"), 0.0), **own}
            prepared = set()
            for m in e.members:
                took = Seconds.known(trial_folder(run.folder, m.cell.name, n)).alone
                for step, seconds in took.items():
                    if step != "prepare" or m.pipeline.name not in prepared:
                        alone[step] += seconds
                prepared.add(m.pipeline.name)
            here = {**dict.fromkeys(("prepare", "featurize"), 0.0), **own}
            Seconds({k: round(v, 4) for k, v in alone.items()}, here).write(folder)


def check_patients(run: Run, e: PlannedEnsemble) -> None:
    """Refuse an ensemble whose weights cannot be fitted on validation.

    Raises:
        InputError: A class has validation films of one patient only, in some trial.
    """
    if fit_part(e.table) != "valid":
        return
    classes, by_id = list(run.study.data.classes), run.films.by_id
    for n in run.draws.trials:
        split = run.draws.split(e.first.drawing, n)
        ids = split.parts["valid"]
        labels = np.array([classes.index(by_id[i].label) for i in ids])
        k, least = fewest_groups(labels, np.array([split.group_of[i] for i in ids]), len(classes))
        if least < 2:
            raise InputError(
                f"the ensemble {e.table.name!r} fits its weights on validation, where the class {classes[k]!r} has films of "
                f"{counted(least, 'patient')} in trial {n}, and two are needed to answer each by weights fitted without it; enlarge "
                "split.fractions.valid, or use kind = 'mean'"
            )

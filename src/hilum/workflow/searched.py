"""What a study's search is of: which cells, what stands in its way there, and how a cell is with the values that were chosen for it.

A model's cell is searched where its schedule is (`search.schedules`). A probe stands beside a model to show what is reached without
disease, so it is trained with the values of that model and has no search of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hilum.artifacts.search import Search
from hilum.core.errors import InputError
from hilum.models.registry import backbone
from hilum.study.file import Study
from hilum.study.policies.policy import OneRatePolicy
from hilum.study.probes import NO_PROBE
from hilum.study.search import with_values
from hilum.workflow.plan import Recipe


def searched(study: Study, planned: Sequence[Recipe]) -> list[Recipe]:
    """The cells that are searched, in order."""
    table = study.search
    return [
        r
        for r in planned
        if table and r.cell.probe == NO_PROBE and r.learns and table.searches(r.cell.schedule)
    ]


def with_folds(study: Study, planned: Sequence[Recipe]) -> list[Recipe]:
    """Cells, and a recipe for each fold of those that are searched by folds."""
    if study.search is None or study.search.chosen_on != "folds":
        return list(planned)
    return [*planned, *(f for r in searched(study, planned) for f in folds_of(r, study.search.folds))]


def folds_of(recipe: Recipe, n: int) -> list[Recipe]:
    """A cell's recipe with each fold held back in turn."""
    return [replace(recipe, drawing=replace(recipe.drawing, fold=k, folds=n)) for k in range(1, n + 1)]


def with_chosen(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """A cell's recipe with values that were chosen for it."""
    own = backbone(recipe.cell.backbone).head
    policy, training = with_values(recipe.policy, recipe.training, own, values)
    return replace(recipe, policy=policy, training=training, epochs=policy.n_epochs(training.epochs))


def all_with_chosen(planned: Sequence[Recipe], found: Mapping[str, Search]) -> list[Recipe]:
    """Every recipe with what was chosen: of a model's cell its own values, of a probe those of the model that it stands beside."""
    of_model = {_levels(r): found[r.cell.name].chosen for r in planned if r.cell.name in found}
    return [with_chosen(r, of_model[_levels(r)]) if _levels(r) in of_model else r for r in planned]


def _levels(recipe: Recipe) -> tuple[Any, ...]:
    """A cell's levels, but for the probe."""
    return tuple(level for factor, level in recipe.cell.levels.items() if factor != "probe")


def obstacles(study: Study, planned: Sequence[Recipe]) -> Iterator[str]:
    """What cannot be searched, a sentence each."""
    table = study.search
    for r in searched(study, planned):
        assert table is not None
        where = f"the cell {r.cell.name} cannot be searched"
        if r.finetune is not None:
            yield (
                f"{where}: its whole network is trained, and a search is of heads on frozen features, which share them; leave [search] or "
                "[finetune] out, or name other search.schedules"
            )
            continue
        if r.drawing.faults:
            yield (
                f"{where}: {', '.join(r.drawing.faults)} lets test films into train or validation, and a search never sees test; make it a "
                "study of its own, without [search]"
            )
        of_rate = [name for name in ("learning_rate", "epochs") if name in table.ranges]
        if of_rate and not isinstance(r.policy, OneRatePolicy):
            yield (
                f"{where}: a {r.policy.kind} policy has rates and epochs of its own, phase by phase; leave {' and '.join(of_rate)} out of "
                "[search], or name other search.schedules"
            )
            continue
        for values in _ends(table.ranges):
            try:
                tried = with_chosen(r, values)
                tried.policy.schedule(tried.epochs, steps_per_epoch=1)
                backbone(r.cell.backbone).with_head(tried.head)
            except InputError as e:
                yield f"{where} with {', '.join(f'{k} {v}' for k, v in values.items())}: {e}"


def _ends(ranges: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each choice of each value by itself, and both ends of each range."""
    for name, of in ranges.items():
        for value in of if isinstance(of, list) else (of["low"], of["high"]):
            yield {name: value}

"""What a study asks for, worked out before anything is computed: its cells, and what each of them needs.

A cell is one level of every factor of the grid. `Recipe` is what follows from it: the split it is drawn from, the pipeline, the weights,
the policy and the loss, with the faults of the published scripts put where they act. A cell that cannot be is refused by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from typing import Any, NamedTuple

from hilum.artifacts.comparisons import Pair
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.augment.probe_steps import probe_pipeline
from hilum.core.errors import InputError, require_known
from hilum.core.seeding import key_entropy
from hilum.models.registry import backbone
from hilum.stats.families import levels_of, matched_pairs
from hilum.study.factors import AS_DESCRIBED, FACTOR, FACTORS, GridCell
from hilum.study.faults import FAULTS, Fault, that_set, unsafe_among
from hilum.study.file import Study
from hilum.study.losses import Loss
from hilum.study.policies import Policy
from hilum.study.probes import NO_PROBE, SAME_FILMS, SOURCE_RULE
from hilum.study.tables import FamilyTable, FinetuneTable, HeadKind, TrainingTable, Varying
from hilum.workflow.drawing import Drawing, TrialDraw


class FeaturesOf(NamedTuple):
    """What a feature store is for: a backbone, and whether a fault took its weights away."""

    backbone: str
    random: bool = False

    @property
    def label(self) -> str:
        """Backbone and weights, for a plan's line."""
        return f"{self.backbone} (random)" if self.random else self.backbone


@dataclass(frozen=True)
class PlannedCell(GridCell):
    """One level of every factor, before anything is computed.

    Attributes:
        switches: The switches that are on.
    """

    switches: tuple[str, ...]

    @property
    def seed(self) -> int:
        """Its seed: the study's unless the grid names others."""
        return int(self.levels["seed"])

    @property
    def unsafe(self) -> list[str]:
        """The switches that break validity."""
        return unsafe_among(self.switches)


@dataclass(frozen=True)
class Recipe:
    """Everything that a cell is made with.

    Attributes:
        cell: The cell.
        drawing: Of its splits.
        pipeline: With the cell's faults; its name ends with those that do something to it.
        policy: Its rate filled in.
        loss: Its loss.
        training: What its policy shares with others.
        epochs: Of its training.
        finetune: How the backbone is trained; None where it is frozen.
        pretrained: Whether the backbone starts from learned weights.
        softmax_first: Whether the loss takes probabilities for logits.
        second_softmax: Whether the probabilities pass a second softmax at evaluation.
    """

    cell: PlannedCell
    drawing: Drawing
    pipeline: Pipeline
    policy: Policy
    loss: Loss
    training: TrainingTable
    epochs: int
    finetune: FinetuneTable | None
    pretrained: bool
    softmax_first: bool = False
    second_softmax: bool = False

    @property
    def learns(self) -> bool:
        """Whether a model is trained for it."""
        return self.cell.probe != SOURCE_RULE

    @property
    def head(self) -> HeadKind:
        """Kind of its head: the study's, else its backbone's own."""
        return self.training.head or backbone(self.cell.backbone).head

    @property
    def features_of(self) -> FeaturesOf:
        """Which feature store it reads."""
        return FeaturesOf(self.cell.backbone, bool(that_set(self.cell.switches, "pretrained")))

    def draw(self, trial: int) -> TrialDraw:
        """What the films of one of its trials follow from."""
        return TrialDraw(self.pipeline.name, self.drawing, trial)


def cells(study: Study) -> list[PlannedCell]:
    """The study's cells, in its order; probes stand beside the first cell of each backbone, the rule of the source beside the first of all.

    Raises:
        InputError: Faults are asked for one at a time, but no switch is on.
    """
    found = []
    levels_of = {f.name: f.of(study) for f in FACTORS}
    for levels in product(*levels_of.values()):
        of = dict(zip(FACTOR, levels, strict=True))
        beside = [f for f in FACTOR if f != "probe" and (f != "backbone" or of["probe"] == SOURCE_RULE)]
        if of["probe"] != NO_PROBE and any(of[f] != levels_of[f][0] for f in beside):
            continue
        switches = {AS_DESCRIBED: (), "all": study.faults}.get(of["faults"], (of["faults"],))
        found.append(PlannedCell(cell_name(study, of), of, switches))
    return found


def cell_name(study: Study, levels: Mapping[str, Any]) -> str:
    """Name of the cell with some level of every factor."""
    words = [f.in_name(levels[f.name]) for f in FACTORS if f.default or study.grid.levels(f.name)]
    return "--".join(filter(None, words))


def pipelines(study: Study) -> dict[str, Pipeline]:
    """The pipelines that the grid names: the study's own, else those that ship.

    Raises:
        InputError: An unknown name, or one of the study's own that is malformed.
    """
    own = {p.name: p for p in (Pipeline.from_dict(t) for t in study.augment.pipeline)}
    found = {}
    for name in study.grid.levels("pipeline"):
        require_known(name, [*own, *PRESETS], "grid.pipelines: unknown pipeline")
        found[name] = own.get(name) or preset(name, study.augment.size_px, study.augment.gate)
    return found


def recipes(study: Study) -> list[Recipe]:
    """What every cell needs.

    Raises:
        InputError: An unknown name, or a cell that cannot be (named).
    """
    pipes = pipelines(study)
    plain = []
    for cell in cells(study):
        of_cell = reduce(lambda s, f: f.edit(s, cell.levels[f.name]) if f.edit else s, FACTORS, study)
        own = pipes if of_cell is study else pipelines(of_cell)
        sees = own[cell.pipeline]
        if cell.probe not in SAME_FILMS:
            sees = probe_pipeline(cell.probe, sees)
        plain.append(_as_described(of_cell, cell, sees))
    _refuse_idle(study, plain)
    found = [reduce(edited, (FAULTS[f] for f in r.cell.switches), r) for r in plain]
    for recipe in found:
        _refuse_impossible(study, recipe)
    names = [r.cell.name for r in found]
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise InputError(f"two cells are called {twice!r}; give the levels of the grid different names")
    return found


def _as_described(study: Study, cell: PlannedCell, pipeline: Pipeline) -> Recipe:
    """A cell's recipe without its faults."""
    policy = study.policy_of(cell.schedule)
    finetune, from_scratch = study.finetune, backbone(cell.backbone).from_scratch
    if from_scratch:
        whole = {"train": "all", "unfreeze": "at_once"}
        finetune = (finetune or FinetuneTable()).model_copy(update=whole)
    return Recipe(
        cell=cell,
        drawing=Drawing(cell.seed, cell.levels["fraction"], cell.levels["source_left_out"]),
        pipeline=pipeline,
        policy=policy,
        loss=study.loss_of(cell.levels["loss"]),
        training=study.training,
        epochs=policy.n_epochs(study.training.epochs),
        finetune=finetune,
        pretrained=not from_scratch and study.weights.get(cell.backbone) != "none",
    )


def edited(recipe: Recipe, fault: Fault) -> Recipe:
    """A recipe with a fault of the published scripts in it; an equal one where the fault has nothing to change."""
    edit, finetune = fault.edit, recipe.finetune
    # a backbone from scratch is trained as a whole and has nothing that could be kept frozen
    if edit.finetune and not backbone(recipe.cell.backbone).from_scratch:
        before = finetune or FinetuneTable(train="head", batchnorm="eval")
        finetune = FinetuneTable.model_validate({**before.model_dump(), **edit.finetune})
    pipeline = _edited_pipeline(recipe.pipeline, fault)
    return replace(
        recipe, drawing=recipe.drawing.under(fault.name), pipeline=pipeline, finetune=finetune, **edit.recipe
    )


def _edited_pipeline(pipeline: Pipeline, fault: Fault) -> Pipeline:
    table = {**pipeline.to_dict(), **fault.edit.pipeline}
    table["steps"] = [
        {**step, **fault.edit.crops} if step["op"].startswith("crop") else step for step in table["steps"]
    ]
    if table == pipeline.to_dict():
        return pipeline
    words = sorted([*pipeline.name.split("+"), fault.name], key=lambda w: w if w in FAULTS else "")
    return Pipeline.from_dict({**table, "name": "+".join(words)})


def _refuse_idle(study: Study, plain: Sequence[Recipe]) -> None:
    """Refuse a fault that changes nothing in the plain recipe of a cell that has it alone, or, beside others, of every cell that has it."""
    for name in study.faults:
        having = [r for r in plain if name in r.cell.switches]
        idle = [r for r in having if edited(r, FAULTS[name]) == r]
        alone = [r for r in idle if r.cell.switches == (name,)]
        refused = alone or (idle if len(idle) == len(having) else [])
        if refused:
            raise InputError(
                f"the cell {refused[0].cell.name} cannot be: {name!r} ({FAULTS[name].what}) changes nothing there"
            )


def _refuse_impossible(study: Study, recipe: Recipe) -> None:
    cell, finetune = recipe.cell, recipe.finetune
    reason = ""
    if backbone(cell.backbone).from_scratch and study.weights.get(cell.backbone, "none") != "none":
        reason = f"{cell.backbone} has no pretrained weights; leave weights.{cell.backbone} out"
    elif finetune is not None and finetune.train == "head" and finetune.unfreeze != "at_once":
        reason = f"finetune.train = 'head' never unfreezes, but finetune.unfreeze is {finetune.unfreeze!r}"
    try:
        backbone(cell.backbone).with_head(recipe.head)
    except InputError as e:
        reason = reason or f"training.head: {e}"
    if reason:
        raise InputError(f"the cell {cell.name} cannot be: {reason}")


def seed_of(study: Study, seed: int, what: Varying, trial: int) -> int:
    """The seed of a kind of draw in a trial: the trial's own where the study lets it vary, else the cell's."""
    if what in study.redraw_with_trial:
        return key_entropy(seed, "trial", trial) % 2**63
    return seed


def pairs_of(planned: Sequence[GridCell], family: FamilyTable) -> list[Pair]:
    """The comparisons of a family among planned cells.

    Raises:
        InputError: There are none; says why.
    """
    return matched_pairs({c.name: levels_of(c.levels) for c in planned}, family.model_dump())

"""What a study asks for, worked out before anything is computed: its cells, and what each of them needs.

A cell is one level of every factor of the grid. `Recipe` is what follows from it: the split it is drawn from, the pipeline, the weights,
the policy and the loss, with the faults of the published scripts put where they act. A cell that cannot be is refused by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.core.errors import InputError, nearest
from hilum.core.seeding import key_entropy
from hilum.models.registry import backbone
from hilum.study.faults import FAULTS, unsafe_among
from hilum.study.file import Study
from hilum.study.losses import Loss
from hilum.study.policies import Policy, policy_epochs
from hilum.study.tables import FinetuneTable, Varying

AS_DESCRIBED = "as-described"


@dataclass(frozen=True)
class Cell:
    """One level of every factor.

    Attributes:
        backbone: Registry name.
        pipeline: Name.
        schedule: Name of the policy.
        loss: Name.
        fraction: Share of the training films.
        source_left_out: Source that is not trained on, or ``none``.
        seed: In place of the study's.
        faults: ``as-described``, the name of one switch, or ``all``.
        switches: The switches that are on.
        finetuned: Whether the backbone is trained too.
        marked: Levels that the name ends with: those that are not the default.
    """

    backbone: str
    pipeline: str
    schedule: str
    loss: str
    fraction: float
    source_left_out: str
    seed: int
    faults: str
    switches: tuple[str, ...]
    finetuned: bool
    marked: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Folder name."""
        return "--".join((self.backbone, self.pipeline, self.schedule, *self.marked))

    @property
    def unsafe(self) -> list[str]:
        """The switches that break validity."""
        return unsafe_among(self.switches)


@dataclass(frozen=True)
class Drawing:
    """What a split depends on besides the trial. Cells with one drawing have one split.

    Attributes:
        seed: The cell's.
        fraction: Share of training films.
        source_left_out: Or ``none``.
        switches: Those of `DRAWING_FAULTS` that are on.
    """

    seed: int
    fraction: float = 1.0
    source_left_out: str = "none"
    switches: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Folder of the splits; the study's seed is left to the caller."""
        words = [f"seed-{self.seed}"]
        if self.fraction != 1.0:
            words.append(f"fraction-{self.fraction:g}")
        if self.source_left_out != "none":
            words.append(f"without-{self.source_left_out}")
        return "--".join([*words, *self.switches])


DRAWING_FAULTS = ("overlapping_test_draw", "unseeded_draws", "test_as_validation")
_PIPELINE_FAULTS = ("augmentor_gate", "unequal_crop")
_BACKBONE_FAULTS = ("no_pretrained_weights", "misspelt_freezing", "batchnorm_in_train_mode")


@dataclass(frozen=True)
class Recipe:
    """What a cell needs.

    Attributes:
        cell: The cell.
        drawing: Of its splits.
        pipeline: With the cell's faults; its name differs from the plain one's where they do something.
        random_weights: Whether the backbone's weights are random by a fault.
        policy: Its rate filled in.
        loss: Its loss.
        epochs: Of its training.
        softmax_first: A fault of the loss.
        second_softmax: A fault of evaluation.
        finetune: How the backbone is trained; None where it is frozen.
    """

    cell: Cell
    drawing: Drawing
    pipeline: Pipeline
    random_weights: bool
    policy: Policy
    loss: Loss
    epochs: int
    softmax_first: bool
    second_softmax: bool
    finetune: FinetuneTable | None

    @property
    def features_of(self) -> tuple[str, bool]:
        """(backbone, random weights): which feature store it reads."""
        return self.cell.backbone, self.random_weights


def fault_levels(study: Study) -> list[tuple[str, tuple[str, ...]]]:
    """(level, switches) of the factor ``faults``.

    Raises:
        InputError: Faults are asked for one at a time, but no switch is on.
    """
    on = study.faults
    levels: dict[str, tuple[str, ...]] = {}
    for word in study.grid.faults:
        if word == "as-described" or not on:
            if word == "one-at-a-time":
                raise InputError(
                    "grid.faults asks for one fault at a time, but no switch of [unsafe] or [as_run] is on; "
                    f"switches: {', '.join(FAULTS)}"
                )
            levels[AS_DESCRIBED] = ()
        elif word == "one-at-a-time":
            levels.update({f: (f,) for f in on})
        elif len(on) == 1:
            levels[on[0]] = on
        else:
            levels["all"] = on
    return list(levels.items())


def cells(study: Study) -> list[Cell]:
    """The study's cells, in its order."""
    g = study.grid
    levels = fault_levels(study)
    found = []
    for b, p, s, loss, share, left_out, seed, (level, switches) in product(
        g.backbones, g.pipelines, g.schedules, g.losses, g.fractions, g.sources_left_out, g.seeds or [study.seed], levels
    ):  # fmt: skip
        trains = study.finetune is not None or any(FAULTS[f].finetunes for f in switches)
        finetuned = trains or backbone(b).from_scratch
        marks = {
            loss: loss != "cross-entropy",
            f"fraction-{share:g}": share != 1.0,
            f"without-{left_out}": left_out != "none",
            f"seed-{seed}": bool(g.seeds),
            level: level != AS_DESCRIBED,
        }
        marked = tuple(word for word, wanted in marks.items() if wanted)
        found.append(Cell(b, p, s, loss, share, left_out, seed, level, switches, finetuned, marked))
    return found


def finetune_options(study: Study, cell: Cell) -> FinetuneTable | None:
    """How the cell's backbone is trained, faults included; None where it is frozen."""
    if not cell.finetuned:
        return None
    if backbone(cell.backbone).from_scratch:
        base = study.finetune or FinetuneTable()
        return base.model_copy(update={"train": "all", "unfreeze": "at_once"})
    base = study.finetune or FinetuneTable(train="head", batchnorm="eval")
    changes: dict[str, object] = {}
    if "batchnorm_in_train_mode" in cell.switches:
        changes["batchnorm"] = "train"
    if "misspelt_freezing" in cell.switches:
        changes |= {"train": "all", "batchnorm": "train", "unfreeze": "at_once"}
    if "new_first_conv" in cell.switches:
        changes |= {"train": "all", "batchnorm": "train", "unfreeze": "at_once", "reset_first_conv": True}
    return base.model_copy(update=changes)


def pipelines(study: Study) -> dict[str, Pipeline]:
    """The pipelines that the grid names: the study's own, else those that ship.

    Raises:
        InputError: An unknown name, or one of the study's own that is malformed.
    """
    own = {p.name: p for p in (Pipeline.from_dict(t) for t in study.augment.pipeline)}
    found = {}
    for name in study.grid.pipelines:
        if name in own:
            found[name] = own[name]
        elif name in PRESETS:
            found[name] = preset(name, study.augment.size_px, study.augment.gate)
        else:
            raise InputError(f"grid.pipelines: unknown pipeline {name!r}; {nearest(name, [*own, *PRESETS])}")
    return found


def with_faults(pipeline: Pipeline, switches: tuple[str, ...]) -> Pipeline:
    """A pipeline with the scripts' faults that act on films; the same one where they do nothing to it."""
    table = pipeline.to_dict()
    changed = []
    if "augmentor_gate" in switches and pipeline.gate != "augmentor":
        table["gate"] = "augmentor"
        changed.append("augmentor_gate")
    if "unequal_crop" in switches:
        crops = [s for s in table["steps"] if s["op"].startswith("crop") and s["parts"] != ["train"]]
        for step in crops:
            step["parts"] = ["train"]
        if crops:
            changed.append("unequal_crop")
    if not changed:
        return pipeline
    return Pipeline.from_dict({**table, "name": "+".join([pipeline.name, *changed])})


def recipes(study: Study) -> list[Recipe]:
    """What every cell needs.

    Raises:
        InputError: An unknown name, or a cell that cannot be (named).
    """
    pipes = pipelines(study)
    found = []
    for cell in cells(study):
        policy = study.policy_of(cell.schedule)
        recipe = Recipe(
            cell=cell,
            drawing=Drawing(
                cell.seed,
                cell.fraction,
                cell.source_left_out,
                tuple(f for f in DRAWING_FAULTS if f in cell.switches),
            ),
            pipeline=with_faults(pipes[cell.pipeline], cell.switches),
            random_weights="no_pretrained_weights" in cell.switches,
            policy=policy,
            loss=study.loss_of(cell.loss),
            epochs=policy_epochs(policy, study.training.epochs),
            softmax_first="softmax_before_loss" in cell.switches,
            second_softmax="second_softmax" in cell.switches,
            finetune=finetune_options(study, cell),
        )
        _refuse_impossible(study, recipe)
        found.append(recipe)
    names = [r.cell.name for r in found]
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise InputError(f"two cells are called {twice!r}; give the levels of the grid different names")
    return found


def _refuse_impossible(study: Study, recipe: Recipe) -> None:
    cell, finetune = recipe.cell, recipe.finetune

    def refuse(reason: str) -> InputError:
        return InputError(f"the cell {cell.name} cannot be: {reason}")

    if backbone(cell.backbone).from_scratch:
        fault = next((f for f in cell.switches if f in (*_BACKBONE_FAULTS, "new_first_conv")), None)
        if fault is not None:
            raise refuse(
                f"{cell.backbone} starts from scratch, so the switch {fault!r} has nothing to act on"
            )
        if study.weights.get(cell.backbone, "none") != "none":
            raise refuse(f"{cell.backbone} has no pretrained weights; leave weights.{cell.backbone} out")
    elif recipe.random_weights and study.weights.get(cell.backbone) == "none":
        raise refuse("weights are random as described, so 'no_pretrained_weights' changes nothing")
    if "misspelt_freezing" in cell.switches and study.finetune is not None and study.finetune.train == "all":
        raise refuse("[finetune] trains the whole network, so 'misspelt_freezing' changes nothing")
    if finetune is not None and finetune.train == "head" and finetune.unfreeze != "at_once":
        raise refuse(
            f"finetune.train = 'head' never unfreezes, but finetune.unfreeze is {finetune.unfreeze!r}"
        )
    for fault in _PIPELINE_FAULTS:
        if cell.faults == fault and fault not in recipe.pipeline.name:
            reason = "uses Augmentor's gate as described" if fault == "augmentor_gate" else "has no crop"
            raise refuse(f"the pipeline {cell.pipeline!r} {reason}, so {fault!r} changes nothing")


def seed_of(study: Study, seed: int, what: Varying, trial: int) -> int:
    """The seed of a kind of draw in a trial: the trial's own where the study lets it vary, else the cell's."""
    if what in study.redraw_with_trial:
        return key_entropy(seed, "trial", trial) % 2**63
    return seed

"""The study file: what is compared, on which films, with which chance. TOML, checked; an unknown key is an error.

A default is defined here and nowhere else. What a study leaves out is filled in and written into the run's record, so a
record never depends on a default of another version.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hilum.artifacts.faults import FAULTS, AsRunTable, UnsafeTable
from hilum.artifacts.losses import CrossEntropy, Loss
from hilum.artifacts.policies import ConstantPolicy, Policy
from hilum.core.digests import digest
from hilum.core.errors import InputError, nearest

Varying = Literal["split", "sampling", "augmentation", "head"]
Filter = dict[str, list[str]]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SubsetTable(_Table):
    """``[data.subset]``: a part of the films, drawn by class, for what would take too long on all of them. Every table names it."""

    name: str
    films: Annotated[int, Field(ge=8)]


class DataTable(_Table):
    """``[data]``: which films.

    A filter names manifest columns and the values accepted: ``{source = ["mooney"], label = ["bacterial"]}``. A film is in
    when one of `include` fits (or there is none) and none of `exclude` does.
    """

    manifest: str | None = None
    classes: list[str] = ["bacterial", "covid", "normal", "viral"]
    positive: str = "covid"
    include: list[Filter] = []
    exclude: list[Filter] = []
    one_per_patient: list[str] = []
    near_duplicates: bool = True
    subset: SubsetTable | None = None


class SplitTable(_Table):
    """``[split]``: how films are divided. ``fractions`` is for the method of that name."""

    method: Literal["set1", "set2", "fractions"] = "set2"
    fractions: dict[str, float] = {"train": 0.7, "valid": 0.1, "test": 0.2}


class GridTable(_Table):
    """``[grid]``: the cells, every level of a factor with every level of the others; and how often each is trained.

    Attributes:
        backbones: Registry names; ``cnn`` is the small network that is trained from scratch.
        pipelines: Names of pipelines, the study's own or those that ship.
        schedules: Names of policies, ``[policy.NAME]`` or ``constant``.
        losses: Names of losses, ``[loss.NAME]`` or ``cross-entropy``.
        fractions: Share of the training films that is used, drawn by class.
        sources_left_out: Sources whose films are neither trained nor validated on (``none`` leaves out none); all are still tested on.
        seeds: Seeds to use in place of the study's; empty for the study's own.
        faults: ``as-described`` (no switch), ``one-at-a-time`` (each switch of ``[unsafe]`` and ``[as_run]`` by itself), ``all``
            (all that are on).
        trials: How often each cell is trained.
    """

    backbones: Annotated[list[str], Field(min_length=1)] = ["resnet50"]
    pipelines: Annotated[list[str], Field(min_length=1)] = ["baseline"]
    schedules: Annotated[list[str], Field(min_length=1)] = ["constant"]
    losses: Annotated[list[str], Field(min_length=1)] = ["cross-entropy"]
    fractions: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)] = [1.0]
    sources_left_out: Annotated[list[str], Field(min_length=1)] = ["none"]
    seeds: list[int] = []
    faults: Annotated[list[Literal["as-described", "one-at-a-time", "all"]], Field(min_length=1)] = ["all"]
    trials: Annotated[int, Field(ge=1)] = 3


class WeightsTable(_Table):
    """A weights file by path, with its declared digest."""

    file: str
    sha256: str | None = None


class AugmentTable(_Table):
    """``[augment]``: side of the prepared films, the gate, and a study's own pipelines."""

    size_px: Annotated[int, Field(ge=32, le=2048)] = 244
    gate: Literal["exact", "augmentor"] = "exact"
    pipeline: list[dict[str, Any]] = []


class TrainingTable(_Table):
    """``[training]``: what every policy shares.

    Attributes:
        epochs: Passes over the training films (a one-cycle policy has its own).
        batch: Films a step.
        learning_rate: Of policies that name none.
        early_stopping: Stop after so many epochs without a lower validation loss; None for never.
        best_epoch: Keep the weights of the epoch with the lowest validation loss, not the last.
        find_rate: Run the learning-rate finder before each trial; it changes nothing in the trial.
    """

    epochs: Annotated[int, Field(ge=1)] = 20
    batch: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    early_stopping: Annotated[int, Field(ge=1)] | None = None
    best_epoch: bool = False
    find_rate: bool = False


class FinetuneTable(_Table):
    """``[finetune]``: train the backbone too. Without this table backbones are frozen and their features shared.

    Attributes:
        train: ``all``, or ``head``: the same as frozen features, but end to end.
        unfreeze: ``at_once``; ``fine_tune``: the head alone for `head_epochs`, then everything at half the rate, the first stage at
            1/`rate_divisor` of the head's rate and the stages between evenly in the logarithm (fastai's fine_tune); ``gradual``: one
            more stage each epoch after `head_epochs`, from the head down, with the same rates.
        head_epochs: Epochs of the head alone; they come before ``training.epochs``.
        rate_divisor: See `unfreeze`.
        batchnorm: ``train``: batch statistics, running statistics move; ``eval``: statistics are frozen, in layers that train too.
        precision: Of Lightning Fabric: ``32-true``, ``bf16-mixed``, ``16-mixed``.
        accumulate: Batches a step.
        devices: Processes (on a CPU) or GPUs.
        reset_first_conv: The first convolution is drawn anew.
    """

    train: Literal["all", "head"] = "all"
    unfreeze: Literal["at_once", "fine_tune", "gradual"] = "at_once"
    head_epochs: Annotated[int, Field(ge=1)] = 1
    rate_divisor: Annotated[float, Field(ge=1)] = 100.0
    batchnorm: Literal["train", "eval"] = "train"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accumulate: Annotated[int, Field(ge=1)] = 1
    devices: Annotated[int, Field(ge=1)] = 1
    reset_first_conv: bool = False


Factor = Literal["backbone", "pipeline", "schedule", "loss", "fraction", "source_left_out", "seed", "faults"]
Metric = Literal[
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "accuracy",
    "strict_rate",
    "pr_auc",
    "average_precision",
    "roc_auc",
]


class FamilyTable(_Table):
    """``[[compare]]``: a family of comparisons, named before anything runs.

    Every cell is compared with the one that differs from it in one factor only, which has the reference's level there.

    Attributes:
        name: For tables.
        factor: Which factor.
        reference: Its level that the others are compared with.
        metrics: Adjusted for many comparisons within each.
    """

    name: str
    factor: Factor
    reference: str
    metrics: Annotated[list[Metric], Field(min_length=1)] = ["sensitivity", "specificity", "pr_auc"]


class FeaturesTable(_Table):
    """``[features]``: precision ``auto`` is measured once for a workspace; a batch of None is 16 on a CPU and 256 on a GPU."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    batch: Annotated[int, Field(ge=1)] | None = None


class StatisticsTable(_Table):
    """``[statistics]``: resamples of the intervals, and how the operating point is chosen on validation."""

    resamples: Annotated[int, Field(ge=100)] = 2000
    operating_point: str = "youden"


class Study(_Table):
    """A study.

    Attributes:
        name: Names the run's folder.
        title: One sentence for the report.
        seed: All chance comes from it.
        redraw_with_trial: Which draws change from trial to trial; the others are the same in all. The test part of ``set2`` is
            drawn once in any case, and films of valid and test are always augmented with the study's seed.
        sampling: Class -> training films to draw with replacement: a whole number of films, or a fraction of the films there are.
        weights: Backbone -> ``imagenet`` (the default), ``none``, or a file.
        policy: Learning-rate policies by name, for ``grid.schedules``.
        loss: Losses by name, for ``grid.losses``.
        compare: Families of comparisons.
        unsafe: Faults of the published scripts that break validity.
        as_run: Their other departures.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str = ""
    seed: int = 20210427
    redraw_with_trial: list[Varying] = ["split", "sampling", "augmentation", "head"]
    data: DataTable = DataTable()
    split: SplitTable = SplitTable()
    grid: GridTable = GridTable()
    sampling: dict[str, Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0)]] = {}
    augment: AugmentTable = AugmentTable()
    weights: dict[str, Literal["imagenet", "none"] | WeightsTable] = {}
    features: FeaturesTable = FeaturesTable()
    training: TrainingTable = TrainingTable()
    finetune: FinetuneTable | None = None
    policy: dict[str, Policy] = {}
    loss: dict[str, Loss] = {}
    statistics: StatisticsTable = StatisticsTable()
    compare: list[FamilyTable] = []
    unsafe: UnsafeTable = UnsafeTable()
    as_run: AsRunTable = AsRunTable()

    @property
    def digest(self) -> str:
        """Digest of all that makes a difference to the results (not of the name, the title, or where the manifest lies)."""
        value = self.model_dump(mode="json")
        del value["name"], value["title"], value["data"]["manifest"]
        return digest(value)

    @property
    def faults(self) -> tuple[str, ...]:
        """Every switch that is on, in the order of `hilum.artifacts.faults.FAULTS`."""
        on = {**self.unsafe.model_dump(), **self.as_run.model_dump()}
        return tuple(f for f in FAULTS if on[f])

    def policy_of(self, name: str) -> Policy:
        """A policy by name, its rate filled in.

        Raises:
            InputError: No such policy.
        """
        known = {"constant": ConstantPolicy(), **self.policy}
        if name not in known:
            raise InputError(f"grid.schedules: unknown policy {name!r}; {nearest(name, known)}")
        found = known[name]
        if getattr(found, "learning_rate", 0.0) is None:
            return found.model_copy(update={"learning_rate": self.training.learning_rate})
        return found

    def loss_of(self, name: str) -> Loss:
        """A loss by name.

        Raises:
            InputError: No such loss.
        """
        known: dict[str, Loss] = {"cross-entropy": CrossEntropy(), **self.loss}
        if name not in known:
            raise InputError(f"grid.losses: unknown loss {name!r}; {nearest(name, known)}")
        return known[name]


def _keys_at(location: Sequence[int | str]) -> list[str]:
    """The keys of the table at a place of the study; places inside unions and lists are found too."""
    kinds: list[Any] = [Study]
    for part in location:
        inside = [k.model_fields[part].annotation for k in kinds if part in getattr(k, "model_fields", {})]
        if inside:
            kinds = [k for annotation in inside for k in _tables_in(annotation)]
    return sorted({key for k in kinds for key in getattr(k, "model_fields", {})})


def _tables_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [k for inner in get_args(annotation) for k in _tables_in(inner)]


def _explain(error: ValidationError, where: str) -> InputError:
    first = error.errors()[0]
    key = ".".join(str(p) for p in first["loc"])
    if first["type"] == "extra_forbidden":
        return InputError(
            f"{where}: unknown key {key!r}; {nearest(str(first['loc'][-1]), _keys_at(first['loc'][:-1]))}"
        )
    if first["type"] == "literal_error":
        words = (
            str(first.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        )
        return InputError(f"{where}: {key} got {first['input']!r}; {nearest(str(first['input']), words)}")
    return InputError(f"{where}: {key}: {first['msg'][0].lower()}{first['msg'][1:]}, got {first['input']!r}")


def _set(value: dict[str, Any], assignment: str) -> None:
    key, sign, text = assignment.partition("=")
    if not sign or not key.strip():
        raise InputError(f"--set takes key=value, got {assignment!r}; for example --set training.epochs=5")
    try:
        new = tomllib.loads(f"v = {text.strip()}")["v"]
    except tomllib.TOMLDecodeError:
        new = text.strip()
    *path, last = key.strip().split(".")
    for part in path:
        value = value.setdefault(part, {})
        if not isinstance(value, dict):
            raise InputError(f"--set {assignment!r}: {part!r} is no table")
    value[last] = new


def _read_table(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The tables of a study file, laid over those of the file that it extends."""
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such study file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise InputError(f"{path}: expected TOML: {e}") from None
    base = value.pop("extends", None)
    if base is None:
        return value
    if not isinstance(base, str) or path in above:
        raise InputError(f"{path}: extends must name another study file, and not in a circle; got {base!r}")
    return _laid_over(_read_table(path.parent / base, (*above, path)), value)


def _laid_over(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        inside = merged.get(key)
        both = isinstance(inside, dict) and isinstance(value, dict)
        merged[key] = _laid_over(inside, value) if both else value  # type: ignore[arg-type]
    return merged


def read_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Read a study file and apply ``key=value`` overrides.

    ``extends = "other.toml"`` takes everything from another file first; tables are merged, lists and values replaced.

    Raises:
        InputError: No such file, no TOML, an unknown key (with the nearest right one) or a bad value.
    """
    value = _read_table(path)
    for assignment in overrides:
        _set(value, assignment)
    try:
        study = Study.model_validate(value)
    except ValidationError as e:
        raise _explain(e, path.name) from None
    check_consistent(study, path.name)
    return study


def check_consistent(study: Study, where: str) -> None:
    """Check what spans several keys.

    Raises:
        InputError: A class or backbone is named that the study does not have; a name twice.
    """
    classes = study.data.classes
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise InputError(f"{where}: data.classes must be two or more different names, got {classes!r}")
    named = {
        "data.positive": [study.data.positive],
        "data.one_per_patient": study.data.one_per_patient,
        "sampling": list(study.sampling),
    }
    for key, names in named.items():
        for name in names:
            if name not in classes:
                raise InputError(
                    f"{where}: {key} names {name!r}, which is no class; {nearest(name, classes)}"
                )
    for backbone in study.weights:
        if backbone not in study.grid.backbones:
            raise InputError(
                f"{where}: weights names {backbone!r}, which is not in grid.backbones; {nearest(backbone, study.grid.backbones)}"
            )
    for key, names in study.grid:
        if isinstance(names, list) and len(set(names)) != len(names):
            raise InputError(f"{where}: grid.{key} names something twice: {names!r}")
    if study.split.method == "fractions" and abs(sum(study.split.fractions.values()) - 1) > 1e-9:
        raise InputError(f"{where}: split.fractions must add up to 1, got {study.split.fractions!r}")

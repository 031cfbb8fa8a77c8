"""The tables of a study file, one class each. A default is defined here and nowhere else; an unknown key is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from hilum.study.factors import FACTOR, FACTORS, FactorName
from hilum.study.film_filter import Filter
from hilum.study.metrics import MetricName, shown_in
from hilum.study.probes import ProbeName

SplitMethod = Literal["set1", "set2", "fractions", "official"]
Crossing = Literal["refuse", "keep-test"]
Varying = Literal["split", "sampling", "augmentation", "head"]
HeadKind = Literal["mlp", "conv", "conv-linear", "linear", "dense", "fc-1024", "fc-256", "fc-128"]
CONV_DROPOUT = 0.5
"""Share of the inputs that a conv head drops in training unless a study says otherwise; other heads drop none."""


STRICT = ConfigDict(extra="forbid", frozen=True)
"""A table is frozen and refuses what it does not know."""


class StrictTable(BaseModel):
    """A table of a study file."""

    model_config = STRICT


class SplitTable(StrictTable):
    """``[split]``: how films are divided.

    Attributes:
        method: ``set1``, ``set2``, ``fractions``, or ``official``: as the source itself divides them (``source_part``).
        fractions: Of train, valid and test, for the method of that name.
        crossing: For ``official``: a patient or a copy in two parts is refused, or ``keep-test`` leaves out its films that are not in the
            part held back most.
    """

    method: SplitMethod = "set2"
    fractions: dict[str, float] = {"train": 0.7, "valid": 0.1, "test": 0.2}
    crossing: Crossing = "refuse"


class _Grid(StrictTable):
    """``[grid]``: the cells, every level of a factor with every level of the others; and how often each is trained (``trials``).

    The keys are those of `hilum.study.factors.FACTORS`.
    """

    def levels(self, factor: str) -> list[Any]:
        """What a key names; empty where the grid leaves the factor to the study."""
        return list(getattr(self, FACTOR[factor].key, ()))


if TYPE_CHECKING:

    class GridTable(_Grid):
        """As it is made of the factors, which a type checker cannot see."""

        trials: int = 3

else:
    _KEYS = {f.key: (f.kind, list(f.levels)) for f in FACTORS if f.in_grid}
    GridTable = create_model("GridTable", __base__=_Grid, **_KEYS, trials=(Annotated[int, Field(ge=1)], 3))


class WeightsTable(StrictTable):
    """A weights file by path, with its declared digest."""

    file: str
    sha256: str | None = None


PRECOMPUTED = "precomputed/"
"""How the name of a backbone begins that is a file of vectors."""


class PrecomputedTable(StrictTable):
    """``[precomputed.NAME]``: features that were made elsewhere, for the backbone ``precomputed/NAME``.

    Attributes:
        file: An ``.npz`` with the arrays ``image_id`` and ``vector``, or a ``.parquet`` with columns of these names.
        sha256: Its declared digest.
    """

    file: str
    sha256: str | None = None


class LungsTable(StrictTable):
    """``[lungs]``: the masks of pipelines that read lungs; nothing where none does.

    Attributes:
        model: ``shipped``, or the weights file of a network that `hilum segment train` made.
        sha256: Of that file.
        convention: What counts as lung: ``lungs``, or ``lungs-and-heart``.
        own: A source's own mask comes before the model's. False where every film must have the model's: masks that one source drew by
            hand and another did not may tell the sources apart.
        failed: Films whose mask is of no use are left out of every part (where only probes read lungs they stay, with a stand-in), or the
            study is refused.
    """

    model: str = "shipped"
    sha256: str | None = None
    convention: Literal["lungs", "lungs-and-heart"] = "lungs"
    own: bool = True
    failed: Literal["leave-out", "refuse"] = "leave-out"


class AugmentTable(StrictTable):
    """``[augment]``: side of the prepared films, the gate, and a study's own pipelines."""

    size_px: Annotated[int, Field(ge=32, le=2048)] = 244
    gate: Literal["exact", "augmentor"] = "exact"
    pipeline: list[dict[str, Any]] = []


class TrainingTable(StrictTable):
    """``[training]``: what every policy shares.

    Attributes:
        epochs: Passes over the training films (a one-cycle policy has its own).
        batch: Films a step.
        learning_rate: Of policies that name none.
        early_stopping: Stop after so many epochs without a lower validation loss; None for never.
        best_epoch: Keep the weights of the epoch with the lowest validation loss, not the last.
        balanced_batches: Each batch has as many films of one class as of another, or one more. An epoch has as many films as ever: those
            of a small class come several times, and of a large one another share each epoch.
        find_rate: Run the learning-rate finder for each trial, of a head or of a whole network; it changes nothing in the trial.
        head: Kind of head; None for the one that the backbone has (`hilum.models.registry`).
        dropout: Share of the head's inputs that are dropped in training; None for what the head does by itself (a conv head .5, others 0).
    """

    epochs: Annotated[int, Field(ge=1)] = 20
    batch: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    early_stopping: Annotated[int, Field(ge=1)] | None = None
    best_epoch: bool = False
    balanced_batches: bool = False
    find_rate: bool = False
    head: HeadKind | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None


class FinetuneTable(StrictTable):
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


class FamilyTable(StrictTable):
    """``[[compare]]``: a family of comparisons, named before anything runs.

    Every cell is compared with the one that differs from it in one factor only, and has the level `reference` there. P-values are adjusted
    for many comparisons within each metric.
    """

    name: str
    factor: FactorName
    reference: str
    metrics: Annotated[list[MetricName], Field(min_length=1)] = list(shown_in("headline"))


class ContrastTable(StrictTable):
    """``[[contrast]]``: films of one side against films of the other, beside the headline.

    What is asked for is the class (or classes) that `positive` names as ``label``, else the study's positive class.

    Attributes:
        name: Takes the place of the class in tables.
        positive: Films that should be called what is asked for; left out where there are none, and only the specificity makes sense.
        negative: Films that should not.
        score: What ranks the films and decides. ``all``: the probability among all classes, and the class of the highest one. ``pair``:
            the probability among the classes of both sides only, and which of the two is higher.
    """

    name: Annotated[str, Field(min_length=1)]
    positive: Filter | None = None
    negative: Filter
    score: Literal["all", "pair"] = "all"


class SubgroupTable(StrictTable):
    """``[[subgroup]]``: films of which the headline is asked again: each value of a column (`by`), or `films` under a `name`."""

    by: str = ""
    name: str = ""
    films: Filter | None = None


class ProbesTable(StrictTable):
    """``[probes]``: what stands beside the first cell of each backbone, to show how much of its score is reached without disease."""

    kinds: list[ProbeName] = []


class FeaturesTable(StrictTable):
    """``[features]``: precision ``auto`` is measured once for a workspace; a batch of None is 16 on a CPU and 256 on a GPU.

    Engine ``auto`` is measured once for a workspace and backbone too, where a study has many films (`hilum.workflow.feature_engines`).
    """

    engine: Literal["auto", "torch", "onnx", "onnx-int8"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    batch: Annotated[int, Field(ge=1)] | None = None


class AuditTable(StrictTable):
    """``[audit]``: of the audit of the films before a run; it makes no difference to a result.

    Attributes:
        allow: Findings that are accepted, as ``--allow`` of `hilum audit` takes them: ``CODE[:FILM][=REASON]``. A leak is refused all
            the same.
        labels: What doubts labels: ``none``, ``shape``, or a backbone's name.
    """

    allow: list[str] = []
    labels: str = "none"


class ExplainTable(StrictTable):
    """``[explain]``: heat maps of some test films of trial 1, with their checks; it makes no difference to a result.

    Attributes:
        methods: As ``--method`` of `hilum explain` takes them: ``NAME`` or ``NAME:OPTION=VALUE,...``. None are made without.
        films: Test films a cell: of each class in turn the most confident that is called right, and the most confident that is not.
        cells: By name; the first cell where none is named.
        show_films: Whether pictures are drawn and stand in the report, which then holds these films.
    """

    methods: list[str] = []
    films: Annotated[int, Field(ge=1)] = 8
    cells: list[str] = []
    show_films: bool = False


_Share = Annotated[float, Field(gt=0, lt=1)]


class StatisticsTable(StrictTable):
    """``[statistics]``: resamples of the intervals, how the operating point is chosen on validation, and what is asked for besides.

    Attributes:
        resamples: Of the bootstrap.
        operating_point: The rule by which validation chooses it.
        prevalences: Of the positive class, at which PPV and NPV are asked for besides that of the test films.
        thresholds: On the positive class's probability, at which sensitivity and specificity are shown, with histograms of the scores;
            none is chosen by them.
        own_threshold: The one of `thresholds` that a published system has as its own, which is marked; None for none.
    """

    resamples: Annotated[int, Field(ge=100)] = 2000
    operating_point: str = "youden"
    prevalences: list[_Share] = []
    thresholds: list[_Share] = []
    own_threshold: _Share | None = None

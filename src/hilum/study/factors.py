"""Every factor of a study's grid, one entry each: its key in ``[grid]``, its levels, how a cell's name and a page say them.

To add a factor, add an entry to `FACTORS` with an `edit`: what the study is for a cell that has a level of it. The grid's key, the cells
and their names, the families of comparisons, the columns of tables and ``hilum runs --where`` follow from it;
``python docs/reference/generated.py`` writes the page that lists it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import BaseModel, Field

from hilum.core.errors import InputError
from hilum.study.probes import NO_PROBE, probe_words

Names = Annotated[list[str], Field(min_length=1)]


class Gridded(Protocol):
    """What a factor asks of a study (`hilum.study.file.Study`, which has the factors' keys in its grid and so stands above them)."""

    @property
    def seed(self) -> int: ...
    @property
    def grid(self) -> Any: ...
    @property
    def faults(self) -> Sequence[str]: ...
    @property
    def unsafe(self) -> BaseModel: ...
    @property
    def as_run(self) -> BaseModel: ...
    @property
    def probes(self) -> Any: ...


@dataclass(frozen=True)
class Factor:
    """A factor of the grid.

    Attributes:
        name: In files, and as a family of comparisons names it.
        key: Of its levels in ``[grid]``; ``table.key`` where they stand in a table of their own.
        kind: What the key may be, as pydantic reads it.
        levels: Of a study that does not name the key.
        what: What a level is, for the reference.
        label: Heading of its column.
        several: What one and several of its levels are called in a sentence; the same with an s where there is one word.
        default: Level, as text, that a cell's name leaves out and that an older run had; empty where every level is in the name.
        mark: What stands before the level in a cell's name.
        mark_words: The same in words.
        words: A level, as text, in words.
        text: A level as text; one that is malformed stands for itself.
        levels_of: The levels of a study from what its grid names, where these are not the same.
        edit: The study that a cell with a level is of: its pipelines, training, finetune, policies and losses count. None where
            `hilum.workflow.plan` itself asks for the level.
        said_alone: Whether a page says it even where all cells have one level, if that is not the default.
        other_films: Whether some of its levels may test other films, so that cells are compared on those that both have.
        slash: What stands for a slash of a level in a cell's name, which is a folder's.
    """

    name: str
    key: str
    kind: Any
    levels: tuple[Any, ...]
    what: str
    label: str
    several: tuple[str, ...]
    default: str = ""
    mark: str = ""
    mark_words: str = ""
    words: Callable[[str], str] = str
    text: Callable[[Any], str] = str
    levels_of: Callable[[Gridded, list[Any]], list[Any]] | None = None
    edit: Callable[[Any, Any], Any] | None = None
    said_alone: bool = False
    other_films: bool = False
    slash: str = "/"

    @property
    def in_grid(self) -> bool:
        """Whether ``[grid]`` has its key."""
        return "." not in self.key

    def of(self, study: Gridded) -> list[Any]:
        """The levels of a study."""
        given = study.grid.levels(self.name)
        return self.levels_of(study, given) if self.levels_of else list(given)

    def in_name(self, level: Any) -> str:
        """What a cell's name says of a level; empty for the default."""
        text = self.text(level)
        return "" if text == self.default else f"{self.mark}{text.replace('/', self.slash)}"


def _share(level: Any) -> str:
    try:
        return f"{float(level):g}"
    except ValueError:  # a reference that is no number is no level; the caller says so
        return str(level)


def _faults(study: Gridded, given: list[Any]) -> list[Any]:
    on = study.faults
    levels: list[str] = []
    for word in given:
        if word == AS_DESCRIBED or not on:
            if word == "one-at-a-time":
                known = ", ".join([*type(study.unsafe).model_fields, *type(study.as_run).model_fields])
                raise InputError(
                    f"grid.faults asks for one fault at a time, but no switch of [unsafe] or [as_run] is on; switches: {known}"
                )
            levels.append(AS_DESCRIBED)
        elif word == "one-at-a-time":
            levels += on
        else:
            levels.append(on[0] if len(on) == 1 else "all")
    return list(dict.fromkeys(levels))


AS_DESCRIBED = "as-described"

FACTORS: tuple[Factor, ...] = (
    Factor(
        "backbone", "backbones", Names, ("resnet50",),
        "a name of `hilum.models.registry`, or `timm/NAME`, `torchvision/NAME`, `torchxrayvision/WEIGHTS`, `transformers/ID`",
        "Backbone", ("backbone",), slash="-",
    ),
    Factor(
        "pipeline", "pipelines", Names, ("baseline",), "a pipeline, the study's own or one that ships", "Pipeline",
        ("augmentation pipeline",),
    ),
    Factor(
        "schedule", "schedules", Names, ("constant",), "a policy, `[policy.NAME]` or `constant`", "Schedule",
        ("learning-rate schedule",),
    ),
    Factor(
        "loss", "losses", Names, ("cross-entropy",), "a loss, `[loss.NAME]` or `cross-entropy`", "Loss", ("loss", "losses"),
        default="cross-entropy",
    ),
    Factor(
        "fraction", "fractions", Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)], (1.0,),
        "share of the training films that is used, drawn by class; a smaller share is part of a larger one", "Share of training films",
        ("share of the training films", "shares of the training films"), default="1", mark="fraction-", mark_words="share ", text=_share,
    ),
    Factor(
        "source_left_out", "sources_left_out", Names, ("none",),
        "a source whose films are tested on, all of them and only those, while the others are trained and validated on", "Source left out",
        ("choice of sources", "choices of sources"), default="none", mark="without-", mark_words="without ",
        words=lambda level: "all sources" if level == "none" else f"without {level}",
        said_alone=True, other_films=True,
    ),
    Factor(
        "seed", "seeds", list[int], (), "a seed in place of the study's", "Seed", ("seed",), mark="seed-", mark_words="seed ",
        levels_of=lambda study, given: given or [study.seed],
    ),
    Factor(
        "faults", "faults", Annotated[list[Literal["as-described", "one-at-a-time", "all"]], Field(min_length=1)], ("all",),
        "which of the switches of `[unsafe]` and `[as_run]` that are on act together", "Faults", ("choice of faults", "choices of faults"),
        default=AS_DESCRIBED, words=lambda level: level.replace("_", " "), levels_of=_faults, other_films=True,
    ),
    Factor(
        "probe", "probes.kinds", list[str], (NO_PROBE,), "a probe beside the first cell of each backbone (`hilum.study.probes`)", "Probe",
        ("probe",), default=NO_PROBE, mark="probe-", mark_words="probe ", words=probe_words,
        levels_of=lambda study, _: [NO_PROBE, *study.probes.kinds],
    ),
)  # fmt: skip
"""In the order of a cell's name."""


@dataclass(frozen=True)
class GridCell:
    """A cell of a study's grid; its name, that of its folder, is its levels but for those that are the default."""

    name: str
    levels: Mapping[str, Any] = field(compare=False)

    @property
    def backbone(self) -> str:
        """Name of its backbone."""
        return str(self.levels["backbone"])

    @property
    def pipeline(self) -> str:
        """Name of its pipeline."""
        return str(self.levels["pipeline"])

    @property
    def schedule(self) -> str:
        """Name of its learning-rate policy."""
        return str(self.levels["schedule"])

    @property
    def probe(self) -> str:
        """Which probe it is; `NO_PROBE` of a model."""
        return str(self.levels.get("probe", NO_PROBE))


FACTOR: Mapping[str, Factor] = {f.name: f for f in FACTORS}
"""Each by its name."""

if TYPE_CHECKING:
    FactorName = str
else:
    FactorName = Literal[tuple(FACTOR)]


def level_words(factor: str, level: str) -> str:
    """A level for a reader, the same in every table and figure.

    >>> level_words("source_left_out", "my_clinic"), level_words("source_left_out", "none")
    ('without my_clinic', 'all sources')
    >>> level_words("faults", "second_softmax"), level_words("backbone", "squeezenet1_0")
    ('second softmax', 'squeezenet1_0')
    """
    return FACTOR[factor].words(level)

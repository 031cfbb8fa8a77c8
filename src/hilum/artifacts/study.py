"""The study file: what is compared, on which films, with which chance. TOML, checked; an unknown key is an error.

A default is defined here and nowhere else. What a study leaves out is filled in and written into the run's record, so a
record never depends on a default of another version.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hilum.core.digests import digest
from hilum.core.errors import InputError, nearest

Varying = Literal["split", "sampling", "augmentation", "head"]
Filter = dict[str, list[str]]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


class SplitTable(_Table):
    """``[split]``: how films are divided. ``fractions`` is for the method of that name."""

    method: Literal["set1", "set2", "fractions"] = "set2"
    fractions: dict[str, float] = {"train": 0.7, "valid": 0.1, "test": 0.2}


class GridTable(_Table):
    """``[grid]``: the cells, every backbone with every pipeline and schedule; and how often each is trained."""

    backbones: Annotated[list[str], Field(min_length=1)] = ["resnet50"]
    pipelines: Annotated[list[str], Field(min_length=1)] = ["baseline"]
    schedules: Annotated[list[str], Field(min_length=1)] = ["constant"]
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
    """``[training]``: Adam and cross-entropy."""

    epochs: Annotated[int, Field(ge=1)] = 20
    batch: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4


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
    statistics: StatisticsTable = StatisticsTable()

    @property
    def digest(self) -> str:
        """Digest of all that makes a difference to the results (not of the name, the title, or where the manifest lies)."""
        value = self.model_dump(mode="json")
        del value["name"], value["title"], value["data"]["manifest"]
        return digest(value)


def _keys_at(location: Sequence[int | str]) -> list[str]:
    model: Any = Study
    for part in location:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field else None
    return list(getattr(model, "model_fields", {}))


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


def read_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Read a study file and apply ``key=value`` overrides.

    Raises:
        InputError: No such file, no TOML, an unknown key (with the nearest right one) or a bad value.
    """
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such study file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise InputError(f"{path}: expected TOML: {e}") from None
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
    for key in ("backbones", "pipelines", "schedules"):
        names = getattr(study.grid, key)
        if len(set(names)) != len(names):
            raise InputError(f"{where}: grid.{key} names something twice: {names!r}")
    if study.split.method == "fractions" and abs(sum(study.split.fractions.values()) - 1) > 1e-9:
        raise InputError(f"{where}: split.fractions must add up to 1, got {study.split.fractions!r}")

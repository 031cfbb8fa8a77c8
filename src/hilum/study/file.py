"""The study file: what is compared, on which films, with which chance. TOML, checked; an unknown key is an error.

A default is defined here and nowhere else. What a study leaves out is filled in and written into the run's record, so a
record never depends on a default of another version.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from hilum.core.errors import InputError, nearest, require_known
from hilum.core.names import folded_name, spelled
from hilum.core.text import read_toml
from hilum.study.classes import positive_class, wrong_merges
from hilum.study.data_table import DataTable
from hilum.study.ensembles import Ensemble, wrong_ensembles
from hilum.study.faults import FAULTS, AsRunTable, UnsafeTable
from hilum.study.findings_checks import is_multilabel, wrong_findings
from hilum.study.keys import study_digest
from hilum.study.losses import CrossEntropy, Loss
from hilum.study.mistakes import tables_as, together
from hilum.study.policies import Policy
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.reporting import ReportingTable
from hilum.study.search import SearchTable, wrong_search
from hilum.study.tables import (
    PRECOMPUTED,
    STRICT,
    AuditTable,
    AugmentTable,
    ContrastTable,
    ExplainTable,
    FamilyTable,
    FeaturesTable,
    FinetuneTable,
    GridTable,
    LungsTable,
    PrecomputedTable,
    ProbesTable,
    SplitTable,
    StatisticsTable,
    SubgroupTable,
    TrainingTable,
    Varying,
    WeightsTable,
)


class Study(BaseModel):
    """A study.

    Attributes:
        name: Names the run's folder.
        title: One sentence for the report.
        seed: All chance comes from it.
        redraw_with_trial: Which draws change from trial to trial; the others are the same in all. The test part of ``set2`` is
            drawn once in any case, and films of valid and test are always augmented with the study's seed.
        sampling: Class -> training films to draw with replacement: a whole number of films, or a fraction of the films there are.
        weights: Backbone -> ``imagenet`` (the default), ``none``, or a file.
        precomputed: Name -> a file of vectors, for the backbone ``precomputed/NAME``.
        policy: Learning-rate policies by name, for ``grid.schedules``.
        loss: Losses by name, for ``grid.losses``.
        ensemble: What combines trials of its cells.
        unsafe: Faults of the published scripts that break validity.
        as_run: Their other departures.
    """

    model_config = STRICT

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str = ""
    seed: int = 20210427
    redraw_with_trial: list[Varying] = ["split", "sampling", "augmentation", "head"]
    data: DataTable = DataTable()
    split: SplitTable = SplitTable()
    grid: GridTable = GridTable()
    probes: ProbesTable = ProbesTable()
    sampling: dict[str, Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0)]] = {}
    augment: AugmentTable = AugmentTable()
    lungs: LungsTable = LungsTable()
    weights: dict[str, Literal["imagenet", "none"] | WeightsTable] = {}
    features: FeaturesTable = FeaturesTable()
    precomputed: dict[str, PrecomputedTable] = {}
    training: TrainingTable = TrainingTable()
    finetune: FinetuneTable | None = None
    policy: dict[str, Policy] = {}
    loss: dict[str, Loss] = {}
    ensemble: list[Ensemble] = []
    search: SearchTable | None = None
    statistics: StatisticsTable = StatisticsTable()
    audit: AuditTable = AuditTable()
    explain: ExplainTable = ExplainTable()
    compare: list[FamilyTable] = []
    contrast: list[ContrastTable] = []
    subgroup: list[SubgroupTable] = []
    reporting: ReportingTable = ReportingTable()
    unsafe: UnsafeTable = UnsafeTable()
    as_run: AsRunTable = AsRunTable()

    @property
    def digest(self) -> str:
        """Digest of all that makes a difference to the results (`hilum.study.keys`)."""
        return study_digest(self.model_dump(mode="json"))

    @property
    def faults(self) -> tuple[str, ...]:
        """Every switch that is on, in the order of `hilum.study.faults.FAULTS`."""
        on = {**self.unsafe.model_dump(), **self.as_run.model_dump()}
        return tuple(f for f in FAULTS if on[f])

    def policy_of(self, name: str) -> Policy:
        """A policy by name, its rate filled in.

        Raises:
            InputError: No such policy.
        """
        known: dict[str, Policy] = {"constant": ConstantPolicy(), **self.policy}
        require_known(name, known, "grid.schedules: unknown policy")
        return known[name].filled(self.training.learning_rate)

    def loss_of(self, name: str) -> Loss:
        """A loss by name.

        Raises:
            InputError: No such loss.
        """
        known: dict[str, Loss] = {"cross-entropy": CrossEntropy(), **self.loss}
        require_known(name, known, "grid.losses: unknown loss")
        return known[name]


def _set(value: dict[str, Any], assignment: str) -> None:
    key, sign, text = assignment.partition("=")
    if not sign or not key.strip():
        raise InputError(f"--set takes key=value, got {assignment!r}; for example --set training.epochs=5")
    try:
        new = tomllib.loads(f"v = {text.strip()}")["v"]
    except tomllib.TOMLDecodeError:
        new = text.strip()
    *path, last = _dotted(key.strip())
    for part in path:
        value = value.setdefault(part, {})
        if not isinstance(value, dict):
            raise InputError(f"--set {assignment!r}: {part!r} is no table")
    value[last] = new


def _dotted(key: str) -> list[str]:
    """The words of a dotted key; one in quotes may have dots.

    >>> _dotted('weights."timm/vit_tiny.a1"')
    ['weights', 'timm/vit_tiny.a1']
    """
    return [word.strip('"') for word in re.split(r'\.(?=(?:[^"]*"[^"]*")*[^"]*$)', key)]


def _read_table(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The tables of a study file, laid over those of the file that it extends."""
    if not path.exists():
        raise InputError(f"{path}: no such study file")
    value = read_toml(path)
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
    study = tables_as(Study, value, path.name)
    check_consistent(study, path.name)
    return study


def check_consistent(study: Study, where: str) -> None:
    """Check what spans several keys.

    Raises:
        InputError: A class or backbone is named that the study does not have; a name twice. All that is wrong is in it.
    """
    if found := list(_inconsistent(study, where)):
        raise together(found, where)


def _inconsistent(study: Study, where: str) -> Iterator[str]:
    yield from wrong_findings(study)
    if study.data.classes and not is_multilabel(study):
        yield from _wrong_classes(study, where)
    yield from wrong_merges(study.data.merge, study.data.classes)
    if study.search is not None:
        yield from wrong_search(study.search, study.grid.levels("schedule"))
    for backbone in study.weights:
        if backbone not in study.grid.levels("backbone"):
            yield f"weights names {backbone!r}, which is not in grid.backbones; {nearest(backbone, study.grid.levels('backbone'))}"
    backbones = study.grid.levels("backbone")
    for name in study.precomputed:
        if f"{PRECOMPUTED}{name}" not in backbones:
            yield f"precomputed.{name} is for the backbone 'precomputed/{name}', which is not in grid.backbones"
    for name in (b.partition("/")[2] for b in backbones if b.startswith(PRECOMPUTED)):
        if name not in study.precomputed:
            yield f"the backbone 'precomputed/{name}' needs a table [precomputed.{name}] with the key file"
    for key, names in study.grid:
        if isinstance(names, list) and len(set(names)) != len(names):
            yield f"grid.{key} names something twice: {names!r}"
    if len(set(study.probes.kinds)) != len(study.probes.kinds):
        yield f"probes.kinds names something twice: {study.probes.kinds!r}"
    for key, method in (("fractions", "fractions"), ("crossing", "official")):
        if study.split.method != method and getattr(study.split, key) != getattr(SplitTable(), key):
            yield (
                f"split.{key} is for split.method = {method!r}, got method {study.split.method!r}; leave one of them out"
            )
    yield from wrong_ensembles(study.ensemble)
    own, thresholds = study.statistics.own_threshold, study.statistics.thresholds
    if own is not None and own not in thresholds:
        yield f"statistics.own_threshold is {own!r}, which is none of statistics.thresholds, {thresholds!r}"
    if len(set(thresholds)) != len(thresholds):
        yield f"statistics.thresholds names something twice: {thresholds!r}"
    if study.split.method == "fractions" and abs(sum(study.split.fractions.values()) - 1) > 1e-9:
        yield f"split.fractions must add up to 1, got {study.split.fractions!r}"


def _wrong_classes(study: Study, where: str) -> Iterator[str]:
    classes = study.data.classes
    if len({folded_name(c) for c in classes}) != len(classes) or len(classes) < 2:
        yield f"data.classes must be two or more different names, got {classes!r}"
        return
    try:
        positive_class(study.data.positive or None, classes, where, "data.positive")
    except InputError as e:
        yield str(e).removeprefix(f"{where}: ")
    named = {
        "data.one_per_patient": study.data.one_per_patient,
        "sampling": list(study.sampling),
    }
    for key, names in named.items():
        for name in names:
            if spelled(name, classes) is None:
                yield f"{key} names {name!r}, which is no class; {nearest(name, classes)}"

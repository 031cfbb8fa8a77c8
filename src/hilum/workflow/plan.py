"""What a study asks for, worked out before anything is computed: cells, seeds, and every prepared film."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import Wanted
from hilum.artifacts.split import Split
from hilum.artifacts.study import Study, Varying
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.augment.sampling import process_counts, sample_counts
from hilum.core.errors import InputError, nearest
from hilum.core.seeding import key_entropy
from hilum.models.registry import backbone
from hilum.training.schedules import schedule


@dataclass(frozen=True)
class Cell:
    """One combination of the grid's factors."""

    backbone: str
    pipeline: str
    schedule: str

    @property
    def name(self) -> str:
        """Folder name, and what tables call it."""
        return f"{self.backbone}--{self.pipeline}--{self.schedule}"


def cells(study: Study) -> list[Cell]:
    """The study's cells, in its order."""
    g = study.grid
    return [Cell(b, p, s) for b in g.backbones for p in g.pipelines for s in g.schedules]


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


def check_names(study: Study) -> None:
    """Check the names that the grid uses, before anything runs.

    Raises:
        InputError: An unknown backbone, pipeline or schedule.
    """
    for name in study.grid.backbones:
        backbone(name)
    for name in study.grid.schedules:
        schedule(name, study.training.learning_rate)
    pipelines(study)


def seed_of(study: Study, what: Varying, trial: int) -> int:
    """The seed of a kind of draw in a trial: the trial's own where the study lets it vary, else the study's."""
    if what in study.redraw_with_trial:
        return key_entropy(study.seed, "trial", trial) % 2**63
    return study.seed


def training_copies(study: Study, manifest: Manifest, split: Split, trial: int) -> dict[str, int]:
    """How many copies of each training film the trial learns from.

    A class named in ``[sampling]`` is drawn with replacement, so some of its films may not be there at all.
    """
    by_class: dict[str, list[str]] = defaultdict(list)
    for i in split.parts["train"]:
        by_class[manifest.by_id[i].label].append(i)
    copies: dict[str, int] = {}
    for label, ids in sorted(by_class.items()):
        wanted = study.sampling.get(label)
        if wanted is None:
            copies.update(process_counts(ids))
        else:
            n = wanted if isinstance(wanted, int) else round(wanted * len(ids))
            copies.update(sample_counts(ids, n, seed_of(study, "sampling", trial)))
    return copies


def wanted_films(study: Study, manifest: Manifest, splits: Mapping[int, Split]) -> dict[str, list[Wanted]]:
    """Every prepared film of the study: image_id -> what is wanted of it.

    Films of valid and test are drawn for with the study's seed, those of train with the trial's.
    """
    wanted: dict[str, set[Wanted]] = defaultdict(set)
    for trial, split in splits.items():
        copies = training_copies(study, manifest, split, trial)
        for pipeline in study.grid.pipelines:
            for part in ("valid", "test"):
                for i in split.parts[part]:
                    wanted[i].add(Wanted(pipeline, part, study.seed))
            seed = seed_of(study, "augmentation", trial)
            for i, n in copies.items():
                wanted[i].update(Wanted(pipeline, "train", seed, copy) for copy in range(n))
    return {i: list(w) for i, w in wanted.items()}

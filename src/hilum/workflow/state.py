"""A study on its way through the stages: what was asked, what follows from it, and what each stage did."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from hilum import __version__
from hilum.artifacts.drawn_films import DrawnFilms, drawn_path
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureStore
from hilum.artifacts.header import require_digest
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import PreparedStore
from hilum.artifacts.run_files import StageLine
from hilum.core.engine import Engine
from hilum.core.errors import InputError, require_known
from hilum.core.keys import ALWAYS, Key
from hilum.core.memory import MemoryPeak
from hilum.core.mirror import at_hand, brought
from hilum.inference.judged import GATE
from hilum.models.backbone import Precision
from hilum.models.machine import exact_arithmetic, keep_memory
from hilum.models.registry import backbone
from hilum.models.weights import Weights, find
from hilum.segment.stand_in import RULE
from hilum.stages.duplicates import exact_duplicates
from hilum.stages.prepare import Chunk
from hilum.stages.segment.run import Which
from hilum.stages.split import select, subset
from hilum.study.file import Study
from hilum.study.probes import NO_PROBE
from hilum.study.tables import WeightsTable
from hilum.training.task import GRADIENTS
from hilum.workflow.choices import wrong_choices
from hilum.workflow.classes import labels_in, merged, require_films, with_classes
from hilum.workflow.drawing import TrialDraw
from hilum.workflow.draws import StudyDraws
from hilum.workflow.feature_engines import FeatureEngines, feature_engines, in_key
from hilum.workflow.plan import FeaturesOf, Recipe, recipes
from hilum.workflow.trial import Trial
from hilum.workflow.vectors import weights_of_vectors
from hilum.workflow.workspace import Settled, Workspace

RUN = Key(
    study=ALWAYS, films=ALWAYS, weights=ALWAYS, device=ALWAYS, name=ALWAYS, precision=ALWAYS, threads=ALWAYS, hilum=ALWAYS, lungs=None,
    stand_in=None, gate="features", engines={}, heads="autograd",
)  # fmt: skip
"""What names a run's folder: study, films and weights by digest, what is settled for the machine, hilum's version, the lungs' network
where a pipeline reads lungs, with the rule of stand-ins where only probes do, what gates see, engines of features but torch, and, where
there are heads, how these are trained."""


@dataclass(eq=False)
class Run:
    """A study, the films it is for, and where it is to run; and what its steps have made so far.

    What follows from that is worked out when it is first asked for; where it cannot be, each asking raises the error that says why.

    Attributes:
        as_read: The study as its file has it.
        manifest: The whole manifest.
        workspace: Where everything is kept.
        engine: Where the tasks of its stages run.
        manifest_path: Where the manifest lies.
        command: What the user typed.
        only: Names of the cells that are wanted; all where none is named.
        began: When the run began, as `time.perf_counter` has it.
        peak: The most memory that was used.
        lines: A line a stage.
        without_lungs: image_id -> why it is in no part, of films without a usable lung mask where a pipeline reads lungs.
        lungs_from: What masks are from (`LungMask.maker`) -> class -> films.
        drawn: What each trial draws.
        n_prepared: Prepared films that some trial wants.
        prepare_s: Seconds a prepared film.
        stores: Features of each frozen backbone.
        trials: Its trials.
    """

    as_read: Study
    manifest: Manifest
    workspace: Workspace
    engine: Engine
    manifest_path: Path = Path("manifest.csv")
    command: str = ""
    only: Sequence[str] = ()
    began: float = field(default_factory=time.perf_counter)
    peak: MemoryPeak = field(default_factory=MemoryPeak)
    lines: list[StageLine] = field(default_factory=list)
    without_lungs: Mapping[str, str] = field(default_factory=dict)
    lungs_from: dict[str, Counter[str]] = field(default_factory=dict)
    drawn: dict[TrialDraw, DrawnFilms] = field(default_factory=dict)
    n_prepared: int = field(init=False)
    prepare_s: float = field(init=False)
    stores: dict[FeaturesOf, FeatureStore] = field(default_factory=dict)
    trials: list[Trial] = field(init=False)

    @cached_property
    def labelled(self) -> Manifest:
        """The whole manifest, its labels merged as the study says."""
        return merged(self.as_read, self.manifest)

    @cached_property
    def study(self) -> Study:
        """The study with its classes as the manifest spells them."""
        return with_classes(self.as_read, self.labelled)

    @cached_property
    def planned(self) -> list[Recipe]:
        """What each cell of the study needs, before anything is known of its films."""
        return recipes(self.as_read)

    @cached_property
    def recipes(self) -> list[Recipe]:
        """The recipe of each cell that was asked for.

        Raises:
            InputError: There is no such cell, or as `hilum.workflow.plan.recipes`.
        """
        names = [r.cell.name for r in self.planned]
        for name in self.only:
            require_known(name, names, "the study has no cell")
        models = [r.cell.name for r in self.planned if r.cell.probe == NO_PROBE]
        if self.only and not set(models) & set(self.only):
            raise InputError(
                f"{self.only[0]} is a probe, which stands beside a model; name a cell of {', '.join(models)} too"
            )
        return [r for r in recipes(self.study) if not self.only or r.cell.name in self.only]

    @cached_property
    def chosen(self) -> Manifest:
        """The films that filters and one film a patient leave, of every class some.

        Raises:
            InputError: As `select`; a class without films.
        """
        study, data = self.study, self.study.data
        labels = labels_in(study, self.labelled)
        chosen = select(self.labelled, data.include, data.exclude, data.one_per_patient, study.seed, labels)
        require_films(study, chosen, self.labelled)
        return chosen

    @cached_property
    def films(self) -> Manifest:
        """The films that the study keeps.

        Raises:
            InputError: As `chosen`; a question that they cannot answer, or a source to leave out that is not there.
        """
        for wrong in wrong_choices(self.study, self.chosen):
            raise InputError(wrong)
        few, strata = self.study.data.subset, self.study.data.stratum_column
        return subset(self.chosen, few.films, self.study.seed, strata) if few else self.chosen

    @cached_property
    def duplicates_path(self) -> Path:
        """Where the copies among the films are, once they were looked for."""
        return at_hand(self.workspace.duplicates_of(self.films))

    @cached_property
    def draws(self) -> StudyDraws:
        """What the study draws; where copies are still to be looked for, by equal films alone, which is nearly the same."""
        known = self.study.data.near_duplicates and self.duplicates_path.is_file()
        copies = Duplicates.read(self.duplicates_path) if known else exact_duplicates(self.films)
        return StudyDraws(self.study, self.recipes, self.films, copies)

    def drawn_path(self, draw: TrialDraw) -> Path:
        """Where what a trial draws is written."""
        return drawn_path(self.folder, self.draws.folder_name(draw.drawing), draw.pipeline, draw.trial)

    @cached_property
    def lungs_by(self) -> Which:
        """The network that finds lungs where a source has no masks of its own.

        Raises:
            InputError: The file of its weights is not there, or is none.
            DigestError: It is another one.
        """
        table = self.study.lungs
        which = Which.named(table.model, table.convention)
        if table.sha256:
            require_digest("lungs' network", table.sha256, which.load().weights_sha256, "[lungs]")
        return which

    @cached_property
    def lungs_facts(self) -> Mapping[str, str]:
        """What a bundle says of that network, of which a file of weights is read once for it."""
        return self.lungs_by.facts

    @cached_property
    def reads_lungs(self) -> bool:
        """Whether a pipeline reads the lungs of films."""
        return any(r.pipeline.reads_lungs for r in self.recipes)

    @cached_property
    def only_probes_read_lungs(self) -> bool:
        """Whether lungs are read by probes and by no model of the study, which must then be of the films that it is of without them."""
        return not any(r.pipeline.reads_lungs for r in self.planned if r.cell.probe == NO_PROBE)

    def weights_of(self, which: FeaturesOf) -> Weights:
        """A backbone's weights.

        Raises:
            InputError: They are not here.
        """
        if backbone(which.backbone).precomputed:
            return weights_of_vectors(self.as_read, which.backbone)
        choice = "none" if which.random else self.as_read.weights.get(which.backbone, "imagenet")
        if isinstance(choice, WeightsTable):
            return find(backbone(which.backbone), choice.file, choice.sha256)
        return find(backbone(which.backbone), choice)

    @cached_property
    def weights(self) -> Mapping[FeaturesOf, Weights]:
        """Weights of each backbone that a cell has."""
        return {w: self.weights_of(w) for w in dict.fromkeys(r.features_of for r in self.recipes)}

    @cached_property
    def settled(self) -> Settled:
        """Device, precision and threads."""
        return self.workspace.settled(self.engine.device)

    @cached_property
    def prepared(self) -> PreparedStore:
        """Where the prepared films are."""
        return PreparedStore(self.workspace.prepared)

    @property
    def unprepared(self) -> list[Chunk]:
        """What is still to be done of the films' preparation."""
        chunks = self.draws.chunks
        return [chunks[k] for k in chunks.lacking(self.prepared)]

    @property
    def precision(self) -> Precision:
        """The precision in force."""
        p = self.study.features.precision
        return self.settled.precision if p == "auto" else p

    @property
    def batch(self) -> int:
        """Films a batch in force."""
        return self.study.features.batch or (16 if self.settled.device == "cpu" else 256)

    @cached_property
    def feature_engines(self) -> FeatureEngines:
        """What computes the features of each frozen backbone."""
        return feature_engines(self, self.study.features, self.recipes, len(self.films))

    @cached_property
    def folder(self) -> Path:
        """The run's folder, named by the digest of all that makes a difference."""
        loaded = {which.label: w.sha256 or "none" for which, w in self.weights.items()}
        of_study = {"study": self.study.digest, "films": self.films.digest, "weights": loaded}
        lungs = self.lungs_facts["model"] if self.reads_lungs else None
        rule = RULE if lungs and self.only_probes_read_lungs else None
        seen = {"lungs": lungs, "stand_in": rule, "gate": GATE, "engines": in_key(self.feature_engines)}
        if any(r.finetune is None and r.learns for r in self.recipes):
            seen["heads"] = GRADIENTS
        key = RUN.digest({**asdict(self.settled), **of_study, "hilum": __version__, **seen})
        folder = self.workspace.runs / f"{self.study.name}-{key[:12]}"
        brought(folder)
        return folder

    def set_machine(self) -> None:
        """Set this process as results need it."""
        exact_arithmetic()
        keep_memory()
        torch.set_num_threads(self.settled.threads)

    @contextmanager
    def stage(self, name: str) -> Iterator[StageLine]:
        """Time a stage, and note the most memory while it goes on."""
        line, start, self.peak.lately = StageLine(name), time.perf_counter(), 0
        yield line
        self.peak.look()  # of a short stage that nobody has seen
        line.seconds, line.peak_anonymous_bytes = time.perf_counter() - start, self.peak.lately
        self.lines.append(line)

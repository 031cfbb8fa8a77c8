"""A study on its way through the stages: what was settled before anything ran, and what each stage did."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from hilum import __version__
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.questions import check_questions
from hilum.artifacts.run_files import StageLine
from hilum.core.engine import Engine
from hilum.core.errors import InputError, nearest
from hilum.core.keys import ALWAYS, Key
from hilum.models.machine import exact_arithmetic, keep_memory
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM, Weights, find
from hilum.stages.split import select, subset
from hilum.study.file import Study
from hilum.study.tables import WeightsTable
from hilum.workflow.plan import Recipe
from hilum.workflow.workspace import Settled, Workspace

FeaturesOf = tuple[str, bool]
"""(backbone, random weights by a fault): what a feature store is for."""


RUN = Key(
    study=ALWAYS, films=ALWAYS, weights=ALWAYS, device=ALWAYS, name=ALWAYS, precision=ALWAYS, threads=ALWAYS, hilum=ALWAYS
)  # fmt: skip
"""What names a run's folder: study, films and weights by digest, what is settled for the machine, and hilum's version."""


@dataclass
class Run:
    """A study and everything that is settled for it.

    Attributes:
        study: The study.
        recipes: What each cell needs.
        manifest: The films that it uses.
        weights: Of each (backbone, random by a fault).
        workspace: Where everything is kept.
        settled: Device, precision, threads.
        engine: Where the tasks of its stages run.
        folder: The run's folder.
        lines: A line a stage.
    """

    study: Study
    recipes: Sequence[Recipe]
    manifest: Manifest
    weights: Mapping[FeaturesOf, Weights]
    workspace: Workspace
    settled: Settled
    engine: Engine
    folder: Path
    lines: list[StageLine] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[StageLine]:
        """Time a stage."""
        line = StageLine(name)
        start = time.perf_counter()
        yield line
        line.seconds = time.perf_counter() - start
        self.lines.append(line)

    @property
    def precision(self) -> str:
        """The precision in force."""
        p = self.study.features.precision
        return self.settled.precision if p == "auto" else p

    @property
    def batch(self) -> int:
        """Films a batch in force."""
        return self.study.features.batch or (16 if self.settled.device == "cpu" else 256)

    @property
    def trials(self) -> range:
        """The numbers of the trials."""
        return range(1, self.study.grid.trials + 1)


def choose_weights(study: Study, recipes: Sequence[Recipe]) -> dict[FeaturesOf, Weights]:
    """Find every backbone's weights before anything runs.

    Raises:
        InputError: Weights that are not here.
    """
    return {w: choose_weights_of(study, w) for w in dict.fromkeys(r.features_of for r in recipes)}


def choose_weights_of(study: Study, which: FeaturesOf) -> Weights:
    """Find one backbone's weights.

    Raises:
        InputError: They are not here.
    """
    name, random = which
    if random:
        return RANDOM
    choice = study.weights.get(name, "imagenet")
    if isinstance(choice, WeightsTable):
        return find(backbone(name), choice.file, choice.sha256)
    return find(backbone(name), choice)


def study_films(study: Study, manifest: Manifest) -> Manifest:
    """The films that the study's ``[data]`` keeps.

    Raises:
        InputError: A class without films, or a source to leave out that is not there.
    """
    chosen = chosen_films(study, manifest)
    for wrong in wrong_choices(study, chosen):
        raise InputError(wrong)
    return subset(chosen, study.data.subset.films, study.seed) if study.data.subset else chosen


def chosen_films(study: Study, manifest: Manifest) -> Manifest:
    """The films that filters and one film a patient leave, of every class some.

    Raises:
        InputError: As `select`; a class without films.
    """
    data = study.data
    chosen = select(manifest, data.include, data.exclude, data.one_per_patient, study.seed, data.classes)
    counts = chosen.count_by("label")
    for c in study.data.classes:
        if not counts.get(c):
            raise InputError(
                f"the study's class {c!r} has no film in the manifest (labels there: {', '.join(manifest.count_by('label'))}); "
                "correct data.classes, data.include or data.exclude"
            )
    return chosen


def wrong_choices(study: Study, chosen: Manifest) -> Iterator[str]:
    """What a study asks of its films that they do not have, a sentence each."""
    try:
        check_questions(study.model_dump(mode="json"), study.data.classes, study.data.positive, chosen)
    except InputError as e:
        yield str(e)
    sources = chosen.count_by("source")
    for source in study.grid.levels("source_left_out"):
        if source != "none" and source not in sources:
            yield (
                f"grid.sources_left_out names {source!r}, but the study's films come from {', '.join(sources)}; "
                f"{nearest(source, sources)}"
            )
    if study.data.subset:
        try:
            subset(chosen, study.data.subset.films, study.seed)
        except InputError as e:
            yield str(e)


def open_run(
    study: Study,
    recipes: Sequence[Recipe],
    manifest: Manifest,
    workspace: Workspace,
    engine: Engine,
    weights: Mapping[FeaturesOf, Weights],
) -> Run:
    """Settle what is to be settled and name the run's folder by the digest of all that makes a difference."""
    settled = workspace.settled(engine.device)
    exact_arithmetic()
    keep_memory()
    torch.set_num_threads(settled.threads)
    films = study_films(study, manifest)
    loaded = {f"{n}{' (random)' if r else ''}": w.sha256 or "none" for (n, r), w in weights.items()}
    key = RUN.digest(
        {
            **asdict(settled),
            "study": study.digest,
            "films": films.digest,
            "weights": loaded,
            "hilum": __version__,
        }
    )
    folder = workspace.runs / f"{study.name}-{key[:12]}"
    return Run(study, recipes, films, weights, workspace, settled, engine, folder)

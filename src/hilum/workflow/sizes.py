"""About how much a study writes: distinct prepared films, their features, its trials, their scores; from a sample of films, without a
pixel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from hilum.artifacts.drawn_films import HELD_OUT
from hilum.artifacts.places import DIGEST_BYTES
from hilum.augment.lungs import ALL_LUNG
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import canonical_json
from hilum.imaging.shape import SHAPE_LENGTH
from hilum.models.backbone import require_size
from hilum.models.cost import cost_of, head_cost
from hilum.models.registry import backbone
from hilum.workflow.plan import FeaturesOf, Recipe
from hilum.workflow.state import Run
from hilum.workflow.vectors import length_of

_DRAWN = 80
"""Films whose draws are looked at."""
_ROW_BYTES, _DRAWN_BYTES, _SCORE_BYTES = 340 + 2 * SHAPE_LENGTH + DIGEST_BYTES, 225, 210
"""Of a prepared film in its shard's list, with its shape; of a film in a trial's list of draws; of a film's line of predictions."""
_NOTES_BYTES, _GATE_BYTES = 10_000, 210_000
"""Of a trial's small files; of the gate that is put into its bundle once it is scored."""


@dataclass(frozen=True)
class Sizes:
    """What a study writes.

    Attributes:
        distinct: Backbone with its weights -> distinct prepared films that pass it; for ``None`` all of the study.
        prepared: Bytes of prepared films, and of the lists of what was drawn.
        features_of: Backbone with its weights -> bytes of its features.
        heads: Bytes of what trainings of heads leave; it is kept in the workspace and in the run's folder.
        networks: The same of whole networks.
        scores_of_heads: Bytes that scoring adds to trials with a head.
        scores_of_networks: The same of whole networks.
    """

    distinct: dict[FeaturesOf | None, int]
    prepared: int
    features_of: dict[FeaturesOf, int]
    heads: int
    networks: int
    scores_of_heads: int
    scores_of_networks: int

    @property
    def features(self) -> int:
        """Bytes of features, of all backbones."""
        return sum(self.features_of.values())

    @property
    def trials(self) -> int:
        """Bytes of trials, in the workspace and in the run's folder, with their scores."""
        return 2 * (self.heads + self.networks) + self.scores_of_heads + self.scores_of_networks

    @property
    def in_words(self) -> str:
        """The three sizes in MiB."""
        parts = {"prepared films": self.prepared, "features": self.features, "trials": self.trials}
        return ", ".join(f"{name} {n / 2**20:.0f} MiB" for name, n in parts.items())


def sizes_of(run: Run) -> Sizes:
    """Estimate what a study writes.

    Raises:
        InputError: A backbone does not take the films' size; as `Run.recipes`.
    """
    height, width = run.recipes[0].pipeline.output_size
    for name in {r.cell.backbone for r in run.recipes}:
        require_size(backbone(name), height, width)
    pipelines: dict[FeaturesOf | None, set[str]] = {None: {r.pipeline.name for r in run.recipes}}
    for r in run.recipes:
        if r.finetune is None:
            pipelines.setdefault(r.features_of, set()).add(r.pipeline.name)
    distinct = _distinct(run, pipelines)
    drawn = sum(len(films) for d in run.draws.trial_draws for films in run.draws.parts(d).values())
    frozen = [r for r in run.recipes if r.finetune is None and r.learns]
    whole = [r for r in run.recipes if r.finetune is not None and r.learns]
    return Sizes(
        distinct,
        distinct[None] * (height * width + _ROW_BYTES) + drawn * _DRAWN_BYTES,
        {w: n * _feature_bytes(run, w.backbone, height) for w, n in distinct.items() if w is not None},
        *(_trials(run, of, height) for of in (frozen, whole)),
        *(_scores(run, of) for of in (frozen, whole)),
    )


def _distinct(run: Run, groups: Mapping[FeaturesOf | None, Iterable[str]]) -> dict[FeaturesOf | None, int]:
    """Distinct prepared films of groups of pipelines: what is fixed in a pipeline, and what was drawn, tell films apart."""
    pipelines = {r.pipeline.name: r.pipeline for r in run.recipes}
    fixed = {name: canonical_json(_fixed_steps(p)) for name, p in pipelines.items()}
    ids = list(run.draws.wanted)
    sampled = ids[:: max(1, len(ids) // _DRAWN)]
    n: Counter[FeaturesOf | None] = Counter()
    for film in map(run.films.by_id.__getitem__, sampled):
        height, width = film.height_px or 299, film.width_px or 299
        made: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for w in run.draws.wanted[film.image_id]:
            drawn = pipelines[w.pipeline].draw(
                w.seed, film.pixels_sha256, w.copy, w.part, height, width, ALL_LUNG
            )
            made[w.pipeline].add((fixed[w.pipeline], canonical_json([[d["op"], d["drawn"]] for d in drawn])))
        for which, names in groups.items():
            n[which] += len(set[tuple[str, str]]().union(*(made[name] for name in names)))
    return {which: round(n[which] * len(ids) / max(len(sampled), 1)) for which in groups}


def _fixed_steps(pipeline: Pipeline) -> list[dict[str, Any]]:
    """What a pipeline does to every film; a step that repeats the fixed step before it, as a second resize to one size, changes nothing."""
    steps = [s.to_dict() for s in pipeline.steps if s.certain]
    return [s for k, s in enumerate(steps) if k == 0 or s != steps[k - 1] or s["op"] != "resize"]


def _feature_bytes(run: Run, name: str, side: int) -> int:
    """Of one film's features: maps in half precision, vectors in single."""
    if backbone(name).precomputed:
        return 4 * (length_of(run.study, name) or 1)
    shape = head_cost(name, side, len(run.study.data.classes), run.study.training.head).shape
    return prod(shape) * (2 if len(shape) == 3 else 4)


def _trials(run: Run, recipes: Sequence[Recipe], side: int) -> int:
    """What the trainings of some cells leave once, of all trials."""
    study, found = run.study, 0
    for r in recipes:
        name, n_classes = r.cell.backbone, len(study.data.classes)
        cost = cost_of(name, side, n_classes, r.finetune is not None, length_of(study, name), r.training.head)
        found += 4 * cost["parameters" if r.finetune is not None else "trained"] + _NOTES_BYTES
    return found * len(run.draws.trials)


def _scores(run: Run, recipes: Sequence[Recipe]) -> int:
    """What scoring adds to the trials of some cells."""
    found = 0
    for r in recipes:
        parts = run.draws.split(r.drawing, 1).parts
        found += _GATE_BYTES + _SCORE_BYTES * sum(len(parts[p]) for p in HELD_OUT)
    return found * len(run.draws.trials)

"""About how much a study writes: distinct prepared films, their features, its trials; from a sample of films, without a pixel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hilum.augment.lungs import ALL_LUNG
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import canonical_json
from hilum.models.backbone import require_size
from hilum.models.cost import cost_of
from hilum.models.registry import backbone
from hilum.workflow.plan import FeaturesOf, Recipe
from hilum.workflow.state import Run

_DRAWN = 200
"""Films whose draws are looked at."""
_STRIDE = 17
"""Pixels of a prepared film's side to a place of a spatial tap, nearly."""
_BYTES_A_HEAD = 600_000


@dataclass(frozen=True)
class Sizes:
    """What a study writes.

    Attributes:
        distinct: Backbone with its weights -> distinct prepared films that pass it; for ``None`` all of the study.
        prepared: Bytes of prepared films.
        features: Bytes of features.
        trials: Bytes of trials, which are kept in the workspace and in the run's folder.
    """

    distinct: dict[FeaturesOf | None, int]
    prepared: int
    features: int
    trials: int

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
    features = sum(n * _feature_bytes(w[0], height, width) for w, n in distinct.items() if w is not None)
    trials = 2 * len(run.draws.trials) * sum(_trial_bytes(run, r, height) for r in run.recipes)
    return Sizes(distinct, distinct[None] * height * width, features, trials)


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


def _feature_bytes(name: str, height: int, width: int) -> int:
    b = backbone(name)
    return 2 * b.channels * (height // _STRIDE) * (width // _STRIDE) if b.spatial else 4 * b.channels


def _trial_bytes(run: Run, recipe: Recipe, side: int) -> int:
    if recipe.finetune is None:
        return _BYTES_A_HEAD
    return 4 * cost_of(recipe.cell.backbone, side, len(run.study.data.classes), True)["parameters"]

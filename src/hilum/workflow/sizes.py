"""How much a study writes: distinct prepared films, their features, its trials. Estimated from a sample of films, without a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from hilum.augment.pipeline import Pipeline
from hilum.core.digests import canonical_json
from hilum.models.cost import cost_of
from hilum.models.registry import backbone
from hilum.workflow.asked import Asked
from hilum.workflow.plan import Recipe

_SAMPLED = 200
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

    distinct: dict[tuple[str, bool] | None, int]
    prepared: int
    features: int
    trials: int

    @property
    def in_words(self) -> str:
        """The three in MiB."""
        parts = {"prepared films": self.prepared, "features": self.features, "trials": self.trials}
        return ", ".join(f"{name} {n / 2**20:.0f} MiB" for name, n in parts.items())


def sizes_of(asked: Asked) -> Sizes:
    """Estimate what a study writes."""
    which = dict.fromkeys(r.features_of for r in asked.recipes if r.finetune is None)
    frozen = {w: [r for r in asked.recipes if r.finetune is None and r.features_of == w] for w in which}
    distinct: dict[tuple[str, bool] | None, int] = {None: _distinct(asked, asked.recipes)}
    shared: dict[tuple[str, ...], int] = {}
    for w, group in frozen.items():
        key = tuple(sorted({f"{r.pipeline.name}/{r.drawing.name}" for r in group}))
        if key not in shared:
            shared[key] = _distinct(asked, group)
        distinct[w] = shared[key]
    height, width = asked.recipes[0].pipeline.output_size
    features = sum(n * _feature_bytes(w[0], height, width) for w, n in distinct.items() if w is not None)
    trials = 2 * len(asked.trials) * sum(_trial_bytes(asked, r, height) for r in asked.recipes)
    return Sizes(distinct, distinct[None] * height * width, features, trials)


def _distinct(asked: Asked, group: list[Recipe]) -> int:
    """Distinct prepared films of some cells: what is fixed in a pipeline, and what was drawn, tell films apart."""
    pipelines = {r.pipeline.name: r.pipeline for r in group}
    fixed = {name: canonical_json(_fixed_steps(p)) for name, p in pipelines.items()}
    by_id = asked.films.by_id
    ids = list(asked.wanted)
    step = max(1, len(ids) // _SAMPLED)
    n_sampled = n_distinct = 0
    for image_id in islice(ids, 0, None, step):
        film, n_sampled = by_id[image_id], n_sampled + 1
        found = set()
        for w in asked.wanted[image_id]:
            if w.pipeline in pipelines:
                height, width = film.height_px or 299, film.width_px or 299
                drawn = pipelines[w.pipeline].draw(w.seed, film.pixels_sha256, w.copy, w.part, height, width)
                found.add((fixed[w.pipeline], canonical_json([[d["op"], d["drawn"]] for d in drawn])))
        n_distinct += len(found)
    return round(n_distinct * len(ids) / max(n_sampled, 1))


def _fixed_steps(pipeline: Pipeline) -> list[dict[str, Any]]:
    """The fixed steps of a pipeline; one that repeats the fixed step before it, as a second resize to one size, changes nothing."""
    steps = [s.to_dict() for s in pipeline.steps if s.fixed]
    return [s for k, s in enumerate(steps) if k == 0 or s != steps[k - 1] or s["op"] != "resize"]


def _feature_bytes(name: str, height: int, width: int) -> int:
    b = backbone(name)
    return 2 * b.channels * (height // _STRIDE) * (width // _STRIDE) if b.spatial else 4 * b.channels


def _trial_bytes(asked: Asked, recipe: Recipe, side: int) -> int:
    if recipe.finetune is None:
        return _BYTES_A_HEAD
    return 4 * cost_of(recipe.cell.backbone, side, len(asked.study.data.classes), True)["parameters"]

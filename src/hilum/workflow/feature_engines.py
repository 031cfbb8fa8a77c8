"""Which engine computes the features of a study's backbones: as the study names it, or as the workspace settled it.

``auto`` is torch for a study of fewer than `FEW` films, on a GPU, where the extra ``onnx`` is not installed, where the study names bf16 and
for a backbone that cannot be made a graph. Otherwise it is what was measured faster on this kind of machine, ONNX Runtime in fp32 or torch
in the precision in force, once a workspace and backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from hilum.core.errors import InputError
from hilum.models.backbone import Precision
from hilum.models.feature_engine import FeatureEngine, not_at_hand, onnx_engine
from hilum.models.registry import backbone
from hilum.study.tables import FeaturesTable
from hilum.workflow.plan import FeaturesOf, Recipe
from hilum.workflow.workspace import Settled, Workspace

FEW: Final = 2000
"""Films of a study below which its graphs take longer to make and to measure than they save; such a study has the same features with and
without the extra."""


class Circumstances(Protocol):
    """What a choice depends on besides the backbone; of a run its own."""

    @property
    def workspace(self) -> Workspace: ...
    @property
    def settled(self) -> Settled: ...
    @property
    def precision(self) -> Precision: ...


FeatureEngines = dict[FeaturesOf, FeatureEngine]
"""What computes the features of each frozen backbone."""


def feature_engines(
    run: Circumstances, asked: FeaturesTable, recipes: Sequence[Recipe], n_films: int
) -> FeatureEngines:
    """The engine of each frozen backbone of some recipes.

    Args:
        run: Its workspace and what is settled.
        asked: The study's ``[features]``.
        recipes: Of its cells.
        n_films: Of the study.

    Raises:
        InputError: ONNX Runtime is asked for and cannot be had.
    """
    first: dict[FeaturesOf, Recipe] = {}
    for r in recipes:
        if r.finetune is None and not backbone(r.cell.backbone).precomputed:
            first.setdefault(r.features_of, r)
    return {which: _engine(run, asked, r, n_films) for which, r in first.items()}


def in_key(engines: FeatureEngines) -> dict[str, list[str]]:
    """Engines as they stand in a run's key: those that are not torch."""
    return {which.label: part for which, e in engines.items() if (part := e.in_key)}


def _engine(run: Circumstances, asked: FeaturesTable, recipe: Recipe, n_films: int) -> FeatureEngine:
    if asked.engine == "torch":
        return FeatureEngine(why="asked for")
    wrong = cannot(asked, run.settled.device)
    if asked.engine != "auto":
        if wrong:
            raise InputError(f"features.engine {asked.engine!r}: {wrong}")
        return onnx_engine(asked.engine, "asked for")
    if wrong or n_films < FEW:
        return FeatureEngine(why=f"auto: {wrong or f'fewer than {FEW} films'}")
    b, size_px = backbone(recipe.cell.backbone), recipe.pipeline.output_size
    chosen, why = run.workspace.settled_engine(run.settled, b, run.precision, size_px)
    return onnx_engine("onnx", f"auto: {why}") if chosen == "onnx" else FeatureEngine(why=f"auto: {why}")


def cannot(asked: FeaturesTable, device: str) -> str:
    """Why ONNX Runtime cannot be taken; empty where it can."""
    if asked.precision == "bf16":
        return "ONNX Runtime computes in fp32 here, and the study names bf16"
    return not_at_hand(device)

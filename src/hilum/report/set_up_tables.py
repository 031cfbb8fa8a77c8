"""How the study was set up: its pipelines step by step, where each backbone's weights come from, and what its network costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hilum.artifacts.run import StartWeights
from hilum.artifacts.run_folder import RunFolder
from hilum.core.digests import SHORT
from hilum.report import numbers
from hilum.report.run_words import backbone_label
from hilum.report.table import Cell, Column, Table, text_cell

_PARTS = ("train", "valid", "test")


def pipeline_table(folder: RunFolder) -> Table | None:
    """A row a pipeline: version, gate, steps; None where the run does not record them."""
    pipelines = folder.record.pipelines
    if not pipelines:
        return None
    body = [
        [
            text_cell(name, strong=True),
            text_cell(str(p.get("version", ""))),
            text_cell(str(p.get("gate", "exact"))),
            text_cell(steps_words(p)),
        ]
        for name, p in pipelines.items()
    ]
    columns = [
        *(Column(c, numeric=False) for c in ("Pipeline", "Version", "Gate")),
        Column("Steps", numeric=False, prose=True),
    ]
    return Table(
        "pipelines",
        "Pipelines",
        "What each pipeline does to a film, in order.",
        columns,
        body,
        notes=(
            "p is the probability that a step acts on a film of the parts that stand behind the semicolon. percentage_area is "
            "Augmentor’s term and scales each side: 0.9 keeps 81 % of the area.",
        ),
        sortable=False,
    )


def steps_words(pipeline: Mapping[str, Any]) -> str:
    """The steps of a pipeline's table, in order."""
    return " → ".join(step_words(s) for s in pipeline.get("steps", ()))


def step_words(step: Mapping[str, Any]) -> str:
    """A step in a few words: its probability, its options, the parts whose films it may act on.

    >>> step_words({"op": "crop_centre", "probability": 0.1, "percentage_area": 0.9, "parts": ["train"]})
    'crop_centre (p 0.1, percentage_area 0.9; train only)'
    """
    options = {k: v for k, v in step.items() if k not in ("op", "parts", "probability")}
    words = [] if step.get("probability", 1.0) == 1.0 else [f"p {step['probability']:g}"]
    if {"width_px", "height_px"} <= set(options):
        words.append(f"{options.pop('width_px')} × {options.pop('height_px')} px")
    words += [f"{k} {v}" for k, v in options.items() if v is not False]
    parts = step.get("parts", _PARTS)
    where = "all parts" if set(parts) == set(_PARTS) else " and ".join(parts) + " only"
    return f"{step['op']} ({'; '.join([', '.join(words), where] if words else [where])})"


def _cost_cell(value: int | None) -> Cell:
    """A large count with three digits: 23.6 M, 5.15 G; whole where the pointer rests and in the csv."""
    if value is None:
        return Cell(numbers.NONE, None, quiet=True)
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return Cell(f"{value / size:.3g} {unit}", value, title=numbers.count(value))
    return Cell(str(value), value)


def weights_table(folder: RunFolder) -> Table:
    """A row a backbone: which weights, from where, and their digest."""
    costs = folder.record.costs
    counted = ("parameters", "trained", "multiply_adds") if costs else ()
    body = []
    for cell in {c.backbone: c for c in folder.cells}.values():
        start = folder.record.weights.get(cell.backbone, StartWeights())
        sha = start.sha256
        body.append(
            [
                text_cell(backbone_label(cell), strong=True),
                text_cell(cell.weights),
                text_cell(start.source or numbers.NONE),
                Cell(sha[:SHORT] if sha else numbers.NONE, sha, title=sha or ""),
                *(_cost_cell((costs.get(cell.backbone) or {}).get(name)) for name in counted),
            ]
        )
    columns = [
        Column(c, numeric=False, prose=c == "Source") for c in ("Backbone", "Weights", "Source", "sha256")
    ]
    hints = {
        "parameters": "weights and biases of backbone and head",
        "trained": "those that training moves; the head’s where the backbone is frozen",
        "multiply_adds": "of one film through backbone and head at the study’s size; convolutions and matrix products only",
    }
    columns += [
        Column(name.capitalize().replace("_", "-"), hint=hints[name], rule=name == "parameters")
        for name in counted
    ]
    return Table(
        "weights",
        "Weights",
        "Where the weights of each backbone come from" + (", and what its network costs." if costs else "."),
        columns,
        body,
        sortable=False,
    )

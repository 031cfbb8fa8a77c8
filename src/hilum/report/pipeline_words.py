"""A pipeline in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PARTS = ("train", "valid", "test")


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

"""What every trained model ends with, however it was trained: choices made on validation, and a trial's folder, whole or not there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header, write_json
from hilum.core.files import write_text, writing_folder
from hilum.stats.calibration import choose_threshold, fit_temperature
from hilum.training.loop import EpochRecord, lowest


def finished(
    template: Bundle,
    valid_logits: NDArray[np.float64],
    labels: NDArray[np.int64],
    rule: str,
    training: Mapping[str, Any],
) -> Bundle:
    """The bundle with what training found: its operating point and its temperature, both chosen on the validation films.

    Args:
        template: The bundle without them.
        valid_logits: Shape (n, n_classes).
        labels: Class indices, shape (n,).
        rule: How the operating point is chosen.
        training: What is added to the bundle's record of its training.
    """
    positive = template.classes.index(template.positive)
    scores = softmax(valid_logits, axis=1)[:, positive]
    point = choose_threshold(labels == positive, scores, rule)
    temperature = fit_temperature(valid_logits, labels)
    return replace(
        template,
        operating_point={"threshold": float(point.threshold), "rule": rule, "chosen_on": "valid", "n_films": len(labels)},
        calibration={"temperature": float(temperature.value), "chosen_on": "valid"},
        training={**template.training, **training},
    )  # fmt: skip


def history_lines(records: Sequence[EpochRecord], best_epoch: bool) -> list[dict[str, Any]]:
    """Lines of history.jsonl; where the epoch was chosen, that whose weights were kept is marked ``best``."""
    kept = lowest(records).epoch if best_epoch else None
    return [r.to_dict() | ({"best": True} if r.epoch == kept else {}) for r in records]


def write_trial(
    output: Path,
    bundle: Bundle,
    header: Header,
    state: Mapping[str, NDArray[Any]],
    history: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write a trial's folder beside its place and rename it: ``bundle/``, ``history.jsonl``, and a JSON file for each of `facts`."""
    with writing_folder(output) as part:
        bundle.write(part / "bundle", header, state)
        write_text(part / "history.jsonl", "".join(json.dumps(line) + "\n" for line in history))
        for name, value in facts.items():
            write_json(part / name, dict(value))

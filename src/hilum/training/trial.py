"""What every trained model ends with, however it was trained: choices made on validation, and a trial's folder, whole or not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.finding_labels import UNKNOWN
from hilum.artifacts.header import Header, write_json
from hilum.artifacts.history import EpochRecord, write_history
from hilum.artifacts.trial_files import TRAIN, TrainFacts
from hilum.core.files import writing_folder
from hilum.models.heads import two_logits
from hilum.stats.calibration import choose_threshold, fit_temperature
from hilum.study.several_findings import MULTILABEL
from hilum.training.regimen import Regimen, lowest
from hilum.training.task import TrainTask


@dataclass(frozen=True)
class Trained:
    """What a training leaves, before anything is chosen on validation.

    Attributes:
        template: The bundle, with what training found of the model.
        state: Trained weights: the head's, or the whole network's.
        valid_logits: Of the validation films, shape (n, n_classes).
        valid_labels: Their class indices, shape (n,); of several findings what is known of each, (n, n_findings).
        n_train: Training films.
        records: Of the epochs.
        seconds: That the training took.
    """

    template: Bundle
    state: Mapping[str, NDArray[Any]]
    valid_logits: NDArray[np.float64]
    valid_labels: NDArray[np.int64]
    n_train: int
    records: Sequence[EpochRecord]
    seconds: float


def conclude(task: TrainTask, regimen: Regimen, trained: Trained, facts: Mapping[str, Any]) -> None:
    """Choose on validation and write the trial's folder.

    Args:
        task: The task.
        regimen: How it was trained.
        trained: What came of it.
        facts: More JSON files of the trial: name -> value.
    """
    t, best_epoch, epochs = trained, task.training.best_epoch, len(trained.records)
    found = {
        "epochs_run": epochs,
        "kept_epoch": lowest(t.records).epoch if best_epoch else epochs,
        "n_train": t.n_train,
        "n_valid": len(t.valid_labels),
    }
    bundle = finished(
        t.template, t.valid_logits, t.valid_labels, task.threshold_rule, {**task.options, **found}
    )
    took = TrainFacts(round(t.seconds, 4), regimen.steps(t.n_train), epochs)
    records = marked(t.records, best_epoch)
    write_trial(task.output, bundle, task.header, t.state, records, {**facts, TRAIN: took})


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
        labels: Class indices, shape (n,); of several findings what is known of each, shape (n, n_findings).
        rule: How the operating point is chosen.
        training: What is added to the bundle's record of its training.
    """
    point: dict[str, Any]
    temperature: dict[str, Any]
    n_films: int | dict[str, int]
    if template.task == MULTILABEL:  # finding by finding, each on the films of which it is known
        known = {f: labels[:, k] != UNKNOWN for k, f in enumerate(template.classes)}
        chosen = {
            f: _chosen(two_logits(valid_logits[rows], k), labels[rows, k], 1, rule)
            for k, (f, rows) in enumerate(known.items())
        }
        point = {"thresholds": {f: threshold for f, (threshold, _) in chosen.items()}}
        temperature = {"temperatures": {f: value for f, (_, value) in chosen.items()}}
        n_films = {f: int(rows.sum()) for f, rows in known.items()}
    else:
        threshold, value = _chosen(valid_logits, labels, template.classes.index(template.positive), rule)
        point, temperature, n_films = {"threshold": threshold}, {"temperature": value}, len(labels)
    return replace(
        template,
        operating_point={**point, "rule": rule, "chosen_on": "valid", "n_films": n_films},
        calibration={**temperature, "chosen_on": "valid"},
        training={**template.training, **training},
    )


def _chosen(
    logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int, rule: str
) -> tuple[float, float]:
    """Threshold on the probability of the positive class, and temperature."""
    point = choose_threshold(labels == positive, softmax(logits, axis=1)[:, positive], rule)
    return float(point.threshold), float(fit_temperature(logits, labels).value)


def marked(records: Sequence[EpochRecord], best_epoch: bool) -> list[EpochRecord]:
    """The history; where the epoch was chosen, that whose weights were kept is marked as the best."""
    kept = lowest(records).epoch if best_epoch else None
    return [replace(r, best=r.epoch == kept) for r in records]


def write_trial(
    output: Path,
    bundle: Bundle,
    header: Header,
    state: Mapping[str, NDArray[Any]],
    history: Sequence[EpochRecord],
    facts: Mapping[str, Any],
) -> None:
    """Write a trial's folder beside its place and rename it: ``bundle/``, ``history.jsonl``, and a JSON file for each of `facts`."""
    with writing_folder(output) as part:
        bundle.write(part / "bundle", header, state)
        write_history(part, history)
        for name, value in facts.items():
            write_json(part / name, value)

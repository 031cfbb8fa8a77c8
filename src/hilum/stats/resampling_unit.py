"""What an interval resamples: the patient where it is known, else the confirmed duplicate group, else the film.

Its name stands in every row of statistics and comparisons.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hilum.artifacts.duplicates import joined
from hilum.artifacts.evaluation import MIXED_UNIT
from hilum.artifacts.predictions import Predictions


@dataclass(frozen=True)
class ResamplingUnit:
    """What an interval resamples.

    Attributes:
        name: ``patient``, ``duplicate group``, ``film`` or ``patient, else duplicate group, else film``.
        labels: n labels; films with one label are drawn together.
        counts: How many units of each kind.
    """

    name: str
    labels: tuple[str, ...]
    counts: Mapping[str, int]


def resampling_unit(predictions: Predictions) -> ResamplingUnit:
    """The unit of these films: the patient, else the confirmed duplicate group, else the film.

    A group (which never divides a patient) is the label wherever there is one, so that copies stay together
    even where some films have a patient id and some have not.
    """
    labels: list[str] = []
    kinds: dict[str, str] = {}
    sizes = Counter(g for g in predictions.groups if g)
    for image_id, patient, group in zip(
        predictions.image_ids, predictions.patient_ids, predictions.groups, strict=True
    ):
        label = f"group {group}" if group else f"patient {patient}" if patient else f"film {image_id}"
        labels.append(label)
        kind = "patient" if patient else "duplicate group" if sizes[group] > 1 else "film"
        # a group with any patient id is counted as a patient's
        kinds[label] = "patient" if "patient" in (kind, kinds.get(label)) else kind
    counts = Counter(kinds.values())
    if set(counts) == {"patient"}:
        name = "patient"
    elif not counts["patient"]:
        name = "duplicate group" if counts["duplicate group"] else "film"
    else:
        name = MIXED_UNIT
    ordered = {k: counts[k] for k in ("patient", "duplicate group", "film") if counts[k]}
    return ResamplingUnit(name, tuple(labels), ordered)


def joined_labels(units: Sequence[tuple[Sequence[str], Sequence[str]]]) -> list[tuple[str, ...]]:
    """Labels that agree between runs: units of different runs that share a film become one.

    Two runs may have named the groups of the same films in two ways; resamples of both are paired only where a film has one label.

    Args:
        units: For each set of predictions its image ids and its labels.

    Returns:
        New labels, in the same order.

    >>> joined_labels([(["a", "b"], ["x", "x"]), (["b", "c"], ["y", "z"])])
    [('0:x', '0:x'), ('0:x', '1:z')]
    """
    named = [[f"{k}:{label}" for label in labels] for k, (_, labels) in enumerate(units)]
    of_film: dict[str, list[str]] = defaultdict(list)
    for (ids, _), labels in zip(units, named, strict=True):
        for image_id, label in zip(ids, labels, strict=True):
            of_film[image_id].append(label)
    first_of = {label: names[0] for names in joined(of_film.values()) for label in names}
    return [tuple(first_of[label] for label in labels) for labels in named]

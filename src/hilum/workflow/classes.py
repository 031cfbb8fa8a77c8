"""A study's classes, as the manifest spells them: what the study leaves out is filled in before anything is keyed by it.

Convention: a study that says ``COVID`` of a manifest that says ``covid`` is the same study, so names take the manifest's spelling and
both have one digest. This goes for classes, the positive one, sampling, one film a patient, class weights, and every value of a filter of
films.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hilum.artifacts.manifest import Manifest
from hilum.core.errors import InputError, nearest
from hilum.core.names import spelled
from hilum.stages.split import select
from hilum.study.classes import positive_class
from hilum.study.file import Study, check_consistent
from hilum.study.losses import CrossEntropy, Loss
from hilum.study.tables import ContrastTable, SubgroupTable

Filters = list[dict[str, list[str]]]


def with_classes(study: Study, manifest: Manifest) -> Study:
    """The study with its classes named as the manifest names them; those that it leaves out are the labels of its films.

    Raises:
        InputError: A class that no film has (with the nearest), one class only, or no positive class where none is understood.
    """
    include, exclude = _filters(study.data.include, manifest), _filters(study.data.exclude, manifest)
    labels = [label for label in manifest.count_by("label") if label]
    classes = [_known(c, labels) for c in study.data.classes]
    if not classes:
        chosen = select(manifest, include, exclude, seed=study.seed)
        classes = [label for label in chosen.count_by("label") if label]
        if len(classes) < 2:
            raise InputError(
                f"the study's films are all of one class, {', '.join(map(repr, classes)) or 'none'} (labels of the manifest: "
                f"{', '.join(labels)}); correct data.include or data.exclude"
            )
    named = study.model_copy(update={"data": study.data.model_copy(update={"classes": classes})})
    check_consistent(named, study.name)

    def as_class(name: str) -> str:
        return spelled(name, classes) or name

    data = {
        "include": include,
        "exclude": exclude,
        "positive": positive_class(study.data.positive or None, classes, study.name, "data.positive"),
        "one_per_patient": [as_class(c) for c in study.data.one_per_patient],
    }
    return named.model_copy(
        update={
            "data": named.data.model_copy(update=data),
            "contrast": [_contrast(c, manifest) for c in study.contrast],
            "subgroup": [_subgroup(g, manifest) for g in study.subgroup],
            "sampling": {as_class(c): n for c, n in study.sampling.items()},
            "loss": {name: _weighed(loss, classes) for name, loss in study.loss.items()},
        }
    )


def _known(name: str, labels: Iterable[str]) -> str:
    found = spelled(name, labels)
    if found is None:
        words = sorted(labels)
        raise InputError(
            f"the study's class {name!r} has no film in the manifest (labels there: {', '.join(words)}); {nearest(name, words)} "
            "Correct data.classes"
        )
    return found


def _filters(filters: Iterable[Mapping[str, list[str]]], manifest: Manifest) -> Filters:
    """Filters with the manifest's spelling; what fits nothing is left for `select` to refuse."""
    counts: dict[str, list[str]] = {}
    found: Filters = []
    for table in filters:
        same: dict[str, list[str]] = {}
        for column, values in table.items():
            if column not in counts:
                counts[column] = list(manifest.count_by(column))
            same[column] = [spelled(v, counts[column]) or v for v in values]
        found.append(same)
    return found


def _contrast(table: ContrastTable, manifest: Manifest) -> ContrastTable:
    positive = None if table.positive is None else _filters([table.positive], manifest)[0]
    return table.model_copy(
        update={"positive": positive, "negative": _filters([table.negative], manifest)[0]}
    )


def _subgroup(table: SubgroupTable, manifest: Manifest) -> SubgroupTable:
    return (
        table
        if table.films is None
        else table.model_copy(update={"films": _filters([table.films], manifest)[0]})
    )


def _weighed(loss: Loss, classes: Iterable[str]) -> Loss:
    key = "class_weights" if isinstance(loss, CrossEntropy) else "alpha"
    weights = getattr(loss, key)
    if not isinstance(weights, dict):
        return loss
    return loss.model_copy(update={key: {spelled(c, classes) or c: w for c, w in weights.items()}})

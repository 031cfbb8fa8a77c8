"""A study's classes, as the manifest spells them: what the study leaves out is filled in before anything is keyed by it.

Convention: a study that says ``COVID`` of a manifest that says ``covid`` is the same study, so names take the manifest's spelling and
both have one digest. This goes for classes, the positive one, sampling, one film a patient, class weights, and every value of a filter of
films. Where a study merges labels, its films have the merged ones from here on, in every filter too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from hilum.artifacts.manifest import Manifest
from hilum.core.errors import InputError, nearest
from hilum.core.names import spelled
from hilum.sources.film_findings import text_of
from hilum.stages.split import select
from hilum.study.classes import EVERY_OTHER, merged_labels, positive_class
from hilum.study.file import Study, check_consistent
from hilum.study.findings_checks import is_multilabel
from hilum.study.losses import CrossEntropy, Loss
from hilum.workflow.findings import findings_asked, relabelled_by

Filter = Mapping[str, list[str]]


def merged(study: Study, manifest: Manifest) -> Manifest:
    """The films with their labels as ``data.merge`` has them, the same manifest where it has none; of a multilabel study with what is
    known of their findings (`hilum.workflow.findings`).

    Raises:
        InputError: A label is merged that no film has (with the nearest), or a finding is named that none has a column for.
    """
    if is_multilabel(study):
        given = relabelled_by(
            manifest, lambda film: film.label
        )  # so that filters may name what the label was
        findings, uncertain = _findings(study, given), study.data.uncertain
        return relabelled_by(given, lambda film: text_of(film, findings, uncertain))
    merge, labels = study.data.merge, [label for label in manifest.count_by("label") if label]
    for into, names in merge.items():
        for name in names:
            if name != EVERY_OTHER and spelled(name, labels) is None:
                raise InputError(
                    f"data.merge.{into}: no film has the label {name!r}; {nearest(name, labels)}"
                )
    return relabelled(manifest, merged_labels(merge, labels, study.data.classes)) if merge else manifest


def relabelled(manifest: Manifest, class_of: Mapping[str, str]) -> Manifest:
    """The films with each label replaced by its class, where it has one; what the label was stays as an attribute of every film."""
    return relabelled_by(manifest, lambda film: class_of.get(film.label, film.label))


def labels_in(study: Study, labelled: Manifest) -> list[str]:
    """The labels of films that are in a study: its classes, or whatever is known of findings.

    Args:
        study: With its classes (`with_classes`).
        labelled: The films of `merged`.
    """
    if is_multilabel(study):
        return [label for label in labelled.count_by("label") if label]
    return study.data.classes


def require_films(study: Study, chosen: Manifest, labelled: Manifest) -> None:
    """Refuse a class of the study that no chosen film has; films of each finding are asked for part by part.

    Raises:
        InputError: There is one.
    """
    counts = chosen.count_by("label")
    for c in () if is_multilabel(study) else study.data.classes:
        if not counts.get(c):
            raise InputError(
                f"the study's class {c!r} has no film in the manifest (labels there: "
                f"{', '.join(labelled.count_by('label'))}); correct data.classes, data.include or data.exclude"
            )


def with_classes(study: Study, manifest: Manifest) -> Study:
    """The study with its classes named as the manifest names them; those that it leaves out are the labels of its films.

    Raises:
        InputError: A class that no film has (with the nearest), one class only, or no positive class where none is understood.
    """
    values_of = cache(lambda column: list(manifest.count_by(column)))

    def respelled(table: Filter) -> dict[str, list[str]]:
        """A filter; what fits nothing is left for `select` to refuse."""
        return {c: [spelled(v, values_of(c)) or v for v in values] for c, values in table.items()}

    data = study.data
    include, exclude = ([respelled(t) for t in tables] for tables in (data.include, data.exclude))
    several = is_multilabel(study)
    classes = _findings(study, manifest) if several else _classes(study, manifest, include, exclude)
    findings = {"findings": classes} if several else {}
    named = study.model_copy(update={"data": data.model_copy(update={"classes": classes, **findings})})
    check_consistent(named, study.name)

    def as_class(name: str) -> str:
        return spelled(name, classes) or name

    def weighed(loss: Loss) -> Loss:
        key = "class_weights" if isinstance(loss, CrossEntropy) else "alpha"
        weights = getattr(loss, key)
        if not isinstance(weights, dict):
            return loss
        return loss.model_copy(update={key: {as_class(c): w for c, w in weights.items()}})

    of_data = {
        "include": include,
        "exclude": exclude,
        "positive": ""
        if several
        else positive_class(data.positive or None, classes, study.name, "data.positive"),
        "one_per_patient": [as_class(c) for c in data.one_per_patient],
    }
    return named.model_copy(
        update={
            "data": named.data.model_copy(update=of_data),
            "contrast": [
                c.model_copy(
                    update={
                        "positive": c.positive and respelled(c.positive),
                        "negative": respelled(c.negative),
                    }
                )
                for c in study.contrast
            ],
            "subgroup": [
                g.model_copy(update={"films": g.films and respelled(g.films)}) for g in study.subgroup
            ],
            "sampling": {as_class(c): n for c, n in study.sampling.items()},
            "loss": {name: weighed(loss) for name, loss in study.loss.items()},
        }
    )


def _findings(study: Study, manifest: Manifest) -> list[str]:
    """The findings of a multilabel study: of those films that its filters leave."""
    data = study.data
    chosen = select(manifest, data.include, data.exclude, seed=study.seed) if not data.findings else manifest
    return findings_asked(data.findings, chosen, data.uncertain)[0]


def _classes(
    study: Study, manifest: Manifest, include: Sequence[Filter], exclude: Sequence[Filter]
) -> list[str]:
    labels = [label for label in manifest.count_by("label") if label]
    if not study.data.classes:
        chosen = select(manifest, include, exclude, seed=study.seed)
        classes = [label for label in chosen.count_by("label") if label]
        if len(classes) < 2:
            raise InputError(
                f"the study's films are all of one class, {', '.join(map(repr, classes)) or 'none'} (labels of the manifest: "
                f"{', '.join(labels)}); correct data.include or data.exclude"
            )
        return classes
    found = {c: spelled(c, labels) for c in study.data.classes}
    for name, known in found.items():
        if known is None:
            raise InputError(
                f"the study's class {name!r} has no film in the manifest (labels there: {', '.join(sorted(labels))}); "
                f"{nearest(name, labels)} Correct data.classes"
            )
    return [known for known in found.values() if known is not None]

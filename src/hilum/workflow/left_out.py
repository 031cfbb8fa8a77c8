"""A study with each source of its films left out in turn, and what that costs as a family of comparisons: ``--leave-one-source-out``."""

from __future__ import annotations

import sys
from collections import defaultdict

from hilum.artifacts.comparisons import LEFT_OUT_FAMILY
from hilum.artifacts.manifest import Manifest
from hilum.core.errors import InputError
from hilum.stages.split import select, subset
from hilum.study.file import Study
from hilum.study.findings_checks import is_multilabel
from hilum.study.tables import FamilyTable
from hilum.workflow.classes import merged, with_classes

METRICS = ("sensitivity", "specificity", "roc_auc")
"""Those that are undefined, and say so, where a source lacks one side of the question."""


def each_source_left_out(study: Study, manifest: Manifest) -> Study:
    """The study whose grid leaves out each source besides none, where the others have films of every class; a source without which they
    have not is said, and stays.

    Raises:
        InputError: The study is of several findings; there is no such source; or as `with_classes`, `select` and `subset`.
    """
    if is_multilabel(study):
        raise InputError(
            "--leave-one-source-out asks for films of every class of one source; with data.task = 'multilabel' name the sources in "
            "grid.sources_left_out"
        )
    whole = merged(study, manifest)
    named = with_classes(study, whole)
    data = named.data
    films = select(whole, data.include, data.exclude, data.one_per_patient, study.seed, data.classes)
    if data.subset:
        films = subset(films, data.subset.films, study.seed, data.stratum_column)
    of_class: dict[str, set[str]] = defaultdict(set)
    for f in films.films:
        of_class[f.label].add(f.source)
    alone = {s: [c for c in data.classes if of_class[c] == {s}] for s in films.count_by("source")}
    for source, classes in alone.items():
        if classes:
            print(f"note: {not_left_out(source, classes)}", file=sys.stderr, flush=True)
    kept = [s for s, classes in alone.items() if not classes]
    if not kept:
        raise InputError(
            f"--leave-one-source-out: no source of {', '.join(alone)} can be left out: {'; '.join(not_left_out(*a) for a in alone.items())}"
        )
    family = FamilyTable(
        name=LEFT_OUT_FAMILY, factor="source_left_out", reference="none", metrics=list(METRICS)
    )
    grid = study.grid.model_copy(update={"sources_left_out": ["none", *kept]})
    others = [f for f in study.compare if f.name != LEFT_OUT_FAMILY]
    return study.model_copy(update={"grid": grid, "compare": [*others, family]})


def not_left_out(source: str, classes: list[str]) -> str:
    """Why a source stays.

    >>> not_left_out("clinic", ["tb"])
    "source 'clinic' is not left out: every film of class 'tb' comes from it"
    """
    return f"source {source!r} is not left out: every film of class {' and of '.join(map(repr, classes))} comes from it"

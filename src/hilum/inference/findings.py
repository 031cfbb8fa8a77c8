"""A model of several findings, taken apart: the bundle of one finding, and what a decision is called.

Convention: the bundle of a finding has two classes, the finding and its absence, and gives each film the probability that the whole model
gives the finding, but for rounding. Whatever takes a model of classes takes it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.bundle import ONE_OF, WHOLE, Bundle, bundle_version
from hilum.artifacts.finding_labels import NOTHING, without
from hilum.artifacts.header import Header
from hilum.core.digests import digest
from hilum.inference.predictor import Scored
from hilum.models.heads import of_one_output
from hilum.study.several_findings import MULTILABEL, ONE_CLASS


def bundle_of_finding(bundle: Bundle, finding: str) -> Bundle:
    """The bundle of one finding of a bundle of several, without sets and gate, which are chosen for it by itself."""
    point, scale = bundle.operating_point, bundle.calibration
    n_films = point.get("n_films", {}).get(finding)
    return replace(
        bundle,
        classes=(without(finding), finding),
        positive=finding,
        operating_point={
            "threshold": point["thresholds"][finding], "rule": point.get("rule"), "chosen_on": point.get("chosen_on"), "n_films": n_films,
        },
        calibration={"temperature": scale["temperatures"][finding], "chosen_on": scale.get("chosen_on")},
        training={**bundle.training, "one_of": list(bundle.classes)},
        conformal={},
        gate={},
        task=ONE_CLASS,
    )  # fmt: skip


def write_of_finding(whole: Path, finding: str, folder: Path) -> tuple[Bundle, Header]:
    """Write the bundle of one finding with its weights; gives it and its header.

    Args:
        whole: Folder of the bundle of several findings.
        finding: One of them.
        folder: Where it goes.
    """
    bundle, header, state = Bundle.read(whole)
    version, alone = bundle_version(whole), bundle_of_finding(bundle, finding)
    own = replace(header, inputs={WHOLE: version, ONE_OF: digest([version, finding])})
    alone.write(folder, own, of_one_output(state, bundle.classes.index(finding)))
    return alone, own


def decision_text(bundle: Bundle, positive: NDArray[Any]) -> str:
    """What a film is called, in predictions.csv: ``1`` or ``0``; of several findings those that reach their thresholds, joined by ``|``."""
    if bundle.task != MULTILABEL:
        return str(int(positive))
    return "|".join(f for f, p in zip(bundle.classes, positive, strict=True) if p) or NOTHING


def decision_of(bundle: Bundle, scored: Scored) -> str:
    """What a film that was scored is called; empty without scores."""
    if scored.probabilities is None:
        return ""
    return decision_text(bundle, np.array(scored.present or scored.positive))

"""The methods of explanation and the checks of their heat maps, one entry each, as data: what a study file names and pages say of them.

What computes an entry is named as ``module:function`` and imported when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hilum.core.errors import InputError, require_known


@dataclass(frozen=True)
class Method:
    """A method of explanation.

    Attributes:
        title: For headings.
        words: What its map shows, in a sentence.
        paper: Where it is from.
        compute: The function from (model, film (1, 1, h, w), class number, seed, options) to the map, (h, w) or coarser (1, 1, h', w').
        signed: Whether its map has negative values: what speaks against the class.
        complete: Whether it promises that the map adds up to the difference of the class's logit between film and baseline.
        options: Its options, each with its default.
    """

    title: str
    words: str
    paper: str
    compute: str
    signed: bool = False
    complete: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


METHODS: dict[str, Method] = {
    "grad-cam": Method(
        "Grad-CAM",
        "Where the network's last map holds what speaks for the class: each channel weighed by its mean gradient; coarse.",
        "Selvaraju et al. 2017, ICCV, arXiv:1610.02391",
        "hilum.explain.gradients:grad_cam",
    ),
    "layer-cam": Method(
        "LayerCAM",
        "The same, with a weight for each place of each channel: only places that speak for the class count.",
        "Jiang et al. 2021, IEEE Trans. Image Process. 30:5875",
        "hilum.explain.gradients:layer_cam",
    ),
    "integrated-gradients": Method(
        "Integrated gradients",
        "How much each pixel adds to or takes from the class's logit on the way from a blank film to this one.",
        "Sundararajan et al. 2017, ICML, arXiv:1703.01365",
        "hilum.explain.gradients:integrated_gradients",
        signed=True,
        complete=True,
        options={"baseline": "mean", "steps": 50, "batch": 10},
    ),
    "occlusion": Method(
        "Occlusion",
        "How far the class's logit falls when a window is covered, averaged over the windows that cover a pixel.",
        "Zeiler & Fergus 2014, ECCV, arXiv:1311.2901",
        "hilum.explain.perturbed:occlusion",
        signed=True,
        options={"baseline": "mean", "window_px": 24, "stride_px": 16, "batch": 16},
    ),
    "lime": Method(
        "LIME",
        "How much each patch of like pixels (SLIC) adds to the class's logit, by a linear model of films with patches covered.",
        "Ribeiro et al. 2016, KDD, arXiv:1602.04938",
        "hilum.explain.perturbed:lime",
        signed=True,
        options={"baseline": "mean", "patches": 50, "samples": 300, "batch": 16},
    ),
    "rise": Method(
        "RISE",
        "The mean of random soft masks, each weighed by the class's probability of the film seen through it.",
        "Petsiuk et al. 2018, BMVC, arXiv:1806.07421",
        "hilum.explain.perturbed:rise",
        options={"masks": 500, "cells": 7, "kept": 0.5, "batch": 16},
    ),
}
"""Name -> method."""


def settled(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """A method's options, with the defaults of those that are not given.

    Raises:
        InputError: No such method or option, or a value of another kind; names the nearest.

    >>> settled("occlusion", {"stride_px": 8})
    {'baseline': 'mean', 'window_px': 24, 'stride_px': 8, 'batch': 16}
    """
    require_known(method, METHODS, "unknown method of explanation")
    known = METHODS[method].options
    for name, value in options.items():
        require_known(name, known, "unknown option", f" of {method}")
        default = known[name]
        right = isinstance(value, int | float) if isinstance(default, float) else type(value) is type(default)
        if not right or not (isinstance(value, str) or value > 0):
            kind = type(default).__name__
            wanted = "a name" if kind == "str" else f"{kind} above 0"
            raise InputError(f"option {name!r} of {method}: expected {wanted}, got {value!r}")
    return {**known, **options}


@dataclass(frozen=True)
class Check:
    """A check of a heat map.

    Attributes:
        title: For tables.
        words: What is done.
        run: The function from `hilum.explain.checks.Asked` to a `MapCheck`, or None where the check does not apply to the map.
        required: Whether a map that fails it shows nothing of the model. The other checks are of the model, or of both: where the mass of a
            faithful map lies says what the model looks at.
    """

    title: str
    words: str
    run: str
    required: bool = False


CHECKS: dict[str, Check] = {
    "randomised": Check(
        "Randomised weights",
        "The weights of the network's later half are shuffled: a map of the model must change (Adebayo et al. 2018, arXiv:1810.03292).",
        "hilum.explain.faithful:randomised", required=True,
    ),
    "deletion-insertion": Check(
        "Deletion and insertion",
        "What the map marks is removed first, and shown first: the areas under the probability must be farther apart than with the map "
        "moved at random (Petsiuk et al. 2018, arXiv:1806.07421).",
        "hilum.explain.faithful:deletion_insertion", required=True,
    ),
    "stability": Check(
        "Stability", "The film is moved by a few pixels and the map moved back: it must be much the same.",
        "hilum.explain.faithful:stability", required=True,
    ),
    "completeness": Check(
        "Completeness",
        "The map must add up to the difference of the class's logit between film and baseline (Sundararajan et al. 2017).",
        "hilum.explain.faithful:completeness", required=True,
    ),
    "lungs": Check(
        "In the lungs", "How much of what speaks for the class lies in the lungs.", "hilum.explain.places:in_lungs"
    ),
    "border": Check(
        "On the border", "How much of what speaks for the class lies in the outer tenth of the film.", "hilum.explain.places:on_border"
    ),
    "pointing": Check(
        "Pointing game", "Whether the map's highest pixel lies in the sign (Zhang et al. 2018, Int. J. Comput. Vis. 126:1084).",
        "hilum.explain.places:pointing",
    ),
    "mass": Check(
        "Mass in the sign",
        "How much of what speaks for the class lies in the sign (relevance mass accuracy; Arras et al. 2022, Inf. Fusion 81:14).",
        "hilum.explain.places:mass",
    ),
    "overlap": Check(
        "Overlap with the sign", "Intersection over union of the sign and as many of the map's highest pixels.",
        "hilum.explain.places:overlap",
    ),
}  # fmt: skip
"""Name -> check, in the order of tables."""

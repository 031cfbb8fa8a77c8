"""Quality flags: what is odd about a film, by its pixels alone, for a person to look at. None of them leaves a film out.

A flag is one entry of `FLAGS`: a score and the threshold from which on the film is named. ``rates.json`` has how often each is wrong on
films with a known answer (``benchmarks/quality.py``); whoever shows a flag shows these beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.digests import digest
from hilum.imaging.blank import nearly_blank
from hilum.imaging.quality.kinds import MODEL, kind_scores
from hilum.imaging.quality.marks import border_share, clipped_share, painted_letters


@dataclass(frozen=True)
class Flag:
    """A quality flag.

    Attributes:
        code: Its name, and that of its caution.
        sees: What the score is, in words.
        threshold: The score from which on a film is named.
        score: Of a film; None where the model of kinds gives it.
    """

    code: str
    sees: str
    threshold: float
    score: Callable[[NDArray[np.uint8]], float] | None = None


_OF_KINDS = "probability of no frontal film, where this is likeliest instead (linear model)"
FLAGS = (
    Flag("nearly-blank", "1 where 999 of 1000 pixels lie within an eighth of the greys", 1.0, lambda film: float(bool(nearly_blank(film)))),
    Flag("inverted", _OF_KINDS, 0.7),
    Flag("lateral", _OF_KINDS, 0.7),
    Flag("ct-slice", _OF_KINDS, 0.7),
    Flag("photograph", _OF_KINDS, 0.7),
    Flag("not-a-chest-film", _OF_KINDS, 0.7),
    Flag("burned-in-text", "letters in the longest line of crisp light or dark marks", 5.0, painted_letters),
    Flag("wide-border", "share of the picture that is a border of one grey", 0.2, border_share),
    Flag("clipped-exposure", "share of the film at its lightest grey, or of its middle at its darkest", 0.2, clipped_share),
)  # fmt: skip
"""In the order in which they are shown."""


def scores(film: NDArray[np.uint8]) -> dict[str, float]:
    """Flag -> score of a film, uint8 (height, width)."""
    kinds = kind_scores(film)
    return {f.code: f.score(film) if f.score else kinds[f.code] for f in FLAGS}


def flags(film: NDArray[np.uint8]) -> dict[str, float]:
    """The flags that a film has, with their scores."""
    found = scores(film)
    return {f.code: round(found[f.code], 4) for f in FLAGS if found[f.code] >= f.threshold}


@cache
def rules_digest() -> str:
    """Digest of what decides which films have a flag: thresholds, and the model of kinds."""
    return digest([[[f.code, f.threshold] for f in FLAGS], MODEL.read_text("utf-8")])


@cache
def rates() -> Mapping[str, Any]:
    """Flag -> what was measured, as [films, of], by sort or source: ``missed`` of those that have it; for kinds of pictures
    ``false_alarms`` among frontal films, and ``of_an_unseen_source``; for what is done to films ``named``: they may have it.
    """
    value: dict[str, Any] = json.loads(Path(__file__).with_name("rates.json").read_text("utf-8"))
    return value


def pooled(by: Mapping[str, Sequence[int]]) -> tuple[int, int]:
    """[films, of] of all sorts or sources together, each film alike.

    >>> pooled({"a": (1, 10), "b": (0, 30)})
    (1, 40)
    """
    return sum(v[0] for v in by.values()), sum(v[1] for v in by.values())

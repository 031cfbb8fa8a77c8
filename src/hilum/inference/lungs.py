"""The lungs' network that a bundle's preparation needs: the one that its study had, by digest, or none."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import require_digest
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import InputError
from hilum.segment.segmenter import Segmenter

SHIPPED = "shipped"
"""What a study or a bundle calls the network that comes with hilum."""
NO_LUNGS = "no usable lung mask"
"""How the reason begins why a film has no scores whose lungs were not found."""


def segmenter_named(weights: str, convention: str) -> Segmenter:
    """The network that a study or a bundle names: ``shipped``, or a file of weights; and the convention of its masks.

    Raises:
        InputError: The file is not there, or is none.
    """
    if weights == SHIPPED:
        return Segmenter.shipped(convention)
    return Segmenter.read(Path(weights), convention)


def segmenter_of(bundle: Bundle, pipeline: Pipeline, folder: Path) -> Segmenter | None:
    """The network that finds the lungs that every film's preparation reads; None where it reads none.

    Args:
        bundle: Its ``lungs``: ``model``, digest of the network with its convention; ``convention``; ``weights``, ``shipped`` or a file.
        pipeline: The bundle's.
        folder: Of the bundle, for messages.

    Raises:
        InputError: The bundle does not say which network, or its file is not there.
        DigestError: The network here is another one.
    """
    if not pipeline.predicts_with_lungs:
        return None
    lungs = bundle.lungs
    if not lungs:
        raise InputError(
            f"{folder}: its preparation reads lungs, but bundle.json does not say which network finds them; train it again"
        )
    found = segmenter_named(lungs["weights"], lungs["convention"])
    require_digest("lungs' network", lungs["model"], found.digest, folder)
    return found

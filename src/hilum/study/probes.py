"""Probes: cells that stand beside a model to show how much of its score is reached without disease.

A probe has its model's backbone, split, trials, schedule, loss and metrics; what it sees of the films, or what it learns them by, is
another. `hilum.workflow.plan` puts it in the cell's recipe; what is done to its films stands in `hilum.augment.probe_steps`. To add one: an
entry in `PROBES`, and its steps there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

NO_PROBE = "none"
"""Level of a cell that is a model."""
LABELS_SHUFFLED = "labels-shuffled"
SOURCE_RULE = "source-rule"
SAME_FILMS = (NO_PROBE, LABELS_SHUFFLED, SOURCE_RULE)
"""Levels under which a film is prepared as for the model."""
NEAR = 0.05
"""A probe that sees no disease and comes within this of its model's ROC-AUC is a caution."""
CHANCE = 0.5
FAMILY = {"name": "probes", "factor": "probe", "reference": NO_PROBE, "metrics": ["roc_auc"]}
"""The family of comparisons of a study that has probes: each against its model."""


@dataclass(frozen=True)
class ProbeKind:
    """A kind of probe.

    Attributes:
        name: In ``probes.kinds``.
        words: In a table.
        reached: How a score is reached, in a sentence.
        blind: Whether nothing of disease is left in what it sees; of a clouded lung something is left in a thumbnail.
    """

    name: str
    words: str
    reached: str
    blind: bool = True


PROBES: Mapping[str, ProbeKind] = {
    p.name: p
    for p in (
        ProbeKind("lungs-erased", "lungs erased", "without lungs"),
        ProbeKind("border-only", "border only", "from the border"),
        ProbeKind("thumbnail", "thumbnail of 16 × 16", "from a thumbnail", blind=False),
        ProbeKind("patches-shuffled", "patches shuffled", "from shuffled patches", blind=False),
        ProbeKind("lungs-only", "lungs only", "from the lungs only", blind=False),
        ProbeKind(LABELS_SHUFFLED, "training labels shuffled", "from shuffled labels", blind=False),
        ProbeKind(SOURCE_RULE, "rule of the source", "from the source alone"),
    )
}
"""In the order of a table."""

if TYPE_CHECKING:
    ProbeName = str
else:
    ProbeName = Literal[tuple(PROBES)]


def probe_words(level: str) -> str:
    """A level of the factor in words.

    >>> probe_words("lungs-erased"), probe_words("none")
    ('lungs erased', 'the model')
    """
    return "the model" if level == NO_PROBE else PROBES[level].words

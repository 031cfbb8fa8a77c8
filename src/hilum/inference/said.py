"""The types of an answer: what a bundle says of one film, the same for every way in (program, browser, picture archive).

Convention: probabilities are at temperature 1, as the operating point and the sets were chosen on them; `calibrated` stands beside them.
A film that the gate does not pass is answered all the same, and the answer says that it should not be relied on (`abstained`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Remark:
    """Something that is odd about a film: a stable code, and a sentence for people."""

    code: str
    words: str


@dataclass(frozen=True)
class Gate:
    """Whether the film is one that the model can be asked about.

    Attributes:
        passed: None where there was no film.
        reasons: Why not: ``not-a-chest-film``, ``not-frontal``, ``outside-the-training-films``.
        score: How strange the film is to the bundle; None where the bundle has no gate.
        limit: The score above which it is a stranger; None likewise, or where validation was too small to choose one.
    """

    passed: bool | None
    reasons: tuple[Remark, ...] = ()
    score: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class FindingSaid:
    """What a bundle of several findings says of one.

    Attributes:
        probability: At temperature 1.
        threshold: Of the finding, chosen on validation.
        present: Whether the probability reaches it.
    """

    probability: float
    threshold: float
    present: bool


@dataclass(frozen=True)
class Answer:
    """What a bundle says of a film.

    Attributes:
        film: What the caller calls it.
        sha256: Of its file's bytes.
        probabilities: Class -> probability, in the bundle's order; empty for a film that has none.
        calibrated: Likewise at the bundle's temperature; empty where it has none.
        most_likely: The class of the highest probability; empty for none.
        positive: The class that the operating point is about.
        threshold: The operating point: the probability of `positive` from which the film is called positive; None without such a class.
        called_positive: Whether it is; None for a film without scores.
        sets: Per cent of films (``90``, ``95``) -> the classes of a conformal set; empty where the bundle has none.
        gate: Whether it is a film for this model.
        quality: What is odd about the film.
        abstained: The gate did not pass it: the answer should not be relied on.
        width_px, height_px: Of the decoded film.
        format: ``png``, ``jpeg``, ``bmp``, ``tiff`` or ``dicom``.
        error: Empty, or the reason why there are no scores.
        error_words: The reason as a sentence.
        findings: Of a bundle of several findings, each by itself; `most_likely` and `positive` are then empty, there are no sets,
            `threshold` and `called_positive` are None, and probabilities do not add up to 1. Empty of a bundle of classes.
    """

    film: str
    sha256: str
    probabilities: Mapping[str, float]
    calibrated: Mapping[str, float]
    most_likely: str
    positive: str
    threshold: float | None
    called_positive: bool | None
    sets: Mapping[str, tuple[str, ...]]
    gate: Gate
    quality: tuple[Remark, ...]
    abstained: bool
    width_px: int
    height_px: int
    format: str
    error: str = ""
    error_words: str = ""
    findings: Mapping[str, FindingSaid] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            **vars(self),
            "gate": asdict(self.gate),
            "quality": [asdict(remark) for remark in self.quality],
            "findings": {name: asdict(said) for name, said in self.findings.items()},
        }

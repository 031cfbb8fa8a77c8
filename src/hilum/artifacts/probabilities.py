"""What ``evaluation.json`` says of probabilities: how good they are, what sets hold, what the gate refuses, how far trials are apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bin:
    """Films whose predicted class has much the same probability.

    Attributes:
        n: Films.
        effective: Effective number of films, where those of a patient say the same.
        confidence: Mean probability of the predicted class.
        right: Share of films that are of it.
    """

    n: int
    effective: float
    confidence: float
    right: float


@dataclass(frozen=True)
class ProbabilityFigures:
    """How good probabilities are (`hilum.stats.recalibration`).

    Attributes:
        ece: Expected calibration error of the predicted class's probability, 0 .. 1, bins of equal width.
        ece_equal_count: The same in `bins`, of equal count.
        brier: Brier score, 0 .. 2 = `reliability` - `resolution` + `uncertainty` + `within`.
        log_loss: In nats.
        slope: Of the positive class's log-odds; None where they separate the films.
        intercept: At slope 1; None where films are of one side only.
    """

    ece: float
    ece_equal_count: float
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float
    log_loss: float
    slope: float | None
    intercept: float | None
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Calibration:
    """How good a trial's test probabilities are, as predicted and at the bundle's temperature, which validation films chose.

    Attributes:
        temperature: Logits are divided by it; 1 leaves them as they are.
    """

    temperature: float
    predicted: ProbabilityFigures
    scaled: ProbabilityFigures


@dataclass(frozen=True)
class Covered:
    """Sets of a level on some test films.

    Attributes:
        level: Per cent.
        by: ``all``, ``class`` or ``source``.
        group: Which of them; empty for all.
        n: Films.
        patients: Whose they are.
        coverage: Share of films whose set holds their class, every patient weighing the same.
        size: Mean number of classes of a set, likewise.
        single: Share of sets of one class, likewise.
    """

    level: int
    by: str
    group: str
    n: int
    patients: int
    coverage: float
    size: float
    single: float


@dataclass(frozen=True)
class Refused:
    """Test films of a source that the gate holds for strangers; every patient weighs the same."""

    source: str
    n: int
    patients: int
    share: float


@dataclass(frozen=True)
class Spread:
    """Standard deviation over trials of the positive class's probability, of test films of several trials; no interval of anything.

    Attributes:
        n: Films of two trials or more.
        median: Of them all.
        high: Below it are 95 % of them.
        right: Median of those whose mean probabilities give their class; None without any.
        wrong: Median of the others; None without any.
    """

    n: int
    median: float
    high: float
    right: float | None
    wrong: float | None

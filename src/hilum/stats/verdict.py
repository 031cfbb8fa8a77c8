"""What a comparison may say: the verdict of a difference, and when there is none.

Convention: only the test adjusted over its family says better or worse, at `ALPHA`. Films alone cannot tell one training from another:
with equal cells whose trainings differ by .1, .2 or .4 log-odds a test of one trial at the level .05 errs in .08, .19 and .42 of studies
(tests/properties/test_one_trial.py). So a cell that was trained once has no verdict, unless both sides have the same trained weights,
scored in two ways; then films are the only chance. Whether they have is known by digest, not by name, and copies of a trial count once.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.comparisons import ONE_TRIAL, Verdict
from hilum.stats.scored_films import SortedTrial

ALPHA = 0.05


def trainings(trials: Sequence[SortedTrial]) -> int:
    """Distinct trainings among a cell's trials; trials whose weights are not known count as distinct."""
    known = {t.weights for t in trials if t.weights}
    return len(known) + sum(not t.weights for t in trials)


def share_weights(trials: Sequence[SortedTrial], reference: Sequence[SortedTrial]) -> bool:
    """Whether both sides have the same trained weights in every trial."""
    return len(trials) == len(reference) and all(
        a.weights and a.weights == b.weights for a, b in zip(trials, reference, strict=True)
    )


def verdict_of(estimate: float, p_adjusted: float, one_training: bool) -> Verdict:
    """The verdict of a difference that has a test.

    Args:
        estimate: The difference.
        p_adjusted: By Holm over its family.
        one_training: Whether chance in training is not in the test although it is in the difference.

    >>> verdict_of(0.1, 0.01, False), verdict_of(-0.1, 0.01, False), verdict_of(0.1, 0.05, False), verdict_of(0.1, 0.01, True)
    ('better', 'worse', 'not distinguishable', 'on these films, one trial')
    """
    if one_training:
        return ONE_TRIAL
    if p_adjusted >= ALPHA:
        return "not distinguishable"
    return "better" if estimate > 0 else "worse"

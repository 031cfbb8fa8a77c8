"""How many trainings stand behind a cell, and whether two cells share theirs: what decides whether a comparison has a verdict at all.

Convention: films alone cannot tell one training from another: with equal cells whose trainings differ by .1, .2 or .4 log-odds a test of
one trial at the level .05 errs in .08, .19 and .42 of studies (tests/properties/test_one_trial.py). So a cell that was trained once has no
verdict (`hilum.artifacts.comparisons.verdict_of`), unless both sides have the same trained weights, scored in two ways; then films are the
only chance. Whether they have is known by digest, not by name, and copies of a trial count once.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.stats.scored_films import SortedTrial


def trainings(trials: Sequence[SortedTrial]) -> int:
    """Distinct trainings among a cell's trials; trials whose weights are not known count as distinct."""
    known = {t.weights for t in trials if t.weights}
    return len(known) + sum(not t.weights for t in trials)


def share_weights(trials: Sequence[SortedTrial], reference: Sequence[SortedTrial]) -> bool:
    """Whether both sides have the same trained weights in every trial."""
    return len(trials) == len(reference) and all(
        a.weights and a.weights == b.weights for a, b in zip(trials, reference, strict=True)
    )

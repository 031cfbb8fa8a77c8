"""What may be said of a claim: the five verdicts, and the rules that lead from differences to one of them.

Convention: "better" and "worse" are the words of the test adjusted over all that the claim reads (`differences.judged`), or of the rule of
thumb where there is none. A claim holds only if every comparison that it asks for goes its way; where some do and none goes the other way
it holds in part, and the evidence says in how many. That a difference was not found is never taken as its absence: it is "not
distinguishable", unless the intervals themselves rule a gain out. What was trained once decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hilum.artifacts.comparisons import ONE_TRIAL
from hilum.paper.differences import Difference
from hilum.report.numbers import spelled

ClaimVerdict = Literal["holds", "holds in part", "fails", "not distinguishable", "not tested here"]
MARGIN = 0.01
"""A gain below this is no gain worth the name."""


@dataclass(frozen=True)
class Part:
    """A part of a claim, tested.

    Attributes:
        what: A few words; empty for a claim of one part.
        evidence: Numbers in words.
        verdict: Of this part.
        thumb: Whether a rule of thumb decided, not an adjusted test.
    """

    what: str
    evidence: str
    verdict: ClaimVerdict
    thumb: bool = False


@dataclass(frozen=True)
class Ruling:
    """A verdict, and in how many of the comparisons asked for the claim went its way.

    Attributes:
        verdict: Of the comparisons.
        tally: ``in one of two``; empty where nothing was tested.
    """

    verdict: ClaimVerdict
    tally: str = ""


def not_tested(what: str, why: str) -> Part:
    """A part that could not be tested, with the reason."""
    return Part(what, why, "not tested here")


def goes(differences: Sequence[Difference], way: Literal["better", "worse"], missing: int = 0) -> Ruling:
    """Holds if every comparison goes the claimed way, in part if some do and none the other; fails if any goes the other way.

    Args:
        differences: All that the claim asks for.
        way: The claimed one.
        missing: Comparisons that it asks for too and that were not run: they keep it from holding altogether.
    """
    other = "worse" if way == "better" else "better"
    return _ruling(differences, lambda d: d.verdict == way, lambda d: d.verdict == other, missing)


def no_gain(differences: Sequence[Difference]) -> Ruling:
    """Holds if every comparison's interval excludes a gain of .01 (a worse one's does), in part if some do; fails if any is better."""
    return _ruling(
        differences,
        lambda d: d.verdict == "worse" or (d.verdict != ONE_TRIAL and d.high is not None and d.high < MARGIN),
        lambda d: d.verdict == "better",
    )


def _ruling(
    differences: Sequence[Difference],
    with_it: Callable[[Difference], bool],
    against_it: Callable[[Difference], bool],
    missing: int = 0,
) -> Ruling:
    known = [d for d in differences if d.verdict not in ("undefined", ONE_TRIAL)]
    if not known:
        return Ruling("not tested here")
    n, asked = sum(map(with_it, known)), len(differences) + missing
    tally = f"in {spelled(n, 'none')} of {spelled(asked, 'none')}"
    if any(map(against_it, known)):
        return Ruling("fails", tally)
    if n == asked:
        return Ruling("holds", tally)
    return Ruling("holds in part" if n else "not distinguishable", tally)


def together(verdicts: Sequence[ClaimVerdict]) -> ClaimVerdict:
    """A claim of several parts: fails if one fails, holds only if all hold; a part that was not tested leaves it untested.

    >>> together(["holds", "not distinguishable"]), together(["fails", "not tested here"]), together(["holds", "holds in part"])
    ('not distinguishable', 'fails', 'holds in part')
    """
    order: tuple[ClaimVerdict, ...] = ("fails", "not tested here", "not distinguishable", "holds in part")
    return next((v for v in order if v in verdicts), "holds" if verdicts else "not tested here")

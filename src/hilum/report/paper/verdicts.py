"""What may be said of a claim: the four verdicts, and the rules that lead from differences to one of them.

Convention: "better" and "worse" are the words of the adjusted test, or of the rule of thumb where there is none
(`hilum.report.paper.differences`). That a difference was not found is never taken as its absence: it is "not distinguishable", unless
the intervals themselves rule a gain out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hilum.report.paper.differences import Difference

ClaimVerdict = Literal["holds", "fails", "not distinguishable", "not tested here"]
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


def not_tested(what: str, why: str) -> Part:
    """A part that could not be tested, with the reason."""
    return Part(what, why, "not tested here")


def goes(differences: Sequence[Difference], way: Literal["better", "worse"]) -> ClaimVerdict:
    """Holds if at least one comparison goes the claimed way and none the other; fails if any goes the other way."""
    other = "worse" if way == "better" else "better"
    found = {d.verdict for d in _defined(differences)}
    if not found:
        return "not tested here"
    return "fails" if other in found else "holds" if way in found else "not distinguishable"


def no_gain(differences: Sequence[Difference]) -> ClaimVerdict:
    """Fails if any comparison is better; holds if any is worse and none better, or if every interval excludes a gain of .01."""
    known = _defined(differences)
    if not known:
        return "not tested here"
    verdicts = {d.verdict for d in known}
    if "better" in verdicts:
        return "fails"
    excluded = all(d.high is not None and d.high < MARGIN for d in known)
    return "holds" if "worse" in verdicts or excluded else "not distinguishable"


def all_worse(differences: Sequence[Difference]) -> ClaimVerdict:
    """Holds if every comparison is worse than the reference, which is then best; fails if any is better."""
    known = _defined(differences)
    if not known:
        return "not tested here"
    verdicts = {d.verdict for d in known}
    return "fails" if "better" in verdicts else "holds" if verdicts == {"worse"} else "not distinguishable"


def together(verdicts: Sequence[ClaimVerdict]) -> ClaimVerdict:
    """A claim of several parts: fails if one fails, holds only if all hold; a part that was not tested leaves it untested.

    >>> together(["holds", "not distinguishable"]), together(["fails", "not tested here"])
    ('not distinguishable', 'fails')
    """
    order: tuple[ClaimVerdict, ...] = ("fails", "not tested here", "not distinguishable")
    return next((v for v in order if v in verdicts), "holds" if verdicts else "not tested here")


def _defined(differences: Sequence[Difference]) -> list[Difference]:
    return [d for d in differences if d.verdict != "undefined"]

"""Differences between cells, as the claims use them: from the study's comparisons, else by a rule of thumb that says so.

Convention: a difference is the cell minus its reference, and "better" is the higher figure. Where a family of the study covers it, the
verdict is that of the test, adjusted by Holm over everything that the claim reads: all its metrics, backbones and levels (`judged`). Where
none does (and always between two studies), the rule of thumb is: better or worse only if the 95 % intervals of the two do not meet. That
rule is not adjusted for many comparisons and ignores that both saw the same films. A cell that was trained once has no verdict by either,
and cells that are not comparable (`hilum.paper.comparable`) are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from hilum.artifacts.comparisons import ONE_TRIAL, Verdict, verdict_of
from hilum.artifacts.run import RunCell
from hilum.artifacts.statistics import StudyRow
from hilum.paper.comparable import other_mode
from hilum.paper.studies import PaperStudy, counts_for_claims
from hilum.report import numbers
from hilum.report.numbers import signed
from hilum.report.run_words import backbone_label
from hilum.stats.families import levels
from hilum.stats.multiplicity import holm
from hilum.study.metrics import metric_label

_FEW = 3  # that are told one by one


@dataclass(frozen=True)
class Difference:
    """A difference of a metric between two cells.

    Attributes:
        metric: As in statistics.json.
        cell: Whose figure.
        reference: Whose figure is taken away.
        estimate: The difference; None where undefined.
        verdict: Of the cell.
        low: Lower end of its simultaneous interval; None where there is none (rule of thumb).
        high: Upper end.
        p: Of the test, not adjusted; None where there is none.
        adjusted: Whether the verdict is of an adjusted test, not of the rule of thumb.
    """

    metric: str
    cell: RunCell
    reference: RunCell
    estimate: float | None
    verdict: Verdict
    low: float | None = None
    high: float | None = None
    p: float | None = None
    adjusted: bool = False


def judged(differences: Sequence[Difference]) -> list[Difference]:
    """All differences that a claim reads, each with the verdict that holds over all of them together and within its own family.

    A difference is better or worse only if both say so; those of the rule of thumb keep its verdict.
    """
    found = []
    for d, p in zip(differences, holm([d.p for d in differences]), strict=True):
        if d.verdict in ("better", "worse") and d.estimate is not None and p is not None:
            found.append(replace(d, verdict=verdict_of(d.estimate, p, one_training=False)))
        else:
            found.append(d)
    return found


def within(study: PaperStudy, factor: str, metric: str, reference: str) -> list[Difference]:
    """Every cell against the one that has the reference's level of a factor and is else the same; cells that count only.

    Args:
        study: The study.
        factor: ``pipeline``, ``schedule`` or ``backbone``.
        metric: As in statistics.json.
        reference: Level of the factor.
    """
    kept = {c.name: c for c in study.folder.cells if counts_for_claims(c)}
    tested = []
    for r in study.family(factor):
        cell, of = kept.get(r.cell), kept.get(r.reference)
        if cell is None or of is None or other_mode(cell, of):
            continue
        if (r.metric, r.class_, levels(of)[factor]) == (metric, study.folder.positive, reference):
            tested.append(
                Difference(metric, cell, of, r.estimate, r.verdict, r.low, r.high, r.p, adjusted=True)
            )
    if tested:
        return tested
    references = {_others(c, factor): c for c in kept.values() if levels(c)[factor] == reference}
    pairs = ((c, references.get(_others(c, factor))) for c in kept.values())
    return [
        by_thumb(metric, c, of, study.row(c, metric), study.row(of, metric))
        for c, of in pairs
        if of is not None and of is not c and not other_mode(c, of)
    ]


def _others(cell: RunCell, factor: str) -> tuple[str, ...]:
    return tuple(v for f, v in levels(cell).items() if f != factor)


def by_thumb(
    metric: str, cell: RunCell, reference: RunCell, here: StudyRow | None, there: StudyRow | None
) -> Difference:
    """By the rule of thumb: better or worse if the intervals do not meet; nothing of what was trained once."""
    if here is None or there is None or here.estimate is None or there.estimate is None:
        return Difference(metric, cell, reference, None, "undefined")
    verdict: Verdict = "not distinguishable"
    if min(here.n_trials, there.n_trials) < 2:
        verdict = ONE_TRIAL
    elif here.low is not None and there.high is not None and here.low > there.high:
        verdict = "better"
    elif here.high is not None and there.low is not None and here.high < there.low:
        verdict = "worse"
    return Difference(metric, cell, reference, here.estimate - there.estimate, verdict)


def words(differences: Sequence[Difference], named: bool = True) -> str:
    """The evidence in words, a sentence a metric (with its name unless it stands before): few differences one by one, many as counts."""
    told = []
    for metric in dict.fromkeys(d.metric for d in differences):
        of = [d for d in differences if d.metric == metric]
        said = "; ".join(_one(d) for d in of) if len(of) <= _FEW else _many(of)
        told.append(f"{metric_label(metric)}: {said}" if named else said)
    return ". ".join(told) or "no comparison"


def _one(d: Difference) -> str:
    differing = _differing(d)
    if d.estimate is None:
        return f"{differing} undefined"
    interval = ""
    if d.low is not None and d.high is not None:
        interval = f" ({signed(d.low, 3)} to {signed(d.high, 3)})"
    return f"{differing} {signed(d.estimate)}{interval}, {d.verdict}"


def _differing(d: Difference) -> str:
    """What differs, with the backbone that is shared before it."""
    apart = [k for k in ("backbone", "pipeline", "schedule") if getattr(d.cell, k) != getattr(d.reference, k)]
    shared = "" if "backbone" in apart else f"{backbone_label(d.cell)}, "
    cell, reference = (", ".join(str(getattr(c, k)) for k in apart) for c in (d.cell, d.reference))
    return f"{shared}{cell} against {reference}"


def _many(differences: Sequence[Difference]) -> str:
    counts = Counter(d.verdict for d in differences)
    estimates = [d.estimate for d in differences if d.estimate is not None]
    order: tuple[Verdict, ...] = get_args(Verdict)
    tally = ", ".join(f"{counts[v]} {v}" for v in order if counts[v] or v in ("better", "worse"))
    span = ""
    if estimates:
        ends = dict.fromkeys((signed(min(estimates)), signed(max(estimates))))
        span = f" (differences {' to '.join(ends)})"
    return f"of {numbers.count(len(differences))} comparisons {tally}{span}"

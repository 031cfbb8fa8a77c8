"""The rules of the claims about figures: what is compared with what, and when a claim holds or fails.

Convention: only studies as described are tested, and only cells whose backbone was pretrained decide (the network from scratch apart). A
claim asks for every backbone that the paper has in the experiment: it holds only if all go its way, and in part where some do or some were
not run. Holm runs over all that a part of a claim reads. Where no family of comparisons covers it, the rule is one of thumb and the part
says so; seconds are in `time_rules`, losses in `loss_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

from hilum.artifacts.run import RunCell
from hilum.paper.comparable import other_films, other_mode
from hilum.paper.differences import (
    Difference,
    by_thumb,
    judged,
    within,
    words,
)
from hilum.paper.studies import Paper, PaperStudy, counts_for_claims, highest
from hilum.paper.verdicts import ClaimVerdict, Part, Ruling, goes, no_gain, not_tested
from hilum.report import numbers
from hilum.stats.families import levels

LIKE = 0.02
"""A specificity within this of the others' mean is like theirs."""


@dataclass(frozen=True)
class Comparison:
    """A part of a claim that compares the cells of an experiment with each other.

    Attributes:
        factor: In which two cells differ: ``pipeline``, ``schedule`` or ``backbone``.
        reference: Level of the factor that the others are set against.
        metrics: As in statistics.json.
        goes: What the claim says of every difference; ``no gain`` is told by the intervals (`verdicts.no_gain`).
        among: Factor -> levels that a cell must be of to be compared; empty for all.
        needs: Backbones that the claim asks for: those that were not run keep it from holding altogether.
        else_of: Experiment that lends its cells of the reference level where the own one has none; 0 for none.
        what: The part in a few words; empty for a claim of one part.
    """

    factor: str
    reference: str
    metrics: tuple[str, ...]
    goes: Literal["better", "worse", "no gain"]
    among: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    else_of: int = 0
    what: str = ""


def compared(asked: Comparison, study: PaperStudy, paper: Paper) -> Part:
    """The part of a claim that a comparison makes."""
    found, why = [d for m in asked.metrics for d in within(study, asked.factor, m, asked.reference)], ""
    if not found and asked.else_of and (other := paper.experiment(asked.else_of)) is not None:
        found, why = _against_another(asked, study, other)
    found = judged([d for d in found if all(levels(d.cell)[f] in among for f, among in asked.among.items())])
    if not found:
        return not_tested(asked.what, why or _why_none(asked, study))
    there = {c.backbone for d in found for c in (d.cell, d.reference)}
    missing = [b for b in asked.needs if b not in there]
    ruling = no_gain(found) if asked.goes == "no gain" else goes(found, asked.goes, len(missing))
    return _part(asked.what, found, ruling, missing)


def _part(what: str, differences: Sequence[Difference], ruling: Ruling, missing: Sequence[str] = ()) -> Part:
    told = words(differences, named="sensitivity" not in what)
    told += f"; {ruling.tally}" if ruling.tally else ""
    told += f"; not run: {', '.join(missing)}" if missing else ""
    return Part(what, told, ruling.verdict, thumb=not all(d.adjusted for d in differences))


def _why_none(asked: Comparison, study: PaperStudy) -> str:
    """Why no two cells can be compared."""
    if asked.factor != "backbone":
        return "no two cells with pretrained weights, trained alike, to compare"
    references = [c for c in study.folder.cells if c.backbone == asked.reference]
    if not references:
        return f"{asked.reference} was not run in {study.title}"
    if not any(c.pretrained for c in references):
        return f"{asked.reference} has random weights here"
    others = [c for c in study.folder.cells if c.backbone in asked.needs]
    apart = next((r for c in others for of in references if (r := other_mode(c, of))), "")
    return apart or "no other backbone of the paper with the same pipeline"


def _against_another(asked: Comparison, study: PaperStudy, other: PaperStudy) -> tuple[list[Difference], str]:
    """Each cell against the reference level of another experiment, and why not where there is none that is comparable."""
    if why := other_films(study, other):
        return [], why
    references = {
        (c.backbone, c.pipeline): c
        for c in other.folder.cells
        if levels(c)[asked.factor] == asked.reference and counts_for_claims(c)
    }
    found, why = [], ""
    for cell in filter(counts_for_claims, study.folder.cells):
        of = references.get((cell.backbone, cell.pipeline))
        if of is None:
            continue
        if apart := other_mode(cell, of):
            why = apart
            continue
        found += [by_thumb(m, cell, of, study.row(cell, m), other.row(of, m)) for m in asked.metrics]
    return found, why


def cnn_is_less_sensitive(study: PaperStudy, paper: Paper) -> list[Part]:
    """Low sensitivity of the CNN from scratch, and like specificity, beside the cells of Experiments 3 and 4 on the same films."""
    best = highest(
        [c for c in study.folder.cells if c.backbone == "cnn"], lambda c: study.estimate(c, "sensitivity")
    )
    others, why = _pretrained_elsewhere(study, paper)
    if best is None or not others:
        return [not_tested("", why or "needs the CNN, and a pretrained backbone in Experiment 3 or 4")]
    low, like = (
        [by_thumb(m, best, c, study.row(best, m), of.row(c, m)) for of, c in others]
        for m in ("sensitivity", "specificity")
    )
    return [
        _part(f"low sensitivity ({best.schedule})", low, goes(low, "worse")),
        _like(study, best, others, like),
    ]


def _pretrained_elsewhere(study: PaperStudy, paper: Paper) -> tuple[list[tuple[PaperStudy, RunCell]], str]:
    """The cells of Experiments 3 and 4 on the same films, and why not where there are none."""
    found, why = [], ""
    for of in (paper.experiment(3), paper.experiment(4)):
        if of is None:
            continue
        if apart := other_films(study, of):
            why = apart
            continue
        found += [(of, c) for c in of.folder.cells if counts_for_claims(c) and of.is_of_experiment(c)]
    return found, why


def _like(
    study: PaperStudy,
    best: RunCell,
    others: Sequence[tuple[PaperStudy, RunCell]],
    differences: Sequence[Difference],
) -> Part:
    what, own = "like specificity", study.row(best, "specificity")
    theirs = [e for of, c in others if (e := of.estimate(c, "specificity")) is not None]
    if own is None or own.estimate is None or own.low is None or own.high is None or not theirs:
        return not_tested(what, "undefined")
    if own.n_trials < 2:
        return not_tested(what, "the CNN was trained once")
    centre = fmean(theirs)
    near = centre - LIKE <= own.low and own.high <= centre + LIKE
    apart = {d.verdict for d in differences} <= {"better", "worse"}
    told = (
        f"{numbers.rate(own.estimate)} ({numbers.interval(own.low, own.high)}) against a mean of {numbers.rate(centre)} over "
        f"{len(theirs)} cells"
    )
    verdict: ClaimVerdict = "holds" if near else "fails" if apart else "not distinguishable"
    return Part(what, told, verdict, thumb=True)

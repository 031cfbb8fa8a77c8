"""The rule of each claim about figures: what is compared with what, and when it holds or fails.

Convention: the first paragraph of a function's docstring is the rule as the report prints it. Only studies as described are asked, and
only cells whose backbone was pretrained decide (the network from scratch apart). A claim asks for every backbone that the paper has in the
experiment: it holds only if all go its way, and in part where some do or some were not run. Holm runs over all that a claim reads. Where no
family of comparisons covers a claim, the rule is one of thumb and the part says so; seconds are in `time_rules`, losses in `loss_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from hilum.artifacts.run import RunCell
from hilum.paper import printed
from hilum.paper.comparable import other_films, other_mode
from hilum.paper.differences import (
    Difference,
    by_thumb,
    counts_for_claims,
    is_of_experiment,
    judged,
    within,
    words,
)
from hilum.paper.member import Member, Paper
from hilum.paper.time_rules import saving, slowest
from hilum.paper.verdicts import (
    ClaimVerdict,
    Part,
    Ruling,
    absent,
    goes,
    no_gain,
    not_tested,
)
from hilum.report import numbers

LIKE = 0.02
"""A specificity within this of the others' mean is like theirs."""
_THREE = ("sensitivity", "specificity", "pr_auc")


def _by(
    differences: Sequence[Difference], ruling: Ruling, what: str = "", missing: Sequence[str] = ()
) -> Part:
    """The part that differences make."""
    if not differences:
        return not_tested(what, "no two cells with pretrained weights, trained alike, to compare")
    told = words(differences, named="sensitivity" not in what)
    told += f"; {ruling.tally}" if ruling.tally else ""
    told += f"; not run: {', '.join(missing)}" if missing else ""
    return Part(what, told, ruling.verdict, thumb=not all(d.adjusted for d in differences))


def _not_run(differences: Sequence[Difference], backbones: Sequence[str]) -> list[str]:
    """Backbones that a claim asks for and that no difference is of."""
    there = {d.cell.backbone for d in differences} | {d.reference.backbone for d in differences}
    return [b for b in backbones if b not in there]


def cropping_raises_sensitivity(paper: Paper) -> list[Part]:
    """Sensitivity of crop against baseline, each of the paper’s three backbones in Experiment 2: holds if it is better in every one, in
    part if in some and worse in none; fails if it is worse in any.
    """
    member = paper.experiment(2)
    if member is None:
        return absent(2)
    found = [d for d in within(member, "pipeline", "sensitivity", "baseline") if d.cell.pipeline == "crop"]
    found = judged(found)
    missing = _not_run(found, printed.BACKBONES[2])
    return [_by(found, goes(found, "better", len(missing)), missing=missing)]


def augmentation_gains_nothing(paper: Paper) -> list[Part]:
    """Specificity and PR-AUC of each pipeline against baseline, Experiment 2: holds if every comparison excludes a gain of .01 by its
    interval (a worse one does), in part if some do and none is better; fails if any is better, over both metrics.
    """
    member = paper.experiment(2)
    if member is None:
        return absent(2)
    found = judged(
        [d for m in ("specificity", "pr_auc") for d in within(member, "pipeline", m, "baseline")],
    )
    return [_by(found, no_gain(found))]


def densenet_is_best_and_slowest(paper: Paper) -> list[Part]:
    """Every other backbone of the paper’s Experiment 2 against densenet121, trained alike on the same films, same pipeline, three metrics:
    holds if all are worse, in part if some are and none better, and densenet121 takes the longest (a rule of thumb, and only where each
    network is trained as the paper trained it); fails if any is better or another is slower.
    """
    member = paper.experiment(2)
    if member is None:
        return absent(2)
    found = judged([d for m in _THREE for d in within(member, "backbone", m, "densenet121")])
    others = [b for b in printed.BACKBONES[2] if b != "densenet121"]
    missing = _not_run(found, others)
    of_paper = [d for d in found if d.cell.backbone in others]
    best = _by(of_paper, goes(of_paper, "worse", len(missing)), "best", missing)
    if not of_paper:
        best = not_tested("best", _why_no_best(member))
    return [best, slowest(member)]


def _why_no_best(member: Member) -> str:
    cells = [c for c in member.folder.cells if c.backbone == "densenet121"]
    if not cells:
        return f"densenet121 was not run in {member.title}"
    if not any(c.pretrained for c in cells):
        return "densenet121 has random weights here"
    others = [
        c for c in member.folder.cells if c.backbone in printed.BACKBONES[2] and c.backbone != "densenet121"
    ]
    apart = next((r for c in others for d in cells if (r := other_mode(c, d))), "")
    return apart or "no other backbone of the paper with the same pipeline"


def one_cycle_beats_constant(paper: Paper) -> list[Part]:
    """Two parts. Sensitivity of each one-cycle schedule against the constant rate, same backbone and pipeline (of Experiment 3
    where it has one, else of Experiment 2 where films and training are the same): holds if every one is better, in part if some are and
    none worse. Time of resnet50 under the schedules of 20 epochs over densenet121’s in Experiment 2, both trained as a whole on the same
    films and machine: holds up to .8 (a rule of thumb).
    """
    member = paper.experiment(3)
    if member is None:
        return absent(3)
    found, second, why = within(member, "schedule", "sensitivity", "constant"), paper.experiment(2), ""
    if not found and second is not None:
        found, why = _against_experiment_2(member, second)
    found = judged(found)
    better = (
        not_tested("sensitivity", why)
        if why and not found
        else _by(found, goes(found, "better"), "sensitivity")
    )
    return [better, saving(member, second)]


def _against_experiment_2(member: Member, second: Member) -> tuple[list[Difference], str]:
    """Each schedule against Experiment 2's constant rate, and why not where there is none that is comparable."""
    if why := other_films(member, second):
        return [], why
    constant = {(c.backbone, c.pipeline): c for c in second.folder.cells if c.schedule == "constant"}
    found, why = [], ""
    for cell in member.folder.cells:
        of = constant.get((cell.backbone, cell.pipeline))
        if of is None or not (counts_for_claims(cell) and counts_for_claims(of)):
            continue
        if apart := other_mode(cell, of):
            why = apart
            continue
        rows = member.row(cell, "sensitivity"), second.row(of, "sensitivity")
        found.append(by_thumb("sensitivity", cell, of, *rows))
    return found, why


def lower_start_is_better(paper: Paper) -> list[Part]:
    """Sensitivity and specificity of schedule-2 (start 2e-4) against schedule-1 (1e-3), each backbone of Experiment 4: holds if every
    comparison is better over both metrics and all backbones, in part if some are and none worse; fails if any is worse. The two differ in
    their factor too, so the start alone is not what is tested.
    """
    member = paper.experiment(4)
    if member is None:
        return absent(4)
    found = [
        d
        for metric in ("sensitivity", "specificity")
        for d in within(member, "schedule", metric, "schedule-1")
        if d.cell.schedule == "schedule-2"
    ]
    found = judged(found)
    return [_by(found, goes(found, "better"))]


def cnn_is_less_sensitive(paper: Paper) -> list[Part]:
    """A rule of thumb. The CNN’s rate with the higher sensitivity (chosen on test, which favours it) against the cells of Experiments 3 and
    4 on the same films. Low sensitivity: holds if its interval lies below every one of theirs, in part if below some and above none;
    fails if above any. Like specificity: holds if its interval lies within .02 of their mean; fails if it meets none of theirs.
    """
    member = paper.experiment(5)
    if member is None:
        return absent(5)
    cells = [c for c in member.folder.cells if c.backbone == "cnn"]
    known = [(r.estimate, c) for c in cells if (r := member.row(c, "sensitivity")) and r.estimate is not None]
    others, why = _pretrained_elsewhere(paper, member)
    if not known or not others:
        return [not_tested("", why or "needs the CNN, and a pretrained backbone in Experiment 3 or 4")]
    best = max(known, key=lambda pair: pair[0])[1]
    low, like = (
        [by_thumb(m, best, c, member.row(best, m), of.row(c, m)) for of, c in others]
        for m in ("sensitivity", "specificity")
    )
    return [
        _by(low, goes(low, "worse"), f"low sensitivity ({best.schedule})"),
        _like(member, best, others, like),
    ]


def _pretrained_elsewhere(paper: Paper, member: Member) -> tuple[list[tuple[Member, RunCell]], str]:
    """The cells of Experiments 3 and 4 on the same films, and why not where there are none."""
    found, why = [], ""
    for of in (paper.experiment(3), paper.experiment(4)):
        if of is None:
            continue
        if apart := other_films(member, of):
            why = apart
            continue
        found += [(of, c) for c in of.folder.cells if counts_for_claims(c) and is_of_experiment(of, c)]
    return found, why


def _like(
    member: Member, best: RunCell, others: Sequence[tuple[Member, RunCell]], differences: Sequence[Difference]
) -> Part:
    what, own = "like specificity", member.row(best, "specificity")
    theirs = [r.estimate for of, c in others if (r := of.row(c, "specificity")) and r.estimate is not None]
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


def baseline_has_best_pr_auc(paper: Paper) -> list[Part]:
    """PR-AUC of each pipeline against baseline, ResNet50 and SqueezeNet of Experiment 2: holds if all are worse in both, in part if some
    are and none better; fails if any is better.
    """
    member = paper.experiment(2)
    if member is None:
        return absent(2)
    wanted = ("resnet50", "squeezenet1_0")
    found = [d for d in within(member, "pipeline", "pr_auc", "baseline") if d.cell.backbone in wanted]
    found = judged(found)
    missing = _not_run(found, wanted)
    return [_by(found, goes(found, "worse", len(missing)), missing=missing)]

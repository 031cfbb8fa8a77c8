"""The rule of each claim: what is compared with what, and when it holds or fails.

Convention: the first paragraph of a function's docstring is the rule as the report prints it. Only studies as described are asked, and
only cells whose backbone was pretrained decide (the network from scratch apart). Time is of a trial run alone, mean over trials. Where
no family of comparisons covers a claim, the rule is one of thumb and the part says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from hilum.report import numbers
from hilum.report.paper.differences import (
    Difference,
    by_thumb,
    counts_for_claims,
    is_of_experiment,
    within,
    words,
)
from hilum.report.paper.member import Member, Paper
from hilum.report.paper.verdicts import ClaimVerdict, Part, all_worse, goes, no_gain, not_tested
from hilum.report.published_tables import mean, seconds_alone
from hilum.report.run_folder import RunCell

HALF = (0.4, 0.6)
"""What counts as about half."""
SAVING = 0.8
"""A time of at most this share is 20 % less."""
LARGE_EPOCHS = 10
"""A cycle of so many epochs is large."""
STOPPED, FALLING = 0.02, 0.05
"""Relative fall of the validation loss after epoch 10 below which it has stopped, and above which it has not."""
STOP_EPOCH = 10
LIKE = 0.02
"""A difference of specificity up to this is like."""


def _absent(number: int) -> list[Part]:
    return [not_tested("", f"Experiment {number} was not run")]


def _by(differences: Sequence[Difference], verdict: ClaimVerdict, what: str = "") -> Part:
    if not differences:
        return not_tested(what, "no two cells with pretrained weights to compare")
    named = "sensitivity" not in what
    return Part(what, words(differences, named), verdict, thumb=not all(d.adjusted for d in differences))


def _seconds(member: Member, cells: Sequence[RunCell]) -> float | None:
    found = [s for c in cells if (s := mean(seconds_alone(member.folder, c))) is not None]
    return fmean(found) if found else None


def cropping_raises_sensitivity(paper: Paper) -> list[Part]:
    """Sensitivity of crop against baseline, each backbone of Experiment 2: holds if any is better and none worse; fails if any is
    worse.
    """
    member = paper.experiment(2)
    if member is None:
        return _absent(2)
    found = [d for d in within(member, "pipeline", "sensitivity", "baseline") if d.cell.pipeline == "crop"]
    return [_by(found, goes(found, "better"))]


def augmentation_gains_nothing(paper: Paper) -> list[Part]:
    """Specificity and PR-AUC of each pipeline against baseline, Experiment 2: fails if any is better; holds if any is worse and
    none better, or if every interval excludes a gain of .01.
    """
    member = paper.experiment(2)
    if member is None:
        return _absent(2)
    found = [
        d for metric in ("specificity", "pr_auc") for d in within(member, "pipeline", metric, "baseline")
    ]
    return [_by(found, no_gain(found))]


def densenet_is_best_and_slowest(paper: Paper) -> list[Part]:
    """Every other backbone of Experiment 2 against densenet121, same pipeline, three metrics: holds if all are worse and
    densenet121 takes the longest; fails if any is better or another is slower.
    """
    member = paper.experiment(2)
    if member is None:
        return _absent(2)
    of_backbone = {b: [c for c in member.folder.cells if c.backbone == b] for b in _backbones(member)}
    if "densenet121" not in of_backbone:
        timed = paper.experiment_with(2, ("squeezenet1_0", "resnet50", "densenet121"))
        best = not_tested("best", "densenet121 with ImageNet weights was not run")
        return [best, _slowest_of(timed)] if timed else [best]
    metrics = ("sensitivity", "specificity", "pr_auc")
    found = [d for m in metrics for d in within(member, "backbone", m, "densenet121")]
    return [_by(found, all_worse(found), "best"), _slowest_of(member)]


def _of(member: Member) -> str:
    return f" ({member.title}, {member.subset})" if member.subset else ""


def _slowest_of(member: Member) -> Part:
    of_backbone = {b: [c for c in member.folder.cells if c.backbone == b] for b in _backbones(member)}
    seconds = {b: s for b, cells in of_backbone.items() if (s := _seconds(member, cells)) is not None}
    if "densenet121" not in seconds or len(seconds) < 2:
        return not_tested("slowest", "seconds were not measured")
    told = ", ".join(f"{b} {numbers.seconds(s)} s" for b, s in seconds.items()) + _of(member)
    return Part(
        "slowest", told, "holds" if max(seconds, key=seconds.__getitem__) == "densenet121" else "fails", True
    )


def squeezenet_takes_half_the_time(paper: Paper) -> list[Part]:
    """Seconds of squeezenet1_0 over those of densenet121, Experiment 2, mean over pipelines: holds from .4 to .6, else fails.
    Weights do not matter for it, so a study of Experiment 2 that has both with random weights will do.
    """
    if paper.experiment(2) is None:
        return _absent(2)
    member = paper.experiment_with(2, ("squeezenet1_0", "densenet121"))
    if member is None:
        return [not_tested("", "needs the seconds of squeezenet1_0 and densenet121")]
    times = [
        _seconds(member, [c for c in member.folder.cells if c.backbone == b])
        for b in ("squeezenet1_0", "densenet121")
    ]
    if times[0] is None or not times[1]:
        return [not_tested("", "needs the seconds of squeezenet1_0 and densenet121")]
    ratio = times[0] / times[1]
    told = f"{numbers.seconds(times[0])} s over {numbers.seconds(times[1])} s, ratio {ratio:.2f}{_of(member)}"
    return [Part("", told, "holds" if HALF[0] <= ratio <= HALF[1] else "fails", True)]


def one_cycle_beats_constant(paper: Paper) -> list[Part]:
    """Two parts. Sensitivity of each one-cycle schedule against the constant rate, same backbone and pipeline (of Experiment 3
    where it has one, else of Experiment 2): holds if any is better and none worse. Time of the schedules of 20 epochs over
    densenet121's in Experiment 2: holds up to .8.
    """
    member = paper.experiment(3)
    if member is None:
        return _absent(3)
    found = within(member, "schedule", "sensitivity", "constant")
    second = paper.experiment(2)
    if not found and second is not None:
        constant = {(c.backbone, c.pipeline): c for c in second.folder.cells if c.schedule == "constant"}
        for cell in member.folder.cells:
            of = constant.get((cell.backbone, cell.pipeline))
            if of is not None and counts_for_claims(cell) and counts_for_claims(of):
                rows = member.row(cell, "sensitivity"), second.row(of, "sensitivity")
                found.append(by_thumb("sensitivity", cell, of, *rows))
    return [_by(found, goes(found, "better"), "sensitivity"), _saving(member, second)]


def _saving(member: Member, second: Member | None) -> Part:
    cells = [c for c in member.folder.cells if c.schedule in ("schedule-3", "schedule-4")]
    here = _seconds(member, cells)
    there = (
        _seconds(second, [c for c in second.folder.cells if c.backbone == "densenet121"]) if second else None
    )
    if here is None or not there:
        return not_tested(
            "time", "needs schedules 3 and 4, and densenet121 in Experiment 2, with their seconds"
        )
    told = (
        f"{numbers.seconds(here)} s over densenet121’s {numbers.seconds(there)} s, ratio {here / there:.2f}"
    )
    return Part("time", told, "holds" if here <= SAVING * there else "fails", True)


def lower_start_is_better(paper: Paper) -> list[Part]:
    """Sensitivity and specificity of schedule-2 (start 2e-4) against schedule-1 (1e-3), Experiment 4: holds if any is better and
    none worse; fails if any is worse. The two differ in their factor too, so the start alone is not what is tested.
    """
    member = paper.experiment(4)
    if member is None:
        return _absent(4)
    found = [
        d
        for metric in ("sensitivity", "specificity")
        for d in within(member, "schedule", metric, "schedule-1")
        if d.cell.schedule == "schedule-2"
    ]
    return [_by(found, goes(found, "better"))]


def large_cycle_is_better(paper: Paper) -> list[Part]:
    """Relative fall of the validation loss over each cycle after the first, Experiment 3: holds if the smallest fall in a cycle of
    10 epochs or more is above the largest in a shorter one; fails if the other way round. The cycles differ in their rates too.
    """
    member = paper.experiment(3)
    if member is None:
        return _absent(3)
    large: list[float] = []
    small: list[float] = []
    for cell in member.folder.cells:
        phases = ((member.study.get("policy") or {}).get(cell.schedule) or {}).get("phases") or []
        for trial in member.folder.trials if counts_for_claims(cell) else ():
            valid = member.folder.losses(cell, trial).valid
            at = 0
            for k, phase in enumerate(phases):
                end = at + int(phase["epochs"])
                if k and len(valid) >= end:
                    fall = (valid[at - 1] - valid[end - 1]) / valid[at - 1]
                    (large if end - at >= LARGE_EPOCHS else small).append(fall)
                at = end
    if not large or not small:
        return [not_tested("", "needs later cycles of 10 epochs or more and shorter ones, with their losses")]
    told = (
        f"loss fell by {_span(large)} in {len(large)} large cycles (mean {numbers.percent(fmean(large))}), by {_span(small)} in "
        f"{len(small)} small ones (mean {numbers.percent(fmean(small))})"
    )
    verdict: ClaimVerdict = (
        "holds" if min(large) > max(small) else "fails" if max(large) < min(small) else "not distinguishable"
    )
    return [Part("", told, verdict, True)]


def _span(values: Sequence[float]) -> str:
    return f"{numbers.percent(min(values))} to {numbers.percent(max(values))}".replace("-", "−")


def cnn_is_less_sensitive(paper: Paper) -> list[Part]:
    """The CNN’s rate with the higher sensitivity against the cells of Experiments 3 and 4. Low sensitivity: holds if its interval
    lies below more than half of theirs and above none; fails if above any. Like specificity: holds if within .02 of their mean;
    fails if its interval meets none of theirs.
    """
    member = paper.experiment(5)
    others = [
        (m, c)
        for m in (paper.experiment(3), paper.experiment(4))
        if m
        for c in m.folder.cells
        if counts_for_claims(c) and is_of_experiment(m, c)
    ]
    if member is None:
        return _absent(5)
    cells = [c for c in member.folder.cells if c.backbone == "cnn"]
    known = [(r.estimate, c) for c in cells if (r := member.row(c, "sensitivity")) and r.estimate is not None]
    if not known or not others:
        return [not_tested("", "needs the CNN, and a pretrained backbone in Experiment 3 or 4")]
    best = max(known, key=lambda pair: pair[0])[1]
    low, like = (
        [by_thumb(m, best, c, member.row(best, m), of.row(c, m)) for of, c in others]
        for m in ("sensitivity", "specificity")
    )
    verdicts = [d.verdict for d in low]
    is_low: ClaimVerdict = (
        "fails"
        if "better" in verdicts
        else "holds"
        if verdicts.count("worse") > len(verdicts) / 2
        else "not distinguishable"
    )
    theirs = [r.estimate for of, c in others if (r := of.row(c, "specificity")) and r.estimate is not None]
    own = member.row(best, "specificity")
    if own is None or own.estimate is None or not theirs:
        return [_by(low, is_low, "low sensitivity"), not_tested("like specificity", "undefined")]
    apart = {d.verdict for d in like} <= {"better", "worse"}
    near = abs(own.estimate - fmean(theirs)) <= LIKE
    told = f"{numbers.rate(own.estimate)} against a mean of {numbers.rate(fmean(theirs))} over {len(theirs)} cells"
    return [
        _by(low, is_low, f"low sensitivity ({best.schedule})"),
        Part(
            "like specificity", told, "holds" if near else "fails" if apart else "not distinguishable", True
        ),
    ]


def loss_stops_after_ten_epochs(paper: Paper) -> list[Part]:
    """Relative fall of the lowest validation loss after epoch 10 below the lowest up to it, each trial of Experiment 1 (else 2):
    holds if the median is under 2 %, fails if above 5 %.
    """
    member = paper.experiment(1) or paper.experiment(2)
    if member is None:
        return _absent(1)
    falls = []
    for cell in member.folder.cells:
        for trial in member.folder.trials if counts_for_claims(cell) else ():
            valid = member.folder.losses(cell, trial).valid
            if len(valid) > STOP_EPOCH:
                before = min(valid[:STOP_EPOCH])
                falls.append(max(0.0, before - min(valid[STOP_EPOCH:])) / before)
    if not falls:
        return [not_tested("", f"no pretrained backbone was trained for more than {STOP_EPOCH} epochs")]
    middle = median(falls)
    told = f"{member.title}: median fall {numbers.percent(middle)} over {len(falls)} trials ({_span(falls)})"
    verdict: ClaimVerdict = (
        "holds" if middle < STOPPED else "fails" if middle > FALLING else "not distinguishable"
    )
    return [Part("", told, verdict, True)]


def baseline_has_best_pr_auc(paper: Paper) -> list[Part]:
    """PR-AUC of each pipeline against baseline, ResNet50 and SqueezeNet of Experiment 2: holds if all are worse; fails if any is
    better.
    """
    member = paper.experiment(2)
    if member is None:
        return _absent(2)
    wanted = ("resnet50", "squeezenet1_0")
    found = [d for d in within(member, "pipeline", "pr_auc", "baseline") if d.cell.backbone in wanted]
    return [_by(found, all_worse(found))]


def _backbones(member: Member) -> list[str]:
    return list(dict.fromkeys(c.backbone for c in member.folder.cells))

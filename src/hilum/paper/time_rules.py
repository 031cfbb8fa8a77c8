"""The rules of the claims about seconds (parts of c and e, and d): of thumb, for cells whose seconds are of the paper's kind of training.

Convention: as in `hilum.paper.claim_rules`. The paper's DenseNet121 was trained as a whole; its ResNet50 and SqueezeNet were heads
on a frozen backbone in Experiment 2, and its ResNet50 of Experiments 3 and 4 was trained as a whole. Seconds of a head on stored features
say nothing of a network that is trained whole, nor those of one machine or one set of films of another's: then a claim is not tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from hilum.artifacts.run import RunCell
from hilum.paper.comparable import as_the_paper_trained, other_films, other_machine
from hilum.paper.side_by_side import seconds_alone
from hilum.paper.studies import Paper, PaperStudy
from hilum.paper.verdicts import Part, not_tested
from hilum.report import numbers
from hilum.report.numbers import mean

HALF = (0.4, 0.6)
"""What counts as about half."""
SAVING = 0.8
"""A time of at most this share is 20 % less."""
WHOLE = {"densenet121": True, "resnet50": False, "squeezenet1_0": False}
"""Backbones of Experiment 2 -> whether the paper trained the network as a whole."""


def slowest(study: PaperStudy, _: Paper) -> list[Part]:
    """Whether densenet121 takes the longest of the backbones of Experiment 2."""
    what = "slowest"
    seconds, why = _of_backbones(study, tuple(WHOLE))
    if why:
        return [not_tested(what, why)]
    told = ", ".join(f"{b} {numbers.seconds(s)} s" for b, s in seconds.items()) + _of(study)
    longest = max(seconds, key=seconds.__getitem__)
    return [Part(what, told, "holds" if longest == "densenet121" else "fails", thumb=True)]


def squeezenet_takes_half_the_time(study: PaperStudy, _: Paper) -> list[Part]:
    """Whether squeezenet1_0 takes from .4 to .6 of densenet121's seconds, mean over pipelines."""
    seconds, why = _of_backbones(study, ("squeezenet1_0", "densenet121"))
    if why:
        return [not_tested("", why)]
    light, heavy = seconds.values()
    ratio = light / heavy
    told = f"{numbers.seconds(light)} s over {numbers.seconds(heavy)} s, ratio {ratio:.2f}{_of(study)}"
    return [Part("", told, "holds" if HALF[0] <= ratio <= HALF[1] else "fails", thumb=True)]


def one_cycle_saves_time(study: PaperStudy, paper: Paper) -> list[Part]:
    """Whether the schedules of 20 epochs of Experiment 3 take at most .8 of densenet121's seconds in Experiment 2."""
    what, second = "time", paper.experiment(2)
    cells = [
        c
        for c in study.folder.cells
        if c.schedule in ("schedule-3", "schedule-4") and c.backbone == "resnet50"
    ]
    if not cells or second is None:
        return [not_tested(what, "needs schedules 3 and 4 of resnet50, and densenet121 in Experiment 2")]
    there, why = _of_backbones(second, ("densenet121",))
    reasons = [
        why,
        other_films(study, second),
        other_machine(study, second),
        *(as_the_paper_trained(c, whole=True) for c in cells),
    ]
    reason = next((r for r in reasons if r), "")
    here = _seconds(study, cells)
    if reason or here is None:
        return [not_tested(what, reason or "seconds were not measured")]
    share = here / there["densenet121"]
    told = f"{numbers.seconds(here)} s over densenet121’s {numbers.seconds(there['densenet121'])} s, ratio {share:.2f}"
    return [Part(what, told, "holds" if share <= SAVING else "fails", thumb=True)]


def _of_backbones(study: PaperStudy, backbones: Sequence[str]) -> tuple[dict[str, float], str]:
    """Seconds of each backbone, mean over its cells; and why they are not those that the paper speaks of, empty where they are."""
    found: dict[str, float] = {}
    for backbone in backbones:
        cells = [c for c in study.folder.cells if c.backbone == backbone]
        if not cells:
            return {}, f"{backbone} was not run in {study.title}"
        if why := next((r for c in cells if (r := as_the_paper_trained(c, WHOLE[backbone]))), ""):
            return {}, why
        seconds = _seconds(study, cells)
        if not seconds:
            return {}, f"seconds of {backbone} were not measured"
        found[backbone] = seconds
    return found, ""


def _seconds(study: PaperStudy, cells: Sequence[RunCell]) -> float | None:
    found = [s for c in cells if (s := mean(seconds_alone(study, c))) is not None]
    return fmean(found) if found else None


def _of(study: PaperStudy) -> str:
    return f" ({study.title}, {study.subset})" if study.subset else ""

"""The rules of the two claims about losses (g, i): of thumb, over the trials of the cells that count.

Convention: as in `hilum.paper.claim_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from hilum.paper.studies import Paper, PaperStudy, counts_for_claims
from hilum.paper.verdicts import ClaimVerdict, Part, not_tested
from hilum.report import numbers

LARGE_EPOCHS = 10
"""A cycle of so many epochs is large."""
STOPPED, FALLING = 0.02, 0.05
"""Relative fall of the validation loss after epoch 10 below which it has stopped, and above which it has not."""
STOP_EPOCH = 10
TRAINED_ONCE = "one trial: what chance in training does to a loss is not known"


def large_cycle_is_better(study: PaperStudy, _: Paper) -> list[Part]:
    """Whether the validation loss falls further in every later cycle of 10 epochs or more than in any shorter one."""
    if study.folder.n_trials < 2:
        return [not_tested("", TRAINED_ONCE)]
    large: list[float] = []
    small: list[float] = []
    for cell in study.folder.cells:
        phases = (study.folder.record.table("policy").get(cell.schedule) or {}).get("phases") or []
        for trial in study.folder.trials if counts_for_claims(cell) else ():
            valid = study.folder.losses(cell, trial).valid
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


def loss_stops_after_ten_epochs(study: PaperStudy, _: Paper) -> list[Part]:
    """Whether the lowest validation loss after epoch 10 is hardly below the lowest up to it, in the median trial."""
    if study.folder.n_trials < 2:
        return [not_tested("", TRAINED_ONCE)]
    falls = []
    for cell in study.folder.cells:
        for trial in study.folder.trials if counts_for_claims(cell) else ():
            valid = study.folder.losses(cell, trial).valid
            if len(valid) > STOP_EPOCH:
                before = min(valid[:STOP_EPOCH])
                falls.append(max(0.0, before - min(valid[STOP_EPOCH:])) / before)
    if not falls:
        return [not_tested("", f"no pretrained backbone was trained for more than {STOP_EPOCH} epochs")]
    middle = median(falls)
    told = f"{study.title}: median fall {numbers.percent(middle)} over {len(falls)} trials ({_span(falls)})"
    verdict: ClaimVerdict = (
        "holds" if middle < STOPPED else "fails" if middle > FALLING else "not distinguishable"
    )
    return [Part("", told, verdict, True)]

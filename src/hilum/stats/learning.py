"""Whether a training taught its model anything: rules over its losses, rates and validation scores, each with what to do.

Convention: a rule reads what training and validation left behind, never a test film. A threshold is named and explained where it stands;
each is meant to miss a doubtful training rather than to cry at a good one. `RULES` are the rules in the order of this file, the gravest
first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.history import LossCurve
from hilum.stats.confusion import Undefined
from hilum.stats.curves import roc_auc

CONSTANT_SPREAD: Final = 1e-3
"""Probabilities of the positive class that differ by less over all validation films are one answer."""
ONE_ANSWER: Final = 0.98
"""Share of the validation films that get one class; it is said where at most `ONE_ANSWER_TRUE` of them are of that class."""
ONE_ANSWER_TRUE: Final = 0.90
DEGENERATE: Final = 0.10
"""Sensitivity + specificity - 1 (Youden's J) below which a decision is as good as none: a coin of any bias has 0."""
NEAR_HALF: Final = 0.55
"""ROC-AUC on validation below which ranking is taken for chance, ..."""
NEAR_HALF_ERRORS: Final = 2.0
"""... and that many standard errors above .5 (of the Mann-Whitney statistic without a difference), where ..."""
FEWEST_A_SIDE: Final = 10
"""... there are at least so many films of the class and of the others; with fewer, only `NEAR_HALF` counts."""
LAST_QUARTER: Final = 0.25
"""Share of the epochs that counts as the end of a training, one epoch at least."""
STILL_FALLING: Final = 0.10
"""Share of the whole fall of the training loss that came in the last quarter; an exponential that is done has less."""
STILL_FALLING_OF_LOSS: Final = 0.05
"""... and the least share of the loss itself, so that the end of a long training is not taken for its middle."""
ANNEALED: Final = 0.10
"""A rate that ended below this share of its highest was brought down on purpose, and the loss falls with it."""
OVERFIT_RISE: Final = 1.25
"""Last validation loss over the lowest."""
OVERFIT_EARLY: Final = 1 / 3
"""Share of the epochs within which the lowest validation loss came."""
LOSS_RISES: Final = 1.05
"""Last training loss over the first."""
RATE_APART: Final = 10.0
"""Factor between the highest rate and the nearest suggestion of the finder."""


@dataclass(frozen=True)
class TrainingSeen:
    """What one training left behind.

    Attributes:
        losses: Of each epoch, with the rates.
        y_true: Class numbers of the validation films, (n_films,); may be empty.
        y_score: Their probabilities, (n_films, n_classes).
        positive: Number of the positive class.
        threshold: Operating point on its probability; None for none.
        plain_loss: Whether the losses are cross-entropy of plain probabilities, so that a guess has a known loss.
        highest_rate: Of the policy; None where it is not known.
        suggested: Rates that the finder suggested; empty where it was not asked.
    """

    losses: LossCurve
    y_true: NDArray[np.int64]
    y_score: NDArray[np.float64]
    positive: int
    threshold: float | None
    plain_loss: bool
    highest_rate: float | None = None
    suggested: Sequence[float] = ()


Facts = Callable[[TrainingSeen], str | None]
"""The numbers that a rule holds by; None where it does not, or where they are not there."""


@dataclass(frozen=True)
class Rule:
    """A rule: its name, what it says in a few words, what to do where it holds, and the numbers that it holds by."""

    code: str
    title: str
    to_do: str
    facts: Facts


RULES: Final[list[Rule]] = []


def _rule(title: str, to_do: str) -> Callable[[Facts], Facts]:
    def enter(facts: Facts) -> Facts:
        RULES.append(Rule(facts.__name__.strip("_").replace("_", "-"), title, to_do, facts))
        return facts

    return enter


@_rule(
    "The same answer for every film",
    "Nothing was learned: try the rate that `hilum find-rate` suggests, check that classes and films belong together, look at a few "
    "films as the network sees them (`hilum augment show`).",
)
def _constant_answer(seen: TrainingSeen) -> str | None:
    if not len(seen.y_true):
        return None
    of_class = seen.y_score[:, seen.positive]
    if (spread := float(np.ptp(of_class))) < CONSTANT_SPREAD:
        return f"probabilities of the positive class differ by {spread:.1g} over {len(of_class)} validation films"
    said = np.bincount(seen.y_score.argmax(axis=1), minlength=seen.y_score.shape[1]) / len(of_class)
    k = int(said.argmax())
    true = float(np.mean(seen.y_true == k))
    if said[k] >= ONE_ANSWER and true <= ONE_ANSWER_TRUE:
        return f"{said[k]:.0%} of the validation films get one class, of which {true:.0%} are"
    return None


@_rule(
    "Scores rank validation films no better than chance",
    "Do not read the figures as those of a trained model: check the labels, train longer or at the rate that `hilum find-rate` "
    "suggests, or use pretrained weights.",
)
def _ranks_by_chance(seen: TrainingSeen) -> str | None:
    is_positive = seen.y_true == seen.positive
    n, m = int(is_positive.sum()), int((~is_positive).sum())
    if not n or not m:
        return None
    auc = roc_auc(is_positive, seen.y_score[:, seen.positive])
    if isinstance(auc, Undefined):
        return None
    error = float(np.sqrt((n + m + 1) / (12 * n * m)))  # Mann & Whitney 1947, of U / (n m)
    limit = max(NEAR_HALF, 0.5 + NEAR_HALF_ERRORS * error if min(n, m) >= FEWEST_A_SIDE else 0.0)
    return f"validation ROC-AUC {auc:.3f} with {n} films of the class and {m} others" if auc < limit else None


@_rule(
    "A decision that decides nothing",
    "The decision tells the class from the others about as well as a guess: read the areas under the curves beside these "
    "rates; weights for the classes (`class_weights`), sampling, or "
    "another rule for the operating point (`statistics.operating_point`) may help.",
)
def _degenerate_decision(seen: TrainingSeen) -> str | None:
    is_positive = seen.y_true == seen.positive
    if not is_positive.any() or is_positive.all():
        return None
    decisions = {"by the highest probability": seen.y_score.argmax(axis=1) == seen.positive}
    if seen.threshold is not None:
        decisions["at the operating point"] = seen.y_score[:, seen.positive] >= seen.threshold
    for words, said in reversed(decisions.items()):
        sensitivity, specificity = float(said[is_positive].mean()), float((~said[~is_positive]).mean())
        if sensitivity + specificity - 1 < DEGENERATE:
            return f"{words} sensitivity {sensitivity:.2f} with specificity {specificity:.2f} on {len(said)} validation films"
    return None


@_rule(
    "Validation loss is that of a guess",
    "The probabilities say no more than how common the classes are: train longer, or at the rate that `hilum find-rate` suggests; if "
    "the training loss is far lower, see over-fitting.",
)
def _no_better_than_shares(seen: TrainingSeen) -> str | None:
    kept = seen.losses.kept
    if not seen.plain_loss or kept is None or not len(seen.y_true):
        return None
    shares = np.bincount(seen.y_true, minlength=seen.y_score.shape[1]) / len(seen.y_true)
    guess = float(-np.sum(shares[shares > 0] * np.log(shares[shares > 0])))
    if kept < guess:
        return None
    n = seen.y_score.shape[1]
    even = f", and ln {n} = {np.log(n):.3f} that of {n} classes alike" if kept >= np.log(n) else ""
    return f"validation loss {kept:.3f}; guessing the shares of the classes has {guess:.3f}{even}"


@_rule(
    "The training loss rises",
    "The rate is too high for this network: take a lower one (`hilum find-rate`), or clip gradients (`clip_norm`).",
)
def _training_loss_rises(seen: TrainingSeen) -> str | None:
    loss = seen.losses.train
    if len(loss) < 2 or loss[-1] <= LOSS_RISES * loss[0]:
        return None
    return f"training loss {loss[0]:.3f} in the first epoch, {loss[-1]:.3f} in the last"


@_rule(
    "Over-fitted from early on",
    "Keep the best epoch (`training.best_epoch = true`) or stop early (`training.early_stopping`); a lower rate, weight decay, "
    "augmentation or more films may help.",
)
def _overfits_early(seen: TrainingSeen) -> str | None:
    train, valid = seen.losses.train, seen.losses.valid
    if len(valid) < 3 or len(train) != len(valid):
        return None
    best = int(np.argmin(valid))
    early = best + 1 <= max(1, OVERFIT_EARLY * len(valid))
    steep = valid[-1] >= OVERFIT_RISE * valid[best] and train[-1] < train[best]
    if not (early and steep) or (seen.losses.best or len(valid)) == best + 1:
        return None
    return f"validation loss lowest ({valid[best]:.3f}) after epoch {best + 1}, {valid[-1]:.3f} after {len(valid)}"


@_rule(
    "The loss was still falling at the end",
    "Train for more epochs (`training.epochs`), or at a higher rate (`hilum find-rate`), before comparing cells.",
)
def _still_falling(seen: TrainingSeen) -> str | None:
    train, valid, rates = seen.losses.train, seen.losses.valid, seen.losses.rates
    if len(train) < 3 or (rates and rates[-1] <= ANNEALED * max(rates)):
        return None
    last = max(1, int(LAST_QUARTER * len(train)))
    whole, end = train[0] - train[-1], train[-1 - last] - train[-1]
    if len(valid) and int(np.argmin(valid)) < len(valid) - last:
        return None
    if whole <= 0 or end < STILL_FALLING * whole or end < STILL_FALLING_OF_LOSS * train[-1 - last]:
        return None
    return f"training loss {train[0]:.3f}, {train[-1 - last]:.3f}, {train[-1]:.3f} after epochs 1, {len(train) - last}, {len(train)}"


@_rule(
    "The rate is far from the finder's",
    "Look at the finder's curve; a rate between its suggestions is the usual choice.",
)
def _rate_apart(seen: TrainingSeen) -> str | None:
    if seen.highest_rate is None or not seen.suggested:
        return None
    low, high, rate = min(seen.suggested), max(seen.suggested), seen.highest_rate
    if low / RATE_APART <= rate <= high * RATE_APART:
        return None
    return f"highest rate {rate:.1e}, the finder suggests {low:.1e} to {high:.1e}"


def learning_problems(seen: TrainingSeen) -> list[tuple[Rule, str]]:
    """The rules that hold for a training, with the numbers that they hold by."""
    return [(rule, facts) for rule in RULES if (facts := rule.facts(seen)) is not None]

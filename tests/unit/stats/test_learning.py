"""The rules about models that did not learn: a training that a rule is made for, and the same one just inside its threshold."""

import math

import numpy as np
import pytest

from hilum.artifacts.history import LossCurve
from hilum.stats.learning import RULES, TrainingSeen, learning_problems

RNG = np.random.default_rng(4)
TRUE = np.repeat([0, 1, 2, 3], [10, 20, 50, 20])
GOOD_SCORES = 0.7 * np.eye(4)[TRUE] + 0.075
FALLING = [1.0 / (e + 1) + 0.2 for e in range(20)]


def seen(**values):
    """A training that learned: losses that fall and level off, scores that are right."""
    losses = [
        values.pop(name, usual)
        for name, usual in (
            ("train_loss", FALLING), ("valid_loss", [x + 0.05 for x in FALLING]), ("kept", None), ("rates", [1e-3] * 20),
        )
    ]  # fmt: skip
    base = {
        "losses": LossCurve(*losses), "y_true": TRUE, "y_score": GOOD_SCORES, "positive": 1, "threshold": 0.5, "plain_loss": True,
        "highest_rate": 1e-3, "suggested": (1e-3, 1e-2),
    }  # fmt: skip
    return TrainingSeen(**{**base, **values})


def codes(training):
    return [rule.code for rule, _ in learning_problems(training)]


def facts(training, code):
    return {rule.code: words for rule, words in learning_problems(training)}[code]


def test_a_training_that_learned_has_no_problem():
    assert codes(seen()) == []
    assert len({r.code for r in RULES}) == len(RULES) == 8


def test_the_same_answer_for_every_film():
    same = np.tile([0.1, 0.2, 0.6, 0.1], (100, 1))
    assert codes(seen(y_score=same))[:2] == ["constant-answer", "ranks-by-chance"]
    assert facts(seen(y_score=same), "constant-answer").endswith("differ by 0 over 100 validation films")
    # two of a hundred films get another class: 98 % is one answer, 97 % is not
    rare = same + np.c_[np.zeros(100), RNG.uniform(0, 0.01, 100), np.zeros((100, 2))]
    rare[:2, 0] = 0.9
    assert (
        facts(seen(y_score=rare), "constant-answer")
        == "98% of the validation films get one class, of which 50% are"
    )
    rare[:3, 0] = 0.9
    assert "constant-answer" not in codes(seen(y_score=rare))


def test_one_class_that_nearly_all_films_are_of_is_no_constant_answer():
    true = np.repeat([0, 1], [91, 9])
    scores = np.c_[np.linspace(0.6, 0.9, 100), np.linspace(0.4, 0.1, 100)]
    assert "constant-answer" not in codes(seen(y_true=true, y_score=scores))


def test_sensitivity_94_with_specificity_3():
    """The instance that was met: 17 films of the class, of which 16 are found; 100 others, of which 3 are left alone."""
    true = np.repeat([1, 0], [17, 100])
    said = np.r_[np.ones(16), np.zeros(1), np.zeros(3), np.ones(97)]
    scores = np.c_[1 - said, said] * 0.8 + 0.1
    found = facts(seen(y_true=true, y_score=scores), "degenerate-decision")
    assert found == "at the operating point sensitivity 0.94 with specificity 0.03 on 117 validation films"


@pytest.mark.parametrize(("right", "degenerate"), [(54, True), (56, False)])
def test_a_decision_is_degenerate_below_a_youden_index_of_a_tenth(right, degenerate):
    true = np.repeat([1, 0], [100, 100])
    said = np.r_[np.ones(right), np.zeros(100 - right), np.ones(100 - right), np.zeros(right)]
    scores = np.c_[1 - said, said] * 0.8 + 0.1
    assert ("degenerate-decision" in codes(seen(y_true=true, y_score=scores))) is degenerate


def test_a_class_that_is_never_named_is_said_even_where_its_ranking_is_good():
    scores = GOOD_SCORES.copy()
    scores[:, 1] *= 0.05
    found = facts(seen(y_score=scores, threshold=0.02), "degenerate-decision")
    assert (
        found == "by the highest probability sensitivity 0.00 with specificity 1.00 on 100 validation films"
    )


def test_an_area_of_chance_is_judged_by_its_own_error():
    """With 10 and 10 films two standard errors are 2 * sqrt(21 / 1200) = .265: an area of .76 is chance, one of .78 is not."""

    def area(n_above):
        true = np.repeat([1, 0], [10, 10])
        score = np.r_[np.full(10, 0.5), np.full(10, 0.4)]
        score[10 : 10 + (100 - n_above) // 10] = 0.6  # each of these others is above all ten of the class
        return seen(y_true=true, y_score=np.c_[1 - score, score], threshold=None)

    assert (
        facts(area(70), "ranks-by-chance")
        == "validation ROC-AUC 0.700 with 10 films of the class and 10 others"
    )
    assert "ranks-by-chance" not in codes(area(80))


def test_validation_loss_is_held_against_that_of_the_class_shares():
    """Shares .1 .2 .5 .2 have an entropy of 1.2206; ln 4 is 1.3863."""
    entropy = -sum(p * math.log(p) for p in (0.1, 0.2, 0.5, 0.2))
    assert entropy == pytest.approx(1.2206, abs=1e-4)

    def ends(loss, **more):
        return seen(valid_loss=[*([2.0] * 19), loss], **more)

    assert "no-better-than-shares" not in codes(ends(1.22))
    assert (
        facts(ends(1.23), "no-better-than-shares")
        == "validation loss 1.230; guessing the shares of the classes has 1.221"
    )
    assert facts(ends(1.39), "no-better-than-shares").endswith(
        "1.221, and ln 4 = 1.386 that of 4 classes alike"
    )
    assert "no-better-than-shares" not in codes(ends(1.39, plain_loss=False))
    assert "no-better-than-shares" not in codes(seen(valid_loss=[0.9, *([2.0] * 19)], kept=1))


def test_losses_that_rise():
    assert facts(seen(train_loss=[1.0, 1.2, 1.3], valid_loss=[]), "training-loss-rises") == (
        "training loss 1.000 in the first epoch, 1.300 in the last"
    )
    assert "training-loss-rises" not in codes(seen(train_loss=[1.0, 0.9, 1.05], valid_loss=[]))
    rising = [0.6, 0.5, *np.linspace(0.52, 0.63, 18)]
    assert (
        facts(seen(valid_loss=rising), "overfits-early")
        == "validation loss lowest (0.500) after epoch 2, 0.630 after 20"
    )
    assert "overfits-early" not in codes(seen(valid_loss=rising, kept=2))
    assert "overfits-early" not in codes(seen(valid_loss=[*rising[:-1], 0.62]))
    late = [*np.linspace(0.9, 0.5, 8), *np.linspace(0.52, 0.7, 12)]
    assert "overfits-early" not in codes(seen(valid_loss=late))


def test_a_loss_that_still_falls_at_the_end():
    straight = [2.0 - 0.09 * e for e in range(20)]
    found = facts(seen(train_loss=straight, valid_loss=straight), "still-falling")
    assert found == "training loss 2.000, 0.740, 0.290 after epochs 1, 15, 20"
    annealed = [1e-3] * 19 + [1e-5]
    assert "still-falling" not in codes(seen(train_loss=straight, valid_loss=straight, rates=annealed))
    lowest_early = [*straight[:10], *([1.2] * 10)]
    assert "still-falling" not in codes(seen(train_loss=straight, valid_loss=lowest_early))
    assert "still-falling" not in codes(seen(train_loss=[1.0, 0.1], valid_loss=[]))


@pytest.mark.parametrize(("rate", "apart"), [(9e-5, True), (1.1e-4, False), (9e-2, False), (1.1e-1, True)])
def test_a_rate_is_far_by_a_factor_of_ten(rate, apart):
    assert ("rate-apart" in codes(seen(highest_rate=rate))) is apart
    assert "rate-apart" not in codes(seen(highest_rate=rate, suggested=()))


def test_without_validation_films_only_losses_are_judged():
    none = seen(y_true=np.zeros(0, np.int64), y_score=np.zeros((0, 4)))
    assert codes(none) == []

"""The rows of a file and of a cell: which there are, what they say, what is null and why."""

import numpy as np
import pytest

from film_statistics import film_statistics
from hilum.artifacts.statistics import StatisticsRow
from hilum.core.errors import InputError
from hilum.stats.confusion import confusion, predicted_class, rates
from hilum.stats.contrasts import contrast
from hilum.stats.curves import roc_auc
from hilum.stats.proportions import clopper_pearson
from hilum.stats.scored_films import ScoredFilms
from hilum.stats.summary import cell_statistics
from hilum.stats.trials import summarise_trials
from statistics_rows import find

CLASSES = ["bacterial", "covid", "normal", "viral"]
TABLE_6 = [[636, 4, 10, 69], [0, 1742, 65, 1], [0, 275, 4790, 31], [6, 13, 29, 625]]


def table_6() -> tuple[np.ndarray, np.ndarray]:
    cells = np.repeat(np.arange(16), np.ravel(TABLE_6))
    return cells // 4, np.eye(4)[cells % 4]


def films(seed: int, n: int = 300, strength: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = np.arange(n) % 4
    z = rng.normal(size=(n, 4))
    z[np.arange(n), true] += strength
    return true, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def test_table_6_as_a_file_of_predictions() -> None:
    rows = film_statistics(*table_6(), CLASSES, "covid", n_resamples=200, seed=1)
    found = {name: find(rows, name, "covid") for name in ("sensitivity", "specificity", "strict_rate", "ppv")}
    assert [round(r.estimate or 0, 4) for r in found.values()] == [0.9635, 0.9550, 0.9326, 0.8564]
    for row in found.values():
        assert row.low is not None
        assert row.high is not None
        assert row.low < (row.estimate or 0) < row.high
    sensitivity = found["sensitivity"]
    assert (sensitivity.n, sensitivity.n_positive, sensitivity.part, sensitivity.seed) == (
        8296,
        1808,
        "test",
        1,
    )
    assert (
        sensitivity.method
        == "percentile bootstrap, 200 resamples of 8296 films; trials not resampled (one trial)"
    )
    assert "chance in training is not in the interval" in sensitivity.note
    accuracy = find(rows, "accuracy", "all")
    assert accuracy.estimate == pytest.approx((636 + 1742 + 4790 + 625) / 8296)
    assert all(r.formula for r in rows)
    assert len({r.key for r in rows}) == len(rows)


def test_a_wide_sample_agrees_with_the_binomial() -> None:
    row = find(film_statistics(*table_6(), CLASSES, "covid", n_resamples=2000), "sensitivity", "covid")
    error = (row.estimate * (1 - row.estimate) / 1808) ** 0.5  # type: ignore[operator]
    assert row.film_error == pytest.approx(error, rel=0.05)
    assert row.high - row.low == pytest.approx(2 * 1.96 * error, rel=0.07)  # type: ignore[operator]


def test_patients_with_copies_of_a_film_make_the_interval_wider() -> None:
    true, score = films(0, 400)
    times = 4
    alone = film_statistics(true, score, CLASSES, "covid", n_resamples=500)
    clusters = np.tile(np.arange(400), times)
    copies = film_statistics(
        np.tile(true, times),
        np.tile(score, (times, 1)),
        CLASSES,
        "covid",
        clusters=clusters,
        unit="patient",
        n_resamples=500,
    )
    for a, c in zip(alone, copies, strict=True):
        if a.class_ == "covid" and a.method.startswith("percentile"):
            assert c.estimate == pytest.approx(a.estimate)
            assert (c.low, c.high) == (pytest.approx(a.low), pytest.approx(a.high))
            assert (c.unit, c.n_clusters, c.n) == ("patient", 400, 1600)
            assert "500 resamples of 400 patients" in c.method


def test_a_cell_is_the_mean_of_its_trials_with_their_standard_error() -> None:
    scores = [films(seed) for seed in range(3)]
    trials = [ScoredFilms(true, score, np.arange(300)) for true, score in scores]
    rows = cell_statistics(trials, CLASSES, "covid", n_resamples=200)
    each = [rates(confusion(t, predicted_class(s), 4), 1)["sensitivity"] for t, s in scores]
    row, wanted = find(rows, "sensitivity", "covid"), summarise_trials(each)
    assert row.estimate == pytest.approx(wanted.mean)
    assert row.standard_error == pytest.approx(wanted.standard_error)
    assert (row.t_low, row.t_high) == (pytest.approx(wanted.low), pytest.approx(wanted.high))
    assert row.n_trials == 3
    assert row.method.endswith("200 resamples of 300 films and of 3 trials (Student's t, 2 df)")
    areas = [roc_auc(t == 1, s[:, 1]) for t, s in scores]
    assert find(rows, "roc_auc", "covid").estimate == pytest.approx(float(np.mean(areas)))  # type: ignore[arg-type]


def test_trials_with_films_of_their_own() -> None:
    parts = [films(0, 120), films(1, 124)]
    clusters = [np.arange(120), np.arange(60, 184)]
    rows = cell_statistics(
        [ScoredFilms(t, s, c) for (t, s), c in zip(parts, clusters, strict=True)],
        CLASSES,
        "covid",
        n_resamples=100,
    )
    row = find(rows, "accuracy", "all")
    assert (row.n, row.n_clusters) == (122, 184)
    assert "films differ between trials; n is their mean: 120, 124" in row.note


def test_the_operating_point_has_rows_of_its_own() -> None:
    true, score = films(3)
    rows = film_statistics(true, score, CLASSES, "covid", n_resamples=50, threshold=0.2)
    said = score[:, 1] >= 0.2
    row = find(rows, "sensitivity@operating_point", "covid")
    assert row.estimate == pytest.approx(said[true == 1].mean())
    assert "threshold 0.2" in row.note
    assert find(rows, "sensitivity", "covid").estimate != row.estimate
    assert {r.metric for r in rows if r.metric.endswith("@operating_point")} == {
        f"{m}@operating_point" for m in ("sensitivity", "specificity", "ppv", "npv", "f1", "accuracy")
    }
    assert not [r for r in film_statistics(true, score, CLASSES, "covid", n_resamples=50) if "@" in r.metric]


def test_contrasts_stand_beside_the_headline() -> None:
    true, score = films(4)
    adult = np.arange(300) % 8 >= 4
    contrasts = [
        contrast(score, "covid vs adult normal", true == 1, (true == 2) & adult, (1,)),
        contrast(
            score,
            "covid among child normals",
            np.zeros(300, bool),
            (true == 2) & ~adult,
            (1,),
            one_sided=True,
        ),
        contrast(score, "bacterial vs viral", true == 0, true == 3, (0,), (3,)),
    ]
    rows = film_statistics(true, score, CLASSES, "covid", n_resamples=50, contrasts=contrasts)
    adult_normals = (true == 2) & adult
    row = find(rows, "specificity", "covid vs adult normal")
    assert row.estimate == pytest.approx((predicted_class(score)[adult_normals] != 1).mean())
    assert (row.n, row.n_positive) == (int(adult_normals.sum()) + 75, 75)
    children = [r for r in rows if r.class_ == "covid among child normals"]
    assert [r.metric for r in children] == ["specificity"]
    both = (true == 0) | (true == 3)
    share = score[both, 0] / (score[both, 0] + score[both, 3])
    assert find(rows, "roc_auc", "bacterial vs viral").estimate == pytest.approx(
        roc_auc(true[both] == 0, share)
    )
    plain = film_statistics(true, score, CLASSES, "covid", n_resamples=50)
    assert [r for r in rows if r.class_ in (*CLASSES, "all", "macro")] == plain  # the headline does not move


def test_a_contrast_without_films_is_null_and_says_why() -> None:
    true, score = films(4)
    nobody = contrast(
        score, "a vs b", [False] * 300, [False] * 300, (1,), note="the films' age group is not known"
    )
    rows = film_statistics(true, score, CLASSES, "covid", n_resamples=50, contrasts=[nobody])
    row = find(rows, "roc_auc", "a vs b")
    assert (row.estimate, row.low, row.n) == (None, None, 0)
    assert row.note == "the films' age group is not known; undefined: no film of the class"


def test_few_errors_get_the_exact_interval() -> None:
    true = np.repeat([0, 1], 60)
    score = np.eye(2)[true]
    score[60] = [1, 0]  # one covid film of sixty missed
    rows = film_statistics(true, score, ["normal", "covid"], "covid", n_resamples=50)
    row = find(rows, "sensitivity", "covid")
    assert (row.low, row.high) == pytest.approx(clopper_pearson(59, 60))
    assert row.method == "Clopper-Pearson on effective n = 60 films"
    assert row.note.startswith("few events (1 error)")
    sure = find(rows, "specificity", "covid")
    assert sure.estimate == 1.0
    assert (sure.low, sure.high) == pytest.approx(clopper_pearson(60, 60))
    paired = film_statistics(
        true,
        score,
        ["normal", "covid"],
        "covid",
        clusters=np.arange(120) // 2,
        unit="patient",
        n_resamples=50,
    )
    assert find(paired, "sensitivity", "covid").method == "Clopper-Pearson on effective n = 30 patients"


def test_a_class_without_films_is_null_not_nan() -> None:
    true, score = films(5)
    rows = film_statistics(true[true != 3], score[true != 3], CLASSES, "covid", n_resamples=50)
    row = find(rows, "sensitivity", "viral")
    assert (row.estimate, row.low, row.method) == (None, None, "none")
    assert row.note == "undefined: no film of the class"
    assert find(rows, "pr_auc", "viral").note == "undefined: no film of the class"
    assert find(rows, "roc_auc", "covid").estimate is not None
    two = [
        ScoredFilms(true, score, np.arange(300)),
        ScoredFilms(true[true != 3], score[true != 3], np.arange(225)),
    ]
    assert (
        "(in trial 2 of 2)"
        in find(cell_statistics(two, CLASSES, "covid", n_resamples=50), "roc_auc", "viral").note
    )


def test_equal_input_gives_equal_rows() -> None:
    def rows(seed: int) -> list[StatisticsRow]:
        return film_statistics(*films(6), CLASSES, "covid", n_resamples=100, seed=seed)

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)


@pytest.mark.parametrize(
    ("trials", "positive", "message"),
    [
        ([], "covid", "expected trials"),
        ([ScoredFilms(*films(0), np.arange(300))], "flu", "'flu' is not one of"),
        (
            [ScoredFilms(*films(0), np.arange(299))],
            "covid",
            "trial 0: expected 4 scores and a cluster a film; got 300 films",
        ),
        (
            [ScoredFilms([0], [[0.1, float("nan"), 0.1, 0.1]], [0])],
            "covid",
            "trial 0: film at position 0 has a score",
        ),
        ([ScoredFilms([4], [[0.1, 0.2, 0.1, 0.1]], [0])], "covid", r"trial 0, y_true: position 0 holds 4"),
        (
            [ScoredFilms(*films(0), np.arange(300)), ScoredFilms(*films(0), np.arange(300), threshold=0.5)],
            "covid",
            "all have an operating point, or none",
        ),
    ],
)
def test_wrong_input_is_named(trials: list[ScoredFilms], positive: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cell_statistics(trials, CLASSES, positive)

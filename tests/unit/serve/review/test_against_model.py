"""Readers against the model: McNemar against statsmodels, Holm against statsmodels, and who is called better."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from hilum.serve.review.against_model import TESTED, ReaderTest, reader_tests
from hilum.stats.mcnemar import clustered_mcnemar
from hilum.stats.scored_films import ScoredFilms

CLASSES = ("covid", "normal", "viral")
N = 240
RNG = np.random.default_rng(5)
LABEL = RNG.integers(3, size=N)
MODEL = np.where(RNG.random(N) < 0.7, LABEL, RNG.integers(3, size=N))


def films(said: np.ndarray, clusters: list[str] | None = None) -> ScoredFilms:
    ids = [f"a/{k:03d}" for k in range(N)]
    return ScoredFilms(LABEL, np.eye(3)[said], np.array(clusters or [f"film {i}" for i in ids]), ids)


def reader(seed: int, right: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(N) < right, LABEL, rng.integers(3, size=N))


def compared(readers: dict[str, np.ndarray]) -> list[ReaderTest]:
    return reader_tests({r: (films(s), films(MODEL)) for r, s in readers.items()}, CLASSES, "covid", "film")


READERS = {"A": reader(1, 0.72), "B": reader(2, 0.99), "C": reader(3, 0.3)}


def test_p_is_statsmodels_exact_one_adjusted_by_holm_over_the_readers() -> None:
    found = compared(READERS)
    is_covid = LABEL == 0
    below = {"sensitivity": is_covid, "specificity": ~is_covid, "accuracy": np.ones(N, bool)}
    for metric in TESTED:
        rows = [t for t in found if t.metric == metric]
        wanted = []
        for said in READERS.values():
            mine, model = (((s == 0) == is_covid)[below[metric]] for s in (said, MODEL))
            table = [
                [(mine & model).sum(), (mine & ~model).sum()],
                [(~mine & model).sum(), (~mine & ~model).sum()],
            ]
            wanted.append(mcnemar(table, exact=True).pvalue)
        assert [t.reader for t in rows] == ["A", "B", "C"]
        assert [t.p_exact for t in rows] == pytest.approx(wanted)
        assert [t.p_adjusted for t in rows] == pytest.approx(multipletests(wanted, method="holm")[1])
        assert all(t.p_clusters is None for t in rows)


def test_better_is_said_of_the_reader_who_is_and_of_no_other() -> None:
    said = {t.reader: t.verdict for t in compared(READERS) if t.metric == "accuracy"}
    assert said == {"A": "not distinguishable", "B": "better", "C": "worse"}


def test_what_one_reader_shows_alone_it_may_not_show_among_many() -> None:
    shown = MODEL.copy()
    wrong = np.flatnonzero((MODEL == 0) != (LABEL == 0))[:7]
    shown[wrong] = LABEL[wrong]
    (alone,) = (t for t in compared({"A": shown}) if t.metric == "accuracy")
    assert (alone.gained, alone.lost, alone.p_exact, alone.verdict) == (7, 0, 2 / 2**7, "better")
    others = {f"r{k}": MODEL for k in range(9)}
    among = next(t for t in compared({"A": shown, **others}) if (t.reader, t.metric) == ("A", "accuracy"))
    assert (among.p_exact, among.p_adjusted, among.verdict) == (2 / 2**7, 20 / 2**7, "not distinguishable")
    assert among.low is not None
    assert among.low < 0 < among.high


def test_who_says_what_the_model_says_is_not_distinguishable() -> None:
    assert {(t.estimate, t.p_exact, t.verdict) for t in compared({"A": MODEL})} == {
        (0.0, 1.0, "not distinguishable")
    }


def test_films_of_one_patient_count_together() -> None:
    clusters = [f"patient {k // 4}" for k in range(N)]
    mine, model = films(READERS["B"], clusters), films(MODEL, clusters)
    row = next(
        t for t in reader_tests({"B": (mine, model)}, CLASSES, "covid", "patient") if t.metric == "accuracy"
    )
    right, of_model = (((s == 0) == (LABEL == 0)) for s in (READERS["B"], MODEL))
    assert row.p_clusters == pytest.approx(clustered_mcnemar(right, of_model, clusters))
    assert row.p_adjusted == pytest.approx(max(row.p_exact or 0, row.p_clusters or 0))


def test_without_films_of_the_class_there_is_no_test() -> None:
    none = np.flatnonzero(LABEL != 0)
    mine, model = films(READERS["B"]).take(none), films(MODEL).take(none)
    row = next(
        t for t in reader_tests({"B": (mine, model)}, CLASSES, "covid", "film") if t.metric == "sensitivity"
    )
    assert (row.verdict, row.p_exact, row.n) == ("undefined", None, 0)
    assert "no film of the class" in row.note
    one = replace(mine, clusters=np.array(["patient 1"] * len(none)))
    only = next(
        t
        for t in reader_tests(
            {"B": (one, replace(model, clusters=one.clusters))}, CLASSES, "covid", "patient"
        )
        if t.metric == "specificity"
    )
    assert (only.verdict, only.p_exact) == ("undefined", None)

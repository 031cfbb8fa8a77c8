"""Planted drift is seen within a window, by the statistic that it should be; without any there is no alarm in 50 windows."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from hilum.core.seeding import generator
from hilum.imaging.shape import shape_of
from hilum.monitor.drift import LEAST, STEP, WINDOW, Checker, Window
from hilum.monitor.reference import About, Reference
from hilum.monitor.seen import PROPERTIES, Seen, log_odds, properties_of
from hilum.stats.windows import WINDOWS, level_of_each
from hilum.synthetic.confounders import Confounder
from hilum.synthetic.phantom import draw

SIDE_PX = 64


def seen(
    k: int, change: Callable | None = None, child: bool | None = None, strangeness: bool = False
) -> Seen:
    """A film of a new patient, its logits drawn."""
    for n in range(100):
        rng = generator(7, "drift", k, n)
        label = str(rng.choice(["covid", "normal"], p=[0.4, 0.6]))
        made = draw(label, rng, SIDE_PX)
        if child is None or (made.facts["age_group"] == "child") == child:
            break
    film = made.pixels if change is None else change(made.pixels, rng)
    z = np.array([rng.normal(1.0 if label == "covid" else -1.0), 0.0])
    strange = float(rng.normal()) if strangeness else float("nan")
    return Seen(z, strange, properties_of(film, film.shape), shape_of(film))


def reference_of(films: list[Seen]) -> Reference:
    return Reference.of(
        About("ab" * 32, ("covid", "normal"), "covid", "synthetic"), films, [True] * len(films)
    )


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(reference_of([seen(k) for k in range(300)]))


def elsewhere(film, rng):
    return Confounder("border", 1).planted((255 * (film / 255) ** 1.5).astype(np.uint8), rng)


@pytest.mark.parametrize(
    ("change", "child", "group", "statistic"),
    [
        (lambda film, _: 255 - film, None, "shape", "what is on the films"),
        (None, True, "shape", "what is on the films"),
        (elsewhere, None, "films", "mean grey"),
        (Confounder("grain", 1).planted, None, "films", "grain"),
    ],
    ids=["inverted", "children", "another hospital", "grain"],
)
def test_planted_drift_is_seen_within_a_window(
    checker: Checker, change, child, group: str, statistic: str
) -> None:
    window = Window.of([seen(10_000 + k, change, child) for k in range(WINDOW)])
    alarms = {(c.group, c.statistic) for c in checker.checks(window) if c.alarm}
    assert (group, statistic) in alarms
    assert not {g for g, _ in alarms} & {"scores"}  # the answers were drawn as before


def test_nothing_alarms_in_50_windows_where_nothing_drifts(checker: Checker) -> None:
    stream = [seen(20_000 + k) for k in range(WINDOW + STEP * (WINDOWS - 1))]
    for start in range(0, STEP * WINDOWS, STEP):
        assert not [c for c in checker.checks(Window.of(stream[start : start + WINDOW])) if c.alarm]


def test_values_and_thresholds_are_scipys(checker: Checker) -> None:
    films = [seen(30_000 + k) for k in range(40)]
    checks = {(c.statistic, c.method): c for c in checker.checks(Window.of(films))}
    assert len(checks) == checker.n_statistics == 3 + len(PROPERTIES) + 1
    reference, window = checker.reference, Window.of(films)
    alpha = level_of_each(checker.n_statistics)
    for k, name in enumerate(PROPERTIES):
        theirs = stats.ks_2samp(window.properties[:, k], reference.properties[:, k])
        found = checks[name, "KS"]
        assert found.value == pytest.approx(theirs.statistic, abs=1e-12)
        assert found.alarm == (found.value > found.threshold)
        if found.alarm:
            assert theirs.pvalue < alpha
    odds = checks["probability of covid", "KS"]
    assert odds.window == pytest.approx((1 / (1 + np.exp(-log_odds(window.logits, 0)))).mean())
    assert odds.threshold == pytest.approx(stats.kstwobign.isf(alpha) * (1 / 40 + 1 / 300) ** 0.5)


def test_a_gate_adds_a_statistic_and_its_shift_is_seen() -> None:
    of = reference_of([seen(k, strangeness=True) for k in range(80)])
    with_gate = Checker(of)
    assert with_gate.n_statistics == 3 + 1 + len(PROPERTIES) + 1
    window = Window.of([seen(40_000 + k, strangeness=True) for k in range(50)])
    stranger = Window(window.logits, window.strangeness + 3, window.properties, window.shapes)
    assert [c.statistic for c in with_gate.checks(stranger) if c.alarm] == ["strangeness to the gate"]


def test_too_few_films_are_not_looked_at(checker: Checker) -> None:
    assert checker.checks(Window.of([seen(k) for k in range(LEAST - 1)])) == []


def test_films_that_the_model_trained_on_count_for_looks_alone() -> None:
    films = [seen(k) for k in range(60)]
    of = reference_of(films)
    held_out = np.arange(60) < 40
    mixed = Reference(
        of.about,
        np.where(held_out[:, None], of.logits, np.nan),
        of.strangeness,
        of.properties,
        of.shapes,
        held_out,
    )
    checks = {c.statistic: c for c in Checker(mixed).checks(Window.of(films[:40]))}
    assert checks["probability of covid"].value == 0
    assert checks["mean grey"].value > 0

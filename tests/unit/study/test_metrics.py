"""The table of metrics: what follows from an entry, that areas stand in the order of the compiled walk, and that the page lists them."""

import runpy
from pathlib import Path

import pytest

from hilum.stats.confusion import ratios
from hilum.stats.curves import AREA_OF
from hilum.study.metrics import AREAS, KINDS, METRIC, METRICS, metric_label, shown_in, with_rows

ROOT = Path(__file__).parents[3]


def test_areas_stand_in_the_order_of_the_walk_and_have_a_function_each():
    assert AREAS == ("pr_auc", "average_precision", "roc_auc") == tuple(AREA_OF)


@pytest.mark.parametrize("metric", [m for m in METRIC.values() if not m.is_area], ids=lambda m: m.name)
def test_what_counts_is_a_proportion_or_twice_one_over_itself_and_errors(metric):
    """So Clopper and Pearson's limits hold for it, or for F of F1 = 2 F / (1 + F)."""
    assert set(metric.above) < set(metric.below) <= set(KINDS)
    if metric.is_proportion:
        assert set(metric.above.values()) == {1}
    else:
        assert all(metric.below[kind] == (2 if kind in metric.above else 1) for kind in metric.below)
    assert metric.undefined
    assert not metric.limits


def test_shares_of_films_that_are_fixed_before_anything_is_predicted():
    found = {m.name: m.share_of for m in METRICS if m.share_of != "predicted"}
    assert found == {
        "sensitivity": "class",
        "specificity": "others",
        "strict_rate": "others",
        "accuracy": "all",
    }
    for ratio in ratios(4, 1):  # by the weights: whether a film is below the line does not hang on its column
        fixed = (ratio.below == ratio.below[:, :1]).all()
        assert fixed == (ratio.metric.share_of != "predicted")


def test_every_place_shows_what_it_did():
    assert shown_in("headline") == ("sensitivity", "specificity", "pr_auc")
    assert shown_in("by class") == ("sensitivity", "specificity", "ppv", "npv", "f1", "pr_auc", "roc_auc")
    assert shown_in("threshold") == ("sensitivity", "specificity", "ppv", "npv")
    assert with_rows("macro of two") == ("sensitivity", "f1")
    assert [m.name for m in METRICS if m.needs_exact_class] == ["strict_rate"]


def test_a_name_of_no_metric_is_its_own_label():
    assert (metric_label("npv"), metric_label("accuracy"), metric_label("seconds")) == (
        "NPV",
        "Accuracy",
        "seconds",
    )


def test_the_reference_lists_every_metric():
    pages = runpy.run_path(str(ROOT / "docs" / "reference" / "generated.py"))
    for path, text in pages["pages"]().items():
        assert path.read_text(encoding="utf-8") == text, f"run python docs/reference/generated.py ({path})"

"""Write the reference pages that list what a table of the code has; ``python docs/reference/generated.py``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hilum.study.factors import FACTORS, Factor
from hilum.study.metrics import EXACT_ACCURACY, METRICS, Metric

HERE = Path(__file__).parent
_METRICS = """# Metrics

Every figure is of one class against the rest, for the class of the highest probability or for the ranking by the class's probability.
`statistics.json` has all of them for each class (of two classes, the positive one) and each trial; accuracy of all classes together is of
films given their own exact class. 0 / 0 is undefined, a row with its reason. The entry of a metric is in `hilum/study/metrics.py`;
this page is written from it.

"""
_FACTORS = """# Factors of the grid

Each key of `[grid]` lists levels of a factor; the cells are every level of one with every level of the others, each trained `grid.trials`
times (3). The name of a cell, its folder, has its levels in this order, joined by `--`; the default is left out of it. A family of
comparisons (`[[compare]]`) names a factor by its first column, `hilum runs --where` too. The entry of a factor is in
`hilum/study/factors.py`; this page is written from it.

"""


def pages() -> dict[Path, str]:
    """Path -> text of every page."""
    return {HERE / "metrics.md": _METRICS + metrics(), HERE / "factors.md": _FACTORS + factors()}


def metrics() -> str:
    """The table of metrics."""
    return table(
        ("metric", "in files", "what it is", "undefined where", "better"),
        (_of(m) for m in (*METRICS, EXACT_ACCURACY)),
    )


def _of(metric: Metric) -> tuple[str, ...]:
    name = "accuracy, class `all`" if metric is EXACT_ACCURACY else f"`{metric.name}`"
    undefined = metric.undefined or "no film of the class, or (ROC-AUC) none of another"
    return metric.label, name, metric.formula, undefined, "higher" if metric.higher_is_better else "lower"


def factors() -> str:
    """The table of factors."""
    return table(
        ("factor", "key", "default", "a level is", "in a cell's name"), (_of_factor(f) for f in FACTORS)
    )


def _of_factor(factor: Factor) -> tuple[str, ...]:
    default = ", ".join(factor.text(level) for level in factor.levels) or "the study's"
    left_out = f", but `{factor.default}`" if factor.default else ""
    return (
        f"`{factor.name}`",
        f"`grid.{factor.key}`" if factor.in_grid else f"`{factor.key}`",
        default,
        factor.what,
        f"`{factor.mark}LEVEL`{left_out}",
    )


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")

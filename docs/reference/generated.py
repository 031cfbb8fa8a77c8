"""Write the reference pages that list what a table of the code has; ``python docs/reference/generated.py``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hilum.augment.lungs import ReadsLungs
from hilum.augment.operation import Operation
from hilum.augment.operations import OPERATIONS
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
_OPERATIONS = """# Operations of pipelines

A step of a pipeline is `{ op = "NAME", option = value, ... }`, in `[[augment.pipeline]]` of a study. Every operation takes
`probability` (1) and `parts` too ([study file](study-file.md)). What is drawn, or found in a film, is listed for each film and replays
to the same pixels. An operation that reads lungs needs a [mask of them](../how-to/pipelines-with-lungs.md). The entry of an operation
is in `hilum/augment/operations.py`, its options with their ranges in its own module; this page is written from it.

"""


def pages() -> dict[Path, str]:
    """Path -> text of every page."""
    return {
        HERE / "metrics.md": _METRICS + metrics(),
        HERE / "factors.md": _FACTORS + factors(),
        HERE / "operations.md": _OPERATIONS + operations(),
    }


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


def operations() -> str:
    """The table of operations."""
    return table(
        ("operation", "options and their defaults", "what it does", "decided by"),
        (_of_operation(o) for o in OPERATIONS.values()),
    )


def _of_operation(operation: type[Operation]) -> tuple[str, ...]:
    own = {n: f for n, f in operation.model_fields.items() if n not in Operation.model_fields}
    options = [f"`{n}`" if f.is_required() else f"`{n} = {_toml(f.default)}`" for n, f in own.items()]
    what = " ".join((operation.__doc__ or "").split("\n\n")[0].split())
    if issubclass(operation, ReadsLungs):
        follows = "the film's lungs"
    elif operation.by_film:
        follows = "the film"
    else:
        follows = (
            "its options" if operation.sample is Operation.sample else "chance, where its options leave some"
        )
    return f"`{operation.op}`", ", ".join(options) or "–", what, follows


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")

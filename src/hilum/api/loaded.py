"""`hilum.load`: anything that hilum wrote, by its path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hilum.api.explanations import Explanations
from hilum.api.films import Audit, Films
from hilum.api.floor import Floors
from hilum.api.models import Model, Predictions
from hilum.api.run_views import Run, Suite
from hilum.api.splits import Split
from hilum.api.statistics import Comparison, Evaluation
from hilum.api.view import AnyPath, View
from hilum.artifacts.split import UnsafeSplit
from hilum.core.errors import InputError

VIEWS: dict[str, Callable[[Path], View]] = {
    "manifest": Films,
    "audit": Audit,
    "split": Split,
    UnsafeSplit.kind: Split,
    "run": Run,
    "paper": Suite,
    "predictions": Predictions,
    "statistics": Evaluation,
    "comparisons": Comparison,
    "explanations": Explanations,
    "bundle": Model,
    "floor": Floors,
}
"""Kind of an artefact, as `hilum show` has it -> its view; of another kind it is a plain `View`."""


def load(path: AnyPath) -> Any:
    """What hilum wrote at a path, whatever it is, as `hilum show` recognises it. Its type is any, since a path does not tell.

    >>> [type(hilum.load(p)).__name__ for p in ("manifest.csv", "split.json", "tiny")]
    ['Films', 'Split', 'Run']
    >>> print(hilum.load("manifest.csv").describe().splitlines()[0])  # doctest: +ELLIPSIS
    manifest manifest.csv  version ...

    Args:
        path: A file, or the folder of a run, suite, bundle, trial or cell.
    """
    at = Path(path)
    if not at.exists():
        raise InputError(f"{at}: no such file or folder")
    from hilum.lineage.kinds import FOLDERS, kind_at

    kind = kind_at(at)
    if kind in VIEWS:
        return VIEWS[kind](at.parent if FOLDERS.get(at.name) == kind else at)
    return VIEWS.get(View(at).kind, View)(at)

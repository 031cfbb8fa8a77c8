"""`hilum.load`: anything that hilum wrote, by its path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.api.audits import Audit
from hilum.api.comparisons import Comparison
from hilum.api.evaluations import Evaluation
from hilum.api.explanations import Explanations
from hilum.api.films import Films
from hilum.api.models import Model
from hilum.api.run_views import Run, Suite
from hilum.api.scores import Predictions
from hilum.api.splits import Split
from hilum.api.view import AnyPath, Row, View
from hilum.artifacts.lineage import Artefact
from hilum.artifacts.split import UnsafeSplit
from hilum.core.errors import InputError

if TYPE_CHECKING:
    from hilum.report.view import Told


@dataclass(frozen=True, repr=False)
class Other(View):
    """An artefact that has no class of its own: what `hilum show` knows of it."""

    artefact: Artefact

    def rows(self) -> list[Row]:
        """A row a fact."""
        return [{"fact": k, "value": str(v)} for k, v in self.artefact.facts.items()]

    def told(self) -> Told:
        """Its kind and name."""
        from hilum.report.view import Told

        return Told(f"{self.artefact.kind} {self.artefact.name}")


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
}
"""Kind of an artefact, as `hilum show` has it -> its view; of another kind it is an `Other`."""


def load(path: AnyPath) -> Any:
    """What hilum wrote at a path, whatever it is, as `hilum show` recognises it.

    >>> [type(hilum.load(p)).__name__ for p in ("manifest.csv", "split.json", "tiny")]
    ['Films', 'Split', 'Run']
    >>> print(hilum.load("manifest.csv").describe().splitlines()[0])  # doctest: +ELLIPSIS
    manifest manifest.csv  version ...

    Args:
        path: A file, or the folder of a run, suite, bundle, trial or cell.

    Returns:
        The view of its kind: `Films`, `Audit`, `Split`, `Run`, `Suite`, `Predictions`, `Evaluation`, `Comparison`, `Model` ...; typed as
        any, since a path does not tell.

    Raises:
        InputError: Nothing is there, or nothing that hilum knows.
    """
    at = Path(path)
    if not at.exists():
        raise InputError(f"{at}: no such file or folder")
    from hilum.lineage.kinds import FOLDERS, kind_at
    from hilum.stages.show import show

    kind = kind_at(at)
    if kind in VIEWS:
        return VIEWS[kind](at.parent if FOLDERS.get(at.name) == kind else at)
    found = show(str(at))[0]
    return VIEWS[found.kind](at) if found.kind in VIEWS else Other(at, found)

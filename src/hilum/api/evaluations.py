"""`hilum.evaluate`, and the figures of a table of scores or of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.api.command import command_of
from hilum.api.run_views import Run
from hilum.api.view import AnyPath, Row, View, rows_table
from hilum.artifacts.header import read_json
from hilum.artifacts.outputs import (
    USUAL_WORKSPACE,
    check_outputs,
    file_output,
    folder_output,
    workspace_output,
)
from hilum.artifacts.run import is_run, run_path
from hilum.artifacts.run_files import STATISTICS
from hilum.core.engine import local
from hilum.core.errors import InputError
from hilum.core.progress import quieted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hilum.report.table import Table
    from hilum.report.table_page import EvaluatedTable
    from hilum.report.view import Told


ALONE = "--on goes with --out, --map-label, --workers and --quiet alone; the other options are for a table of scores"


@dataclass(frozen=True, repr=False)
class Evaluation(View):
    """Figures with their intervals (``statistics.json``): a row a figure.

    Attributes:
        found: What was evaluated; None for one that was loaded, or of a run.
        report: The page; None where there is none.
    """

    found: EvaluatedTable | None = field(default=None, compare=False)
    report: Path | None = field(default=None, compare=False)

    @property
    def run(self) -> Run | None:
        """The run that they are of; None for those of a table."""
        return Run(self.path.parent) if is_run(self.path.parent) else None

    def rows(self) -> list[Row]:
        """A row a figure: metric, class, part, estimate, low, high, n, ...; of a run its cell and trial too."""
        return list(read_json(self.path))

    def told(self) -> Told:
        """Which films, and what to know first."""
        from hilum.report.view import Told

        if self.run:
            return self.run.told()
        if self.found is None:
            return Told(f"Evaluation {self.path.name}")
        from hilum.report.table_page import table_cautions

        return Told(
            f"Evaluation {self.path.name}", self.found.words, [str(c) for c in table_cautions(self.found)]
        )

    def table(self) -> Table:
        """The figures as the page has them."""
        if self.run:
            return self.run.table()
        if self.found is not None:
            from hilum.report.table_page import results_table

            return results_table(self.found)
        shown = ("class", "metric", "estimate", "low", "high", "n", "n_positive", "note")
        return rows_table([{k: r[k] for k in shown} for r in self.rows()])

    @property
    def figures(self) -> tuple[str, ...]:
        """Those of the page; none for the evaluation of a table that was loaded."""
        if self.run:
            return self.run.figures
        return tuple(self._drawn()) if self.found else ()

    def _draw(self, name: str) -> Figure:
        return self.run.figure(name) if self.run else self._drawn()[name]

    def _drawn(self) -> dict[str, Figure]:
        from hilum.report.drawn import kept_figures
        from hilum.report.table_page import table_pictures

        with kept_figures() as kept:
            if self.found is not None:
                table_pictures(self.found, self.path.parent)
        return kept


def evaluate(
    predictions: AnyPath,
    *,
    positive: str | None = None,
    part: str | None = None,
    labels: AnyPath | None = None,
    drop_unknown_classes: bool = False,
    map: Mapping[str, str] | None = None,
    percent: bool = False,
    resamples: int = 2000,
    seed: int = 0,
    threshold: float | None = None,
    on: AnyPath | None = None,
    map_label: Mapping[str, str] | None = None,
    workers: int | None = None,
    quiet: bool = False,
    out: AnyPath | None = None,
    report: AnyPath | None = None,
) -> Evaluation:
    """Compute every figure of a table of scores with its interval, as `hilum evaluate` does; with `on` a run, or a bundle, on other films.

    >>> found = hilum.evaluate("scores.csv", out="statistics.json", resamples=50)
    >>> row = next(r for r in found.rows() if (r["metric"], r["class"]) == ("sensitivity", "covid"))
    >>> row["n"], 0 <= row["low"] <= row["estimate"] <= row["high"] <= 1, found.figures
    (16, True, ('pr-curve', 'roc-curve', 'confusion-matrix', 'calibration'))

    Args:
        predictions: A csv of scores; with `on` a run or a bundle.
        positive: The positive class; None for the usual one.
        part: Whose films; None for test, or all where no film has a part.
        labels: A csv of films and their label, which goes before those of the table.
        drop_unknown_classes: Leave out films whose label is no class of the table.
        map: Name -> what the table calls it: image_id, patient_id, part, y_true, group, score or p_<class>.
        percent: Scores run from 0 to 100.
        resamples: Resamples of each interval.
        seed: Of the resamples.
        threshold: Add rows at this threshold on the positive class's probability.
        on: The films of this manifest: every model of the run is asked of them; `out` is then a workspace.
        map_label: With `on`: label of the manifest -> class of the model.
        workers: With `on`: processes; None for all cores.
        quiet: No progress.
        out: The file to write, such as ``statistics.json``.
        report: Folder for a page with curves, confusion and calibration.

    Raises:
        InputError: A table that cannot be read, options that do not go together, or no film that can be evaluated.
    """
    given = dict(locals())
    table = Path(predictions)
    if on is not None:
        with quieted(quiet):
            return _on(table, Path(on), given)
    if map_label or table.is_dir():
        raise InputError(
            f"{table}: a run or a bundle is evaluated on the films of a manifest, which --on names; a table of scores is a csv"
        )
    if out is None:
        raise InputError("--out is missing: the file to write, such as --out statistics.json")
    truth, to, page = (Path(p) if p is not None else None for p in (labels, out, report))
    assert to is not None
    pages = [] if page is None else [folder_output(page, "evaluation", "evaluation.html", option="--report")]
    check_outputs([file_output(to, "statistics", ".json"), *pages], [p for p in (table, truth) if p])
    from hilum.artifacts.scored_table import Reading, known_columns
    from hilum.report.table_page import write_table_page
    from hilum.stages.evaluate_file import Choice, evaluate_file  # late: scipy

    choice = Choice(part, truth, drop_unknown_classes, resamples, seed, threshold)
    found = evaluate_file(table, to, choice, Reading(known_columns((map or {}).items()), positive, percent))
    written = write_table_page(found, page, command_of(evaluate, given)) if page is not None else None
    return Evaluation(to, found, written)


_WITH_ON = ("predictions", "on", "map_label", "workers", "quiet", "out")


def _on(model: Path, manifest: Path, given: Mapping[str, Any]) -> Evaluation:
    """A run, or a bundle, on other films."""
    usual = signature(evaluate).parameters
    if any(v != usual[k].default and v != {} for k, v in given.items() if k not in _WITH_ON):
        raise InputError(ALONE)
    if model.is_file():
        raise InputError(
            f"{model}: --on takes a run's folder or a bundle, got a file; a table of scores has its films already"
        )
    at = model if model.is_dir() else run_path(str(model), USUAL_WORKSPACE)
    out = Path(given["out"]) if given["out"] is not None else None
    check_outputs([workspace_output(out)] if out else [], [manifest])
    from hilum.workflow.outside import evaluate_on  # late: torch

    labels = dict(given["map_label"] or {})
    page = evaluate_on(at, manifest, labels, out, local(given["workers"]), command_of(evaluate, given))
    return Evaluation(page.with_name(STATISTICS), None, page)

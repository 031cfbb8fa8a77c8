"""`hilum.evaluate` and `hilum.compare`: figures of a table of scores or of a run, and differences between runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from inspect import signature
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.api.command import command_of
from hilum.api.run_views import Run
from hilum.api.view import AnyPath, Figures, Row, Table, Told, View, path_or_none, paths
from hilum.artifacts.comparisons import ComparisonRow, read_comparisons
from hilum.artifacts.header import read_json
from hilum.artifacts.outputs import check_outputs, file_output, folder_output, workspace_output
from hilum.artifacts.run import is_run, run_path
from hilum.artifacts.run_files import COMPARISONS, STATISTICS
from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.core.engine import local
from hilum.core.errors import InputError
from hilum.core.progress import quieted
from hilum.study.metrics import shown_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hilum.report.page import Page
    from hilum.report.table_page import EvaluatedTable

HEADLINE = shown_in("headline")
ALONE = "--on goes with --out, --map-label, --workers and --quiet alone; the other options are for a table of scores"


class Evaluation(View):
    """Figures with their intervals (``statistics.json``): a row a figure. Those of a run are shown as the run is."""

    columns = ("class", "metric", "estimate", "low", "high", "n", "n_positive", "note")

    made: EvaluatedTable | None

    @property
    def run(self) -> Run | None:
        """The run that they are of; None for those of a table."""
        return Run(self.path.parent) if is_run(self.path.parent) else None

    @property
    def report(self) -> Path | None:
        return self._report or (self.run.report if self.run else None)

    def rows(self) -> list[Row]:
        """A row a figure: metric, class, part, estimate, low, high, n, ...; of a run its cell and trial too."""
        return list(read_json(self.path))

    def told(self) -> Told:
        if self.run:
            return self.run.told()
        title = f"Evaluation {self.path.name}"
        if self.made is None:
            return Told(title)
        from hilum.report.table_page import table_cautions

        return Told(title, self.made.words, [str(c) for c in table_cautions(self.made)])

    def table(self) -> Table:
        if self.run or self.made is None:
            return self.run.table() if self.run else super().table()
        from hilum.report.table_page import results_table

        return results_table(self.made)

    def drawn(self) -> Figures:
        """Those of the page; none for the evaluation of a table that was loaded."""
        return self.run.drawn() if self.run else {n: partial(self._kept.__getitem__, n) for n in self._kept}

    @cached_property
    def _kept(self) -> Mapping[str, Figure]:
        from hilum.report.drawn import kept_figures
        from hilum.report.table_page import table_pictures

        with kept_figures() as kept:
            if self.made is not None:
                table_pictures(self.made, self.path.parent)
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
    truth, to, page = path_or_none(labels), Path(out), path_or_none(report)
    pages = [folder_output(p, "evaluation", "evaluation.html", option="--report") for p in paths(report)]
    check_outputs([file_output(to, "statistics", ".json"), *pages], [table, *paths(labels)])
    from hilum.artifacts.scored_table import Reading, known_columns
    from hilum.report.table_page import write_table_page
    from hilum.stages.evaluate_file import Choice, evaluate_file  # late: scipy

    choice = Choice(part, truth, drop_unknown_classes, resamples, seed, threshold)
    found = evaluate_file(table, to, choice, Reading(known_columns((map or {}).items()), positive, percent))
    written = write_table_page(found, page, command_of(evaluate, given)) if page else None
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
    out = path_or_none(given["out"])
    check_outputs([workspace_output(out)] if out else [], [manifest])
    from hilum.workflow.outside import evaluate_on  # late: torch

    labels = dict(given["map_label"] or {})
    page = evaluate_on(at, manifest, labels, out, local(given["workers"]), command_of(evaluate, given))
    return Evaluation(page.with_name(STATISTICS), report=page)


class Comparison(View):
    """Paired differences with intervals and adjusted tests (``comparisons.json``): a row a comparison and metric."""

    made: Page | None

    @cached_property
    def comparisons(self) -> list[ComparisonRow]:
        """The rows themselves."""
        return read_comparisons(self.path)

    @property
    def report(self) -> Path:
        """The page of `hilum.compare`; of a study's own comparisons the run's."""
        mine = self.path.with_name("compare.html")
        return mine if mine.is_file() else self.path.with_name("report.html")

    def rows(self) -> list[Row]:
        """A row a comparison and metric: cell, reference, estimate, low, high, p, p_adjusted, verdict, ..."""
        return [r.model_dump(by_alias=True) for r in self.comparisons]

    def told(self) -> Told:
        if (page := self.made) is None:
            return Told("Comparison", ", ".join(dict.fromkeys(r.family for r in self.comparisons)))
        return Told("Comparison", page.sentence, [str(c) for c in page.cautions], page.unsafe, page.synthetic)

    def table(self) -> Table:
        from hilum.report.comparison_tables import comparison_tables

        return comparison_tables(self.comparisons, list(dict.fromkeys(r.class_ for r in self.comparisons)))[0]

    def drawn(self) -> Figures:
        from hilum.report.compare_page import differences

        some = any(r.estimate is not None for r in self.comparisons)
        return {"differences": partial(differences, self.comparisons)} if some else {}


def compare(
    runs: AnyPath | Sequence[AnyPath],
    *,
    out: AnyPath = "hilum-compare",
    metrics: str | Sequence[str] = HEADLINE,
    systems: str = "",
    seed: int = 0,
    resamples: int = 2000,
    workspace: AnyPath = USUAL_WORKSPACE,
    quiet: bool = False,
) -> Comparison:
    """Compare runs: each cell with its counterpart in the first run, as `hilum compare` does, with intervals and adjusted tests.

    >>> compared = hilum.compare(["tiny", "again"], metrics=["sensitivity"], resamples=100, quiet=True)
    >>> [(row["metric"], row["verdict"]) for row in compared.rows()]
    [('sensitivity', 'not distinguishable'), ('sensitivity', 'not distinguishable')]
    >>> compared.figures
    ('differences',)

    Args:
        runs: Folders of runs, or their names in the workspace; the first is the reference.
        out: Folder for comparisons.json, compare.html and tables.
        metrics: Names of metrics, adjusted for many comparisons within each.
        systems: Instead, all models of all runs in one table, each against this one, ``run/cell``; they had the same films and parts.
        seed: Of the resamples.
        resamples: Resamples of the films.
        workspace: Where names are looked for.
        quiet: No progress.
    """
    given = dict(locals())
    from hilum.report.compare_page import PAGE, write_compare_page
    from hilum.stages.compare import compare_runs  # late: scipy and matplotlib take a while to import

    named = [metrics] if isinstance(metrics, str) else list(metrics)
    folders, to = [run_path(fspath(r), Path(workspace)) for r in paths(runs)], Path(out)
    check_outputs([folder_output(to, "comparison", COMPARISONS, PAGE)], folders)
    if systems:
        if named != list(HEADLINE):
            raise InputError(
                "--systems has metrics of its own (ROC-AUC, PR-AUC, sensitivity, specificity); leave --metrics out"
            )
        return _systems(folders, systems, to, given)
    with quieted(quiet):
        done = compare_runs(folders, to, named, seed, resamples)
        page = write_compare_page(done, to, command_of(compare, {**given, "metrics": ",".join(named)}))
    return Comparison(to / COMPARISONS, page)


def _systems(folders: Sequence[Path], reference: str, to: Path, given: Mapping[str, Any]) -> Comparison:
    """All models of the runs in one table."""
    from hilum.report.compare_page import PAGE
    from hilum.report.systems_page import write_systems_page
    from hilum.stages.systems import compare_systems

    with quieted(given["quiet"]):
        runs = {f.resolve().name: f for f in folders}
        if len(runs) < len(folders):
            raise InputError(
                f"--systems calls runs by their folders' names, and two of {', '.join(map(str, folders))} have one name"
            )
        done = compare_systems(runs, reference, to, given["seed"], given["resamples"])
        title, command = f"Systems against {reference}", {**given, "metrics": ",".join(HEADLINE)}
        page = write_systems_page(done, to / PAGE, title, command_of(compare, command))
    return Comparison(to / COMPARISONS, page)

"""`hilum.compare`, and differences between runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.api.command import command_of
from hilum.api.view import AnyPath, Row, View
from hilum.artifacts.comparisons import ComparisonRow, read_comparisons
from hilum.artifacts.outputs import USUAL_WORKSPACE, check_outputs, folder_output
from hilum.artifacts.run import run_path
from hilum.artifacts.run_files import COMPARISONS
from hilum.core.progress import quieted
from hilum.study.metrics import shown_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hilum.report.page import Page
    from hilum.report.table import Table
    from hilum.report.view import Told

HEADLINE = shown_in("headline")


@dataclass(frozen=True, repr=False)
class Comparison(View):
    """Paired differences with intervals and adjusted tests (``comparisons.json``): a row a comparison and metric.

    Attributes:
        page: What compare.html says; None for a comparison that was loaded.
    """

    page: Page | None = field(default=None, compare=False)

    @cached_property
    def comparisons(self) -> list[ComparisonRow]:
        """The rows themselves."""
        return read_comparisons(self.path)

    @property
    def report(self) -> Path:
        """The page, of `hilum.compare`; of a study's own comparisons the run's."""
        mine = self.path.with_name("compare.html")
        return mine if mine.is_file() else self.path.with_name("report.html")

    def rows(self) -> list[Row]:
        """A row a comparison and metric: cell, reference, estimate, low, high, p, p_adjusted, verdict, ..."""
        return [r.model_dump(by_alias=True) for r in self.comparisons]

    def told(self) -> Told:
        """Which families, and what to know first."""
        from hilum.report.view import Told

        families = ", ".join(dict.fromkeys(r.family for r in self.comparisons))
        if self.page is None:
            return Told("Comparison", families)
        cautions = [str(c) for c in self.page.cautions]
        return Told("Comparison", self.page.sentence, cautions, self.page.unsafe, self.page.synthetic)

    def table(self) -> Table:
        """The differences as the page has them."""
        from hilum.report.comparison_tables import comparison_tables

        classes = list(dict.fromkeys(r.class_ for r in self.comparisons))
        return comparison_tables(self.comparisons, classes)[0]

    @property
    def figures(self) -> tuple[str, ...]:
        """The differences, where there are any."""
        return ("differences",) if any(r.estimate is not None for r in self.comparisons) else ()

    def _draw(self, _: str) -> Figure:
        from hilum.report.compare_page import differences

        return differences(self.comparisons)


def compare(
    runs: AnyPath | Sequence[AnyPath],
    *,
    out: AnyPath = "hilum-compare",
    metrics: str | Sequence[str] = HEADLINE,
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
        seed: Of the resamples.
        resamples: Resamples of the films.
        workspace: Where names are looked for.
        quiet: No progress.

    Raises:
        InputError: Runs that cannot be compared.
    """
    given = dict(locals())
    named = [metrics] if isinstance(metrics, str) else list(metrics)
    from hilum.report.compare_page import PAGE, write_compare_page
    from hilum.stages.compare import compare_runs  # late: scipy and matplotlib take a while to import

    several = [runs] if isinstance(runs, str | PathLike) else runs
    folders, to = [run_path(fspath(r), Path(workspace)) for r in several], Path(out)
    check_outputs([folder_output(to, "comparison", COMPARISONS, PAGE)], folders)
    with quieted(quiet):
        done = compare_runs(folders, to, named, seed, resamples)
        page = write_compare_page(done, to, command_of(compare, {**given, "metrics": ",".join(named)}))
    return Comparison(to / COMPARISONS, page)

"""The page of a comparison of runs: the differences in tables and a figure, what else differs, and the flow of each run's films."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from hilum.artifacts.comparisons import ONE_TRIAL, ComparedRuns, ComparisonRow, Verdict
from hilum.report.caution import Caution, by_severity, caution
from hilum.report.class_words import against
from hilum.report.comparison_tables import comparison_tables, secondary_table
from hilum.report.difference_figure import differences
from hilum.report.drawn import drawn
from hilum.report.page import Page, Picture, Section, write_page
from hilum.report.run_differences import differences_table, run_differences
from hilum.report.sections.films.flow_tables import runs_flow_table
from hilum.study.faults import FAULTS, unsafe_among

PAGE = "compare.html"
_GLOSSARY = (
    ("difference", "cell minus reference, of the mean over trials; above 0 the cell has the higher figure"),
    ("alone", "the interval of one difference by itself, 95 %"),
    (
        "together",
        "intervals made so that all of the family and metric hold at once in 95 of 100 studies (Bonferroni)",
    ),
    (
        "Holm",
        "p adjusted over the family and metric (Holm 1979): the chance of any false “better” or “worse” stays below .05",
    ),
    (
        "not distinguishable",
        "the adjusted test does not tell the two apart; it does not say that they are equal",
    ),
    (
        ONE_TRIAL,
        "a cell was trained once: its p and intervals know of films only, and no verdict follows",
    ),
    ("needed", "test units for .8 power if the observed difference were the true one"),
    ("unsafe", "made with a fault of the published scripts that breaks the validity of its numbers"),
)


def write_compare_page(compared: ComparedRuns, out: Path, command: str = "") -> Page:
    """Write the page, its tables and its figure.

    Args:
        compared: The comparison.
        out: Folder to write into.
        command: How it was called, for the page.
    """
    folders, names, rows = compared.folders, compared.names, compared.rows
    chosen = "every cell with its counterpart, all in one family"
    tables = [
        *comparison_tables(rows, folders[0].classes, chosen=chosen),
        differences_table(run_differences(folders), names) if len(folders) > 1 else None,
        runs_flow_table(folders, names),
    ]
    secondary = secondary_table(rows)
    counts = {v: sum(r.verdict == v for r in rows) for v in get_args(Verdict)}
    verdicts = ", ".join(f"{n} {v}" for v, n in counts.items() if n)
    facts = [(f"predictions of {n}", d) for n, d in compared.header.inputs.items()]
    facts += [("seed", str(compared.header.seed)), ("resamples", str(compared.header.options["n_resamples"]))]
    results = Section(
        "results",
        "Differences",
        items=[*_pictures(rows, out), *(t for t in tables if t is not None and t.rows)],
        closed=[secondary] if secondary else [],
    )
    page = Page(
        "comparison",
        f"{' and '.join(names[1:])} against {names[0]}" if len(names) > 1 else f"The faults of {names[0]}",
        f"{len(rows)} comparisons of {against(folders[0].positive, folders[0].classes)}: {verdicts}.",
        (results,),
        _cautions(compared),
        glossary=_GLOSSARY,
        command=command,
        facts=facts,
        unsafe=[
            f"{name}: {'; '.join(FAULTS[f].what for f in faults)}."
            for name, cell in compared.cells.items()
            if (faults := unsafe_among(cell.switches))
        ],
        synthetic=all(f.record.synthetic for f in folders),
    )
    write_page(page, out / PAGE)
    return page


def _cautions(compared: ComparedRuns) -> list[Caution]:
    folders, rows = compared.folders, compared.rows
    found = []
    differ = [key for key, _ in run_differences(folders)]
    if len(folders) > 1 and len(differ) > 1:
        text = f"The runs differ in {len(differ)} things, so a difference in results has no single cause: {', '.join(differ)}."
        found.append(caution("several-things-differ", text))
    if not all(r.paired for r in rows):
        text = (
            "The test films of some cells are not those of their reference. Units of the union were resampled; a film that only one "
            "of the two saw is not paired."
        )
        found.append(caution("test-films-differ", text))
    if any(r.verdict == ONE_TRIAL for r in rows):
        text = (
            "A cell was trained once, so chance in training is not in the tests and intervals: they hold on these films for these trained "
            "models, and no difference has a verdict."
        )
        found.append(caution("one-trial", text))
    synthetic = [n for f, n in zip(folders, compared.names, strict=True) if f.record.synthetic]
    if synthetic and len(synthetic) < len(folders):
        found.append(
            caution("synthetic-films", f"The films of {', '.join(synthetic)} were drawn by a program.")
        )
    return by_severity([*found, *(caution("left-out", f"{text}.") for text in compared.lonely)])


def _pictures(rows: Sequence[ComparisonRow], out: Path) -> list[Picture]:
    if all(r.estimate is None for r in rows):
        return []
    caption = (
        "Differences on the test films with their 95 % intervals: thick alone, thin together with the family’s others. Filled and "
        "coloured only where the adjusted test says better (blue) or worse (red)."
    )
    alt = "Dot plot; its numbers are in the table."
    return [drawn(differences(rows), out / "figures", "differences", caption, alt)]

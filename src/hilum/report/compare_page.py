"""The page of a comparison of runs: the differences in tables and a figure, what else differs, and the flow of each run's films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from hilum.artifacts.comparisons import ONE_TRIAL, ComparedRuns, Verdict
from hilum.artifacts.run import RunCell
from hilum.core.files import write_text
from hilum.report import style
from hilum.report.caution import Caution
from hilum.report.class_words import against
from hilum.report.comparison_tables import comparison_tables, secondary_table
from hilum.report.difference_figure import differences
from hilum.report.flow_tables import runs_flow_table
from hilum.report.page import Page, Picture, Section, render
from hilum.report.run_differences import differences_table, run_differences
from hilum.report.table import Table
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


@dataclass(frozen=True)
class ComparePage:
    """A comparison as written for readers.

    Attributes:
        remarks: What a reader must know first: what differs, what was left out.
        unsafe: A sentence for each cell with a fault that breaks validity.
        tables: As written.
        path: Of ``compare.html``.
    """

    remarks: list[Caution]
    unsafe: list[str]
    tables: list[Table]
    path: Path


def write_compare_page(compared: ComparedRuns, out: Path, command: str = "") -> ComparePage:
    """Write the page, its tables and its figure.

    Args:
        compared: The comparison.
        out: Folder to write into.
        command: How it was called, for the page.
    """
    unsafe = _unsafe(compared.cells)
    remarks = _remarks(compared)
    folders, names = compared.folders, compared.names
    chosen = "every cell with its counterpart, all in one family"
    tables = [
        *comparison_tables(compared.rows, folders[0].classes, chosen=chosen),
        secondary_table(compared.rows),
    ]
    if len(folders) > 1:
        tables.append(differences_table(run_differences(folders), names))
    tables.append(runs_flow_table(folders, names))
    kept = [t for t in tables if t is not None and t.rows]
    for table in kept:
        write_text(out / "tables" / f"{table.name}.csv", table.to_csv())
        write_text(out / "tables" / f"{table.name}.tex", table.to_latex())
    page = _page(compared, kept, remarks, unsafe, out, command)
    write_text(out / PAGE, render(page))
    return ComparePage(remarks, unsafe, kept, out / PAGE)


def _unsafe(cells: Mapping[str, RunCell]) -> list[str]:
    found = []
    for name, cell in cells.items():
        faults = unsafe_among(cell.switches)
        if faults:
            found.append(f"{name}: {'; '.join(FAULTS[f].what for f in faults)}.")
    return found


def _remarks(compared: ComparedRuns) -> list[Caution]:
    folders, names, rows = compared.folders, compared.names, compared.rows
    found = []
    differ = [key for key, _ in run_differences(folders)]
    if len(folders) > 1 and len(differ) > 1:
        text = f"The runs differ in {len(differ)} things, so a difference in results has no single cause: {', '.join(differ)}."
        found.append(Caution("More than one thing differs", text))
    if not all(r.paired for r in rows):
        text = (
            "The test films of some cells are not those of their reference. Units of the union were resampled; a film that only one "
            "of the two saw is not paired."
        )
        found.append(Caution("Test films differ", text))
    if any(r.verdict == ONE_TRIAL for r in rows):
        text = (
            "A cell was trained once, so chance in training is not in the tests and intervals: they hold on these films for these trained "
            "models, and no difference has a verdict. Run two trials or more."
        )
        found.append(Caution("One trial", text))
    synthetic = [n for f, n in zip(folders, names, strict=True) if f.record.synthetic]
    if synthetic and len(synthetic) < len(folders):
        found.append(
            Caution("Synthetic films", f"The films of {', '.join(synthetic)} were drawn by a program.")
        )
    return [*found, *(Caution("Left out", f"{text}.") for text in compared.lonely)]


def _page(
    compared: ComparedRuns,
    tables: Sequence[Table],
    remarks: Sequence[Caution],
    unsafe: Sequence[str],
    out: Path,
    command: str,
) -> Page:
    folders, names, rows = compared.folders, compared.names, compared.rows
    pictures = []
    if any(r.estimate is not None for r in rows):
        svg, _ = style.save(differences(rows), out / "figures", "differences")
        caption = (
            "Differences on the test films with their 95 % intervals: thick alone, thin together with the family’s others. Filled and "
            "coloured only where the adjusted test says better (blue) or worse (red)."
        )
        pictures.append(Picture("differences", caption, "Dot plot; its numbers are in the table.", svg))
    counts = {v: sum(r.verdict == v for r in rows) for v in get_args(Verdict)}
    sentence = ", ".join(f"{n} {v}" for v, n in counts.items() if n)
    title = f"{' and '.join(names[1:])} against {names[0]}" if len(names) > 1 else f"The faults of {names[0]}"
    closed = [t for t in tables if t.name == "secondary-tests"]
    facts = [(f"predictions of {n}", d) for n, d in compared.header.inputs.items()]
    facts += [("seed", str(compared.header.seed)), ("resamples", str(compared.header.options["n_resamples"]))]
    return Page(
        title,
        f"{len(rows)} comparisons of {against(folders[0].positive, folders[0].classes)}: {sentence}.",
        all(f.record.synthetic for f in folders),
        remarks,
        Section(
            "results", "Differences", (), [*pictures, *(t for t in tables if t not in closed)], closed=closed
        ),
        (),
        _GLOSSARY,
        command,
        facts,
        unsafe=unsafe,
    )

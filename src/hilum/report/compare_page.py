"""The page of a comparison of runs: the differences in tables and a figure, what else differs, and the flow of each run's films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hilum.artifacts.comparisons import ONE_TRIAL, ComparedRuns, ComparisonRow, Verdict
from hilum.artifacts.run import RunCell
from hilum.report import style
from hilum.report.caution import Caution, by_severity, caution
from hilum.report.class_words import against
from hilum.report.comparison_tables import comparison_tables, secondary_table, short_labels
from hilum.report.drawn import drawn
from hilum.report.page import Page, Picture, Section, write_page
from hilum.report.run_differences import differences_table, run_differences
from hilum.report.sections.films.flow_tables import runs_flow_table
from hilum.study.faults import FAULTS, unsafe_among
from hilum.study.metrics import metric_label

PAGE = "compare.html"
_COLOURS = {"better": style.BLUE, "worse": style.VERMILION}
_PANELS = 3  # a row
GLOSSARY = (
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
        items=[*comparison_pictures(rows, out), *(t for t in tables if t is not None and t.rows)],
        closed=[secondary] if secondary else [],
    )
    page = Page(
        "comparison",
        f"{' and '.join(names[1:])} against {names[0]}" if len(names) > 1 else f"The faults of {names[0]}",
        f"{len(rows)} comparisons of {against(folders[0].positive, folders[0].classes)}: {verdicts}.",
        (results,),
        _cautions(compared),
        glossary=GLOSSARY,
        command=command,
        facts=facts,
        unsafe=unsafe_words(compared.cells),
        synthetic=all(f.record.synthetic for f in folders),
    )
    write_page(page, out / PAGE)
    return page


def unsafe_words(cells: Mapping[str, RunCell]) -> list[str]:
    """A sentence for each cell with a fault that breaks the validity of its numbers."""
    return [
        f"{name}: {'; '.join(FAULTS[f].what for f in faults)}."
        for name, cell in cells.items()
        if (faults := unsafe_among(cell.switches))
    ]


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


def comparison_pictures(rows: Sequence[ComparisonRow], out: Path) -> list[Picture]:
    """The figure of the differences, drawn into ``out/figures``; none where there is no difference."""
    if all(r.estimate is None for r in rows):
        return []
    caption = (
        "Differences on the test films with their 95 % intervals: thick alone, thin together with the family’s others. Filled and "
        "coloured only where the adjusted test says better (blue) or worse (red)."
    )
    alt = "Dot plot; its numbers are in the table."
    return [drawn(differences(rows), out / "figures", "differences", caption, alt)]


def differences(rows: Sequence[ComparisonRow]) -> Figure:
    """Differences of one family: a line a comparison, thick its own interval, thin the one that holds together with the others.

    Args:
        rows: Of one family, at least one with a difference; a row without one leaves its line empty.
    """
    metrics = list(dict.fromkeys(r.metric for r in rows))
    shown, against = short_labels(rows)
    labels = list(shown)
    n_columns = min(_PANELS, len(metrics))
    n_rows = -(-len(metrics) // n_columns)
    with style.figure(style.WIDTH_IN, n_rows * (0.75 + 0.24 * len(labels)) + 0.2) as fig:
        axes = style.panels(fig, len(metrics), n_columns, sharey=True)
        for ax, metric in zip(axes, metrics, strict=True):
            _panel(ax, {r.label: r for r in rows if r.metric == metric}, labels)
            ax.set(title=metric_label(metric))
            ax.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
        fig.supxlabel(f"difference from {against}" if against else "difference", fontsize=8.5)
        for ax in axes[::n_columns]:
            ax.set_yticks(range(len(labels)), list(shown.values()))
        return fig


def _panel(ax: Axes, by_label: dict[str, ComparisonRow], labels: Sequence[str]) -> None:
    ax.axvline(0, color="#555555", lw=0.9)
    for k, label in enumerate(labels):
        row = by_label.get(label)
        if row is None or row.estimate is None:
            continue
        colour = _COLOURS.get(row.verdict, "#777777")
        if row.low is not None and row.high is not None:
            ax.plot([row.low, row.high], [k, k], color=colour, lw=0.9, solid_capstyle="butt")
        if row.low_one is not None and row.high_one is not None:
            ax.plot([row.low_one, row.high_one], [k, k], color=colour, lw=2.6, solid_capstyle="butt")
        filled = colour if row.verdict in _COLOURS else "white"
        ax.plot(row.estimate, k, marker="o", ms=4.5, mfc=filled, mec=colour, mew=1.1, ls="")
    ax.grid(axis="y", visible=False)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)

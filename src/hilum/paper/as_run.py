"""As described against as run: what the faults of the published scripts are worth, on the same films.

Convention: the comparison is within one study (``as-run-N``), whose cells differ in nothing but their switches, so the same films,
subset and trials stand on both sides. A difference is the cell with the fault minus the one as described. Whatever has an unsafe switch
is marked as such: a higher figure there is not a better model.
"""

from __future__ import annotations

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.run import RunCell
from hilum.paper.beside import fixed, paper_value
from hilum.paper.experiment_tables import RATES
from hilum.paper.side_by_side import paper_cell
from hilum.paper.studies import Paper, PaperStudy
from hilum.report.comparison_tables import ENDS, difference_cell, p_cell, signed_interval
from hilum.report.estimates import estimate_cell, interval_cell, interval_column
from hilum.report.numbers import counted
from hilum.report.run_words import cell_level
from hilum.report.table import Cell, Column, Table, rate_cell, text_cell
from hilum.study.factors import AS_DESCRIBED
from hilum.study.faults import FAULTS
from hilum.study.metrics import METRIC, metric_label

ALL = "all"
_FAULT_COLUMNS = (
    *(Column(c, numeric=False) for c in ("Fault", "Cell", "Metric")),
    Column("as described", rule=True),
    Column("with it"),
    Column("Worth", hint="with it minus as described", rule=True),
    Column("95 % interval", hint="simultaneous over the family", parts=ENDS),
    Column("p", hint="adjusted by Holm"),
    Column("Verdict", numeric=False),
)


def fault_table(study: PaperStudy) -> Table | None:
    """A row a fault and metric, with the adjusted comparison; None where the study compares none."""
    cells = study.folder.cell_named
    what = {
        **{name: fault.what for name, fault in FAULTS.items()},
        ALL: "every fault above at once",
        AS_DESCRIBED: "",
    }
    faults, metrics = list(what), list(METRIC)
    others = [f for f in study.folder.varying() if f not in ("backbone", "faults")]

    def place(r: ComparisonRow) -> str:
        return ", ".join([cells[r.cell].backbone, *(cell_level(cells[r.cell], f) for f in others)])

    def order(r: ComparisonRow) -> tuple[int, str, int]:
        return faults.index(_level(cells[r.cell])), place(r), metrics.index(r.metric)

    rows = sorted(study.family("faults"), key=order)
    if not rows:
        return None
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    told = ""
    for r in rows:
        fault = _level(cells[r.cell])
        name = fault.replace("_", " ") + (" (unsafe)" if fault in FAULTS and FAULTS[fault].unsafe else "")
        if name != told:
            breaks.add(len(body))
        body.append(
            [
                Cell("" if name == told else name, name, strong=True, title=what[fault]),
                text_cell(place(r)),
                text_cell(metric_label(r.metric)),
                rate_cell(r.reference_value, n=r.n_clusters),
                rate_cell(r.value, n=r.n_clusters),
                difference_cell(r.estimate, r.note, r.n_clusters),
                signed_interval(r.low, r.high, r.n_clusters),
                p_cell(r.p_adjusted),
                text_cell({"better": "higher", "worse": "lower"}.get(r.verdict, r.verdict)),
            ]
        )
        told = name
    n, trials = max(r.n_family for r in rows), counted(study.folder.n_trials, "trial")
    return Table(
        f"{study.name}-faults",
        f"Faults: {study.title}",
        study.caption(
            f"What each fault of the published scripts is worth: one at a time, and all together; {fixed(study) or 'several pipelines'}"
        ),
        _FAULT_COLUMNS,
        body,
        (
            *study.notes,
            "A higher figure under an unsafe fault is a wrong figure, not a better model.",
            f"p adjusted by Holm over {n} comparisons a metric; {trials} a cell.",
        ),
        frozenset(breaks),
        sortable=False,
    )


def overview_table(study: PaperStudy, paper: Paper) -> Table:
    """A row a cell: as described, as run with every fault, the paper's number, and Experiment N's own figure as described."""
    own = paper.experiment(study.experiment)
    described, run = (
        {_key(c): c for c in study.folder.cells if _level(c) == level} for level in (AS_DESCRIBED, ALL)
    )
    elsewhere = {_key(c): c for c in own.folder.cells} if own else {}
    columns = [
        *(Column(c, numeric=False) for c in ("Backbone", "Pipeline", "Schedule", "Metric")),
        Column("As described", rule=True),
        Column("As run", hint="every fault at once"),
        interval_column(hint="of as run"),
        Column("Paper"),
        *([Column(own.title, hint="as described, on its own films", rule=True)] if own else []),
    ]
    body: list[list[Cell]] = []
    for key in dict.fromkeys((*described, *run)):
        for k, m in enumerate(RATES):
            of_run = study.row(run.get(key), m)
            body.append(
                [
                    *(Cell("" if k else n, n, strong=i == 0) for i, n in enumerate(key)),
                    text_cell(metric_label(m)),
                    estimate_cell(study.row(described.get(key), m)),
                    estimate_cell(of_run),
                    interval_cell(of_run),
                    paper_cell(paper_value(study, described.get(key) or run[key], m), m),
                    *([estimate_cell(own.row(elsewhere.get(key), m))] if own else []),
                ]
            )
    return Table(
        f"{study.name}-overview",
        f"{study.title}, and as described",
        study.caption(
            "The study as the paper describes it and as the published scripts run, on the same films"
        ),
        columns,
        body,
        study.notes,
        frozenset(range(0, len(body), len(RATES))),
        sortable=False,
    )


def _level(cell: RunCell) -> str:
    return cell.factors.get("faults", ALL if cell.switches else AS_DESCRIBED)


def _key(cell: RunCell) -> tuple[str, str, str]:
    return cell.backbone, cell.pipeline, cell.schedule

"""As described against as run: what the faults of the published scripts are worth, on the same films.

Convention: the comparison is within one study (``as-run-N``), whose cells differ in nothing but their switches, so the same films,
subset and trials stand on both sides. A difference is the cell with the fault minus the one as described. Whatever has an unsafe switch
is marked as such: a higher figure there is not a better model.
"""

from __future__ import annotations

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.run import RunCell
from hilum.paper.beside import fixed, paper_value
from hilum.paper.member import Member, Paper
from hilum.paper.side_by_side import paper_cell
from hilum.report.comparison_tables import ENDS, difference_cell, p_cell, signed_interval
from hilum.report.result_tables import estimate_cell, interval_cell, interval_column
from hilum.report.table import Cell, Column, Table, rate_cell, text_cell
from hilum.stats.families import levels
from hilum.study.faults import FAULTS
from hilum.study.metrics import METRICS, metric_label

AS_DESCRIBED, ALL = "as-described", "all"
_RATES = ("sensitivity", "specificity", "pr_auc")


def fault_table(member: Member) -> Table | None:
    """A row a fault and metric, with the adjusted comparison; None where the study compares none."""
    rows = member.family("faults")
    if not rows:
        return None
    columns = [
        Column("Fault", numeric=False),
        Column("Cell", numeric=False),
        Column("Metric", numeric=False),
        Column("as described", rule=True),
        Column("with it"),
        Column("Worth", hint="with it minus as described", rule=True),
        Column("95 % interval", hint="simultaneous over the family", parts=ENDS),
        Column("p", hint="adjusted by Holm"),
        Column("Verdict", numeric=False),
    ]
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    last = ""
    for r in sorted(rows, key=lambda r: _order(member, r)):
        cell = member.cell(r.cell)
        fault = cell.factors.get("faults", "") if cell else r.label
        if fault != last:
            breaks.add(len(body))
        what = FAULTS[fault].what if fault in FAULTS else "every fault above at once" if fault == ALL else ""
        first = fault != last
        last = fault
        body.append(
            [
                Cell(_name(fault) if first else "", _name(fault), strong=True, title=what),
                text_cell(_place(member, cell) if cell else r.cell),
                text_cell(metric_label(r.metric)),
                rate_cell(r.reference_value, n=r.n_clusters),
                rate_cell(r.value, n=r.n_clusters),
                difference_cell(r.estimate, r.note, r.n_clusters),
                signed_interval(r.low, r.high, r.n_clusters),
                p_cell(r.p_adjusted),
                text_cell({"better": "higher", "worse": "lower"}.get(r.verdict, r.verdict)),
            ]
        )
    return Table(
        f"{member.name}-faults",
        f"Faults: {member.title}",
        member.caption(
            f"What each fault of the published scripts is worth: one at a time, and all together; {fixed(member) or 'several pipelines'}"
        ),
        columns,
        body,
        (
            *member.notes,
            "A higher figure under an unsafe fault is a wrong figure, not a better model.",
            _unsafe_words(rows, member),
        ),
        frozenset(breaks),
        sortable=False,
    )


def overview_table(member: Member, paper: Paper) -> Table:
    """A row a cell: as described, as run with every fault, the paper's number, and Experiment N's own figure as described."""
    own = paper.experiment(member.experiment)
    base = {_key(c): c for c in member.folder.cells if _level(c) == AS_DESCRIBED}
    every = {_key(c): c for c in member.folder.cells if _level(c) == ALL}
    elsewhere = {_key(c): c for c in own.folder.cells} if own else {}
    columns = [
        *(Column(c, numeric=False) for c in ("Backbone", "Pipeline", "Schedule", "Metric")),
        Column("As described", rule=True),
        Column("As run", hint="every fault at once"),
        interval_column(hint="of as run"),
        Column("Paper"),
    ]
    columns += [Column(own.title, hint="as described, on its own films", rule=True)] if own else []
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    for key in dict.fromkeys((*base, *every)):
        described, run = base.get(key), every.get(key)
        some = described or run
        if some is None:
            continue
        breaks.add(len(body))
        names = some.backbone, some.pipeline, some.schedule
        for k, m in enumerate(_RATES):
            of_run = member.row(run, m) if run else None
            row = [
                *(Cell("" if k else n, n, strong=n is some.backbone) for n in names),
                text_cell(metric_label(m)),
                estimate_cell(member.row(described, m) if described else None),
                estimate_cell(of_run),
                interval_cell(of_run),
                paper_cell(paper_value(member, some, m), m),
            ]
            if own:
                there = elsewhere.get(key)
                row.append(estimate_cell(own.row(there, m) if there else None))
            body.append(row)
    return Table(
        f"{member.name}-overview",
        f"{member.title}, and as described",
        member.caption(
            "The study as the paper describes it and as the published scripts run, on the same films"
        ),
        columns,
        body,
        member.notes,
        frozenset(breaks),
        sortable=False,
    )


def _level(cell: RunCell) -> str:
    return cell.factors.get("faults", AS_DESCRIBED if not cell.switches else ALL)


def _key(cell: RunCell) -> tuple[str, str, str]:
    return cell.backbone, cell.pipeline, cell.schedule


def _place(member: Member, cell: RunCell) -> str:
    """The backbone, and what else varies but the faults."""
    factors = levels(cell)
    return ", ".join(
        [cell.backbone, *(factors[f] for f in member.folder.varying() if f not in ("backbone", "faults"))]
    )


def _name(fault: str) -> str:
    mark = " (unsafe)" if fault in FAULTS and FAULTS[fault].unsafe else ""
    return f"{fault.replace('_', ' ')}{mark}"


def _order(member: Member, row: ComparisonRow) -> tuple[int, str, int]:
    """Faults as `FAULTS` lists them, all together last; then the cell, then the metric."""
    cell = member.cell(row.cell)
    names = list(FAULTS)
    fault = cell.factors.get("faults", "") if cell else ""
    place = names.index(fault) if fault in names else len(names)
    metrics = [m.name for m in METRICS]
    return (
        place,
        _place(member, cell) if cell else row.cell,
        metrics.index(row.metric) if row.metric in metrics else 99,
    )


def _unsafe_words(rows: list[ComparisonRow], member: Member) -> str:
    n = max(r.n_family for r in rows)
    trials = member.folder.n_trials
    return f"p adjusted by Holm over {n} comparisons a metric; {trials} {'trial' if trials == 1 else 'trials'} a cell."

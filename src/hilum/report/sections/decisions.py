"""What acting on the models is worth: decision curves, and PPV and NPV where the disease is rarer."""

from __future__ import annotations

from hilum.artifacts.decisions import Decisions, Predictive
from hilum.report import numbers, style
from hilum.report.estimates import backbone_breaks
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, rate_cell
from hilum.study.metrics import metric_label

_MOST = 6  # curves of a panel
_ENDS = ("low", "high")
_SHOWN = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)


def section(evaluated: Evaluated) -> Section | None:
    """Predictive values where the study names prevalences, and the decision curves folded away; None where there is neither."""
    found = Decisions.of_run(evaluated.folder.path)
    if found is None or not (found.curves or found.predictive):
        return None
    items = [predictive_table(evaluated, found)] if found.predictive else []
    closed: list[Table | Picture] = []
    if found.curves:
        closed = [curve_picture(evaluated, found), net_benefit_table(evaluated, found)]
    return Section("decisions", "Acting on the models", (), items, closed, folded=not items)


def predictive_table(evaluated: Evaluated, found: Decisions) -> Table:
    """A row a cell and prevalence: PPV and NPV at the operating point."""
    folder, names = evaluated.folder, evaluated.names
    columns = [*names.columns(), Column("Prevalence")]
    for m in ("ppv", "npv"):
        columns += [
            Column("estimate", group=metric_label(m), rule=True),
            Column("95 % interval", group=metric_label(m), parts=_ENDS),
        ]
    rows = {(r.cell, r.prevalence, r.metric): r for r in found.predictive}
    asked = list(dict.fromkeys(r.prevalence for r in found.predictive))
    body = [
        [
            *names.cells(c),
            Cell(f"{q:g}", q),
            *(cell for m in ("ppv", "npv") for cell in _cells(rows[c.name, q, m])),
        ]
        for c in folder.cells
        for q in asked
    ]
    note = (
        "PPV = sens q / (sens q + (1 − spec)(1 − q)), NPV likewise (Altman & Bland 1994), q the prevalence that the study names; "
        "sensitivity and specificity are taken to be the same there, which holds only where films of either side are like those here."
    )
    caption = f"At the operating point, {averaged(folder)}; of the test films {numbers.percent(found.prevalence)} are {folder.positive}."
    every = len(asked)
    return Table(
        "predictive-values", "PPV and NPV at other prevalences", caption, columns, body, (note,),
        frozenset(range(every, len(body), every)) if every > 1 else frozenset(), sortable=False,
    )  # fmt: skip


def _cells(row: Predictive) -> list[Cell]:
    if row.low is None or row.high is None:
        return [rate_cell(row.estimate, title=row.note), Cell(numbers.NONE, None, quiet=True, title=row.note)]
    return [
        rate_cell(row.estimate, title=row.note),
        Cell(numbers.interval(row.low, row.high), (row.low, row.high), title=row.note),
    ]


def curve_picture(evaluated: Evaluated, found: Decisions) -> Picture:
    """Net benefit over the threshold: a line a cell with its band, acting on all and on none beside; a panel a backbone."""
    by_backbone: dict[str, list[tuple[str, str]]] = {}
    for c in evaluated.folder.cells:
        by_backbone.setdefault(c.backbone, []).append((c.name, evaluated.names.label(c)))
    with style.figure(
        style.WIDTH_IN, 2.9 * -(-len(by_backbone) // 2) if len(by_backbone) > 1 else 3.2
    ) as fig:
        axes = style.panels(fig, len(by_backbone), 2, sharex=True, sharey=True)
        top = 1.25 * found.prevalence  # no curve is above the prevalence
        for ax, (backbone, cells) in zip(axes, by_backbone.items(), strict=True):
            ax.plot(found.thresholds, found.treat_all, color="#888888", lw=1, label="act on all")
            ax.axhline(0, color="#333333", lw=1, label="act on none")
            for n, (name, label) in enumerate(cells[:_MOST]):
                colour, dash = style.line(n)
                curve = found.curves[name]
                ax.fill_between(found.thresholds, curve.low, curve.high, color=colour, alpha=0.12, lw=0)
                ax.plot(found.thresholds, curve.estimate, color=colour, ls=dash, label=label)
            ax.set_ylim(-0.15 * top, 1.05 * top)
            ax.set_title(backbone)
            ax.legend(fontsize=6.5)
        axes[0].set_ylabel("net benefit")
        axes[-1].set_xlabel(f"threshold on the probability of {evaluated.folder.positive}")
    cut = (
        f" The first {_MOST} cells of a backbone."
        if any(len(c) > _MOST for c in by_backbone.values())
        else ""
    )
    return evaluated.picture(
        fig, "decision-curves", "Decision curves: the true positives a film, less the false positives weighed by the threshold’s odds, "
        f"{averaged(evaluated.folder)} with its 95 % interval.{cut}", "Lines; their numbers are in the table beside.",
    )  # fmt: skip


def net_benefit_table(evaluated: Evaluated, found: Decisions) -> Table:
    """A row a cell, and one for acting on all: net benefit at some thresholds."""
    folder, names = evaluated.folder, evaluated.names
    at = [found.thresholds.index(t) for t in _SHOWN]
    columns = [*names.columns()]
    for t in _SHOWN:
        columns.append(
            Column(f"{t:g}", group="Net benefit from the threshold", key=f"{t:g}", parts=("estimate", *_ENDS))
        )
    body = []
    for c in folder.cells:
        curve = found.curves[c.name]
        values = [(curve.estimate[k], curve.low[k], curve.high[k]) for k in at]
        body.append(
            [*names.cells(c), *(Cell(f"{numbers.signed(v, 3)}", (v, low, high)) for v, low, high in values)]
        )
    lead = [Cell(text, text) for text in ("act on all", *([""] * (len(names.columns()) - 1)))]
    body.append(
        [*lead, *(Cell(numbers.signed(v, 3), (v, None, None)) for v in (found.treat_all[k] for k in at))]
    )
    return Table(
        "net-benefit", "Net benefit",
        f"TP / n − FP / n · t / (1 − t) at the threshold t on the probability of {folder.positive} (Vickers & Elkin 2006), "
        f"{averaged(folder)}; acting on no film has 0.", columns, body,
        ("Of the test films as they are, with their share of the positive class, and of the probabilities as predicted.",),
        frozenset({*backbone_breaks(folder.cells), len(folder.cells)}), sortable=False,
    )  # fmt: skip

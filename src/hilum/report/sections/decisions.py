"""What acting on the models is worth: decision curves, and PPV and NPV where the disease is rarer."""

from __future__ import annotations

from hilum.artifacts.decisions import Decisions, Predictive
from hilum.artifacts.run import RunCell
from hilum.report import numbers, style
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
    caption = f"At the operating point, {averaged(folder)}."
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
    """Net benefit over the threshold: a line a cell with its band, acting on all and on none; a panel a backbone and share of films."""
    panels = _alike(evaluated, found)
    with style.figure(style.WIDTH_IN, 2.9 * -(-len(panels) // 2) if len(panels) > 1 else 3.2) as fig:
        axes = style.panels(fig, len(panels), 2, sharex=True)
        for ax, ((backbone, share), cells) in zip(axes, panels.items(), strict=True):
            ax.plot(
                found.thresholds,
                found.curves[cells[0].name].treat_all,
                color="#888888",
                lw=1,
                label="act on all",
            )
            ax.axhline(0, color="#333333", lw=1, label="act on none")
            for n, cell in enumerate(cells[:_MOST]):
                colour, dash = style.line(n)
                curve = found.curves[cell.name]
                ax.fill_between(found.thresholds, curve.low, curve.high, color=colour, alpha=0.12, lw=0)
                ax.plot(
                    found.thresholds, curve.estimate, color=colour, ls=dash, label=evaluated.names.label(cell)
                )
            ax.set_ylim(-0.2 * share, 1.25 * share)  # no curve is above the share
            ax.set_title(f"{backbone}, {numbers.percent(share)} {evaluated.folder.positive}")
            ax.legend(fontsize=6.5)
        axes[0].set_ylabel("net benefit")
        for ax in axes[-2:]:
            ax.set_xlabel(f"threshold on the probability of {evaluated.folder.positive}")
    cut = f" The first {_MOST} cells of a panel." if any(len(c) > _MOST for c in panels.values()) else ""
    return evaluated.picture(
        fig, "decision-curves", "Decision curves: the true positives a film, less the false positives weighed by the threshold’s odds, "
        f"{averaged(evaluated.folder)} with its 95 % interval.{cut}", "Decision curves; their numbers are in the table of net benefit.",
    )  # fmt: skip


def _alike(evaluated: Evaluated, found: Decisions) -> dict[tuple[str, float], list[RunCell]]:
    """Backbone and share of the positive class among the test films -> cells that have a curve."""
    alike: dict[tuple[str, float], list[RunCell]] = {}
    for cell in evaluated.folder.cells:
        if cell.name in found.curves:
            alike.setdefault((cell.backbone, round(found.curves[cell.name].prevalence, 3)), []).append(cell)
    return alike


def net_benefit_table(evaluated: Evaluated, found: Decisions) -> Table:
    """A row a cell, and one for acting on all of its films beneath those that share it: net benefit at some thresholds."""
    folder, names = evaluated.folder, evaluated.names
    at = [found.thresholds.index(t) for t in _SHOWN]
    group = "Net benefit from the threshold"
    columns = [
        *names.columns(),
        *(Column(f"{t:g}", group=group, key=f"{t:g}", parts=("estimate", *_ENDS)) for t in _SHOWN),
    ]
    body: list[list[Cell]] = []
    breaks = set()
    for cells in _alike(evaluated, found).values():
        breaks.add(len(body))
        for c in cells:
            curve = found.curves[c.name]
            values = [(curve.estimate[k], curve.low[k], curve.high[k]) for k in at]
            body.append(
                [*names.cells(c), *(Cell(numbers.signed(v, 3), (v, low, high)) for v, low, high in values)]
            )
        lead = [Cell(text, text) for text in ("act on all", *([""] * (len(names.columns()) - 1)))]
        all_ = found.curves[cells[0].name].treat_all
        body.append([*lead, *(Cell(numbers.signed(all_[k], 3), (all_[k], None, None)) for k in at)])
    return Table(
        "net-benefit", "Net benefit",
        f"TP / n − FP / n · t / (1 − t) at the threshold t on the probability of {folder.positive} (Vickers & Elkin 2006), "
        f"{averaged(folder)}; acting on no film has 0.", columns, body,
        ("Of the test films as they are, with their share of the positive class, and of the probabilities as predicted.",),
        frozenset(breaks - {0}), sortable=False,
    )  # fmt: skip

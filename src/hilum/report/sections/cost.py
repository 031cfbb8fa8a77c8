"""Weights and seconds: where each network begins, and what it costs."""

from __future__ import annotations

from hilum.artifacts.run import RunCell, StartWeights
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.trial_files import STEPS
from hilum.core.digests import SHORT
from hilum.report import numbers
from hilum.report.estimates import backbone_breaks
from hilum.report.evaluated import Evaluated
from hilum.report.numbers import mean
from hilum.report.page import Section
from hilum.report.run_words import averaged, backbone_label
from hilum.report.table import Cell, Column, Table, seconds_cell, text_cell


def section(evaluated: Evaluated) -> Section:
    """The tables of weights and of seconds."""
    tables = [weights_table(evaluated.folder), seconds_table(evaluated)]
    return Section("cost", "Weights and seconds", (), tables, folded=True)


def large_cell(value: int | None) -> Cell:
    """A large count with three digits, whole where the pointer rests.

    >>> large_cell(23_639_428).text, large_cell(5_149_584_384).text, large_cell(81).text
    ('23.6 M', '5.15 G', '81')
    """
    if value is None:
        return Cell(numbers.NONE, None, quiet=True)
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return Cell(f"{value / size:.3g} {unit}", value, title=numbers.count(value))
    return Cell(str(value), value)


def weights_table(folder: RunFolder) -> Table:
    """A row a backbone: which weights, from where, and their digest."""
    costs = folder.record.costs
    counted = ("parameters", "trained", "multiply_adds") if costs else ()
    body = []
    for cell in {c.backbone: c for c in folder.cells}.values():
        start = folder.record.weights.get(cell.backbone, StartWeights())
        sha = start.sha256
        body.append(
            [
                text_cell(backbone_label(cell), strong=True),
                text_cell(cell.weights),
                text_cell(start.source or numbers.NONE),
                Cell(sha[:SHORT] if sha else numbers.NONE, sha, title=sha or ""),
                *(large_cell((costs.get(cell.backbone) or {}).get(name)) for name in counted),
            ]
        )
    columns = [
        Column(c, numeric=False, prose=c == "Source") for c in ("Backbone", "Weights", "Source", "sha256")
    ]
    hints = {
        "parameters": "weights and biases of backbone and head",
        "trained": "those that training moves; the head’s where the backbone is frozen",
        "multiply_adds": "of one film through backbone and head at the study’s size; convolutions and matrix products only",
    }
    columns += [
        Column(name.capitalize().replace("_", "-"), hint=hints[name], rule=name == "parameters")
        for name in counted
    ]
    return Table(
        "weights",
        "Weights",
        "Where the weights of each backbone come from" + (", and what its network costs." if costs else "."),
        columns,
        body,
        sortable=False,
    )


def seconds_table(evaluated: Evaluated) -> Table:
    """Seconds of a cell, mean over trials: alone, and here with features shared."""
    folder, name = evaluated.folder, evaluated.names
    columns = name.columns()
    for group in ("alone", "here, shared"):
        columns += [Column(s, group=group, rule=s == STEPS[0]) for s in STEPS]
        columns.append(Column("total", group=group))
    values = [_seconds(folder, c) for c in folder.cells]
    body = [
        [*name.cells(c), *(seconds_cell(v) for v in of_cell)]
        for c, of_cell in zip(folder.cells, values, strict=True)
    ]
    breaks = set(backbone_breaks(folder.cells))
    if len(body) > 1 and not any(v is None for of_cell in values for v in of_cell):
        breaks.add(len(body))
        lead = [text_cell("sum of all cells", strong=True), *(text_cell("") for _ in name.columns()[1:])]
        totals = (sum(v or 0.0 for v in column) for column in zip(*values, strict=True))
        body.append([*lead, *(seconds_cell(total) for total in totals)])
    return Table(
        "seconds",
        "Seconds",
        f"Seconds of a trial, {averaged(folder)}.",
        columns,
        body,
        notes=(
            "Alone: what the trial would have cost by itself, its films counted at the measured seconds a film. "
            "Here: its equal share of what was computed once, since films that are equal under two pipelines, "
            "trials or cells pass a backbone once. Work of several processes is added up.",
        ),
        breaks=frozenset(breaks),
        sortable=False,
    )


def _seconds(folder: RunFolder, cell: RunCell) -> list[float | None]:
    """Mean over trials of each step and of all together, alone and here; None where a step is not recorded."""
    seconds = [folder.seconds(cell, t) for t in folder.trials]
    found: list[float | None] = []
    for which in ([s.alone for s in seconds], [s.here for s in seconds]):
        steps = [mean([s[k] for s in which if k in s]) for k in STEPS]
        found += [*steps, sum(v for v in steps if v is not None) if None not in steps else None]
    return found

"""Probes beside their model: the rows under it, the sentence that says what of its score they reach, and the cautions that follow.

Convention: a probe is no model. It stands in the table of results and in the comparisons of its own family, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRow, StudyRows
from hilum.report import numbers
from hilum.report.caution import Caution, caution
from hilum.report.run_words import backbone_label, cell_level
from hilum.report.table import Cell
from hilum.study.factors import FACTOR
from hilum.study.metrics import metric_label
from hilum.study.probes import CHANCE, FAMILY, LABELS_SHUFFLED, NEAR, PROBES, SOURCE_RULE

(METRIC,) = FAMILY["metrics"]


def probes_of(folder: RunFolder, cell: RunCell) -> list[RunCell]:
    """The probes of a model; the rule of the source, which knows no backbone, is a probe of each backbone's."""
    return [
        p
        for p in folder.probes
        if all(
            p.factors.get(f) == cell.factors.get(f)
            for f in FACTOR
            if f != "probe" and not (f == "backbone" and p.probe == SOURCE_RULE)
        )
    ]


def rows_under(folder: RunFolder, cell: RunCell) -> list[RunCell]:
    """The probes that a table has under a model; the rule of the source is there once."""
    return [p for p in probes_of(folder, cell) if p.backbone == cell.backbone]


def probe_names(cell: RunCell, n_columns: int) -> list[Cell]:
    """What the columns that name a cell hold for a probe."""
    words = f"probe: {cell_level(cell, 'probe')}"
    name = f"{backbone_label(cell)}, {words}"
    return [
        Cell(f"\N{RIGHTWARDS ARROW WITH HOOK} {words}", name, quiet=True),
        *[Cell("", "")] * (n_columns - 1),
    ]


def probe_notes(folder: RunFolder, rows: StudyRows) -> tuple[str, ...]:
    """What rows of probes are, and what they reach of each model's score; empty where there are none."""
    said = reached_words(folder, rows)
    if not said:
        return ()
    general = (
        "Rows that begin with “probe” are no models: each shows what the same backbone, split and training reach on films from which "
        "disease, or all but disease, was taken away."
    )
    return general, said


def reached_words(folder: RunFolder, rows: StudyRows) -> str:
    """A sentence for each model that has probes."""
    return " ".join(filter(None, (_reached(folder, rows, cell) for cell in folder.cells)))


def _reached(folder: RunFolder, rows: StudyRows, cell: RunCell) -> str:
    model = _row(folder, rows, cell)
    found = [
        (p, r) for p in probes_of(folder, cell) if (r := _row(folder, rows, p)) and r.estimate is not None
    ]
    if not found or model is None or model.estimate is None:
        return ""
    parts = [f"{numbers.rate(r.estimate, 2)} {PROBES[p.probe].reached}" for p, r in found]
    return (
        f"Of the {numbers.rate(model.estimate, 2)} {metric_label(METRIC)} of {backbone_label(cell)} under {cell.pipeline}, "
        f"{numbers.listed(parts)} {'is' if len(parts) == 1 else 'are'} reached."
    )


def _row(folder: RunFolder, rows: StudyRows, cell: RunCell) -> StudyRow | None:
    return rows.find(cell.name, None, METRIC, folder.positive)


def probe_cautions(folder: RunFolder, rows: StudyRows) -> list[Caution]:
    """Probes that see no disease and are nearly as good as their model, and shuffled labels that are not at chance."""
    texts = {
        "probe-comes-close": list(_close(folder, rows)),
        "shuffled-above-chance": list(_above_chance(folder, rows)),
    }
    return [caution(code, " ".join(text)) for code, text in texts.items() if text]


def _close(folder: RunFolder, rows: StudyRows) -> Iterator[str]:
    for cell in folder.cells:
        model = _row(folder, rows, cell)
        if model is None or model.estimate is None:
            continue
        near = [
            f"{numbers.rate(r.estimate, 2)} {PROBES[p.probe].reached}"
            for p in probes_of(folder, cell)
            if PROBES[p.probe].blind
            and _is_above_chance(r := _row(folder, rows, p))
            and r is not None
            and r.estimate is not None
            and r.estimate >= model.estimate - NEAR
        ]
        if near:
            yield (
                f"{backbone_label(cell)} under {cell.pipeline} reaches a {metric_label(METRIC)} of {numbers.rate(model.estimate, 2)} for "
                f"{folder.positive}, and the same training reaches {numbers.listed(near)}."
            )


def _above_chance(folder: RunFolder, rows: StudyRows) -> Iterator[str]:
    for probe in folder.probes:
        row = _row(folder, rows, probe) if probe.probe == LABELS_SHUFFLED else None
        if row is not None and _is_above_chance(row):
            yield (
                f"With the labels of its training films shuffled, {backbone_label(probe)} still reaches a {metric_label(METRIC)} of "
                f"{numbers.rate(row.estimate, 2)} ({numbers.interval(row.low, row.high)}), which chance does not give."
            )


def _is_above_chance(row: StudyRow | None) -> bool:
    """Whether the interval, over films and trials, lies above chance."""
    return row is not None and row.low is not None and row.low > CHANCE

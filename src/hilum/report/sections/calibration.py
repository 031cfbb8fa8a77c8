"""Calibration: whether a probability is the share of films that it says, as predicted and at the temperature that validation chose."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.report import numbers
from hilum.report.estimates import backbone_breaks
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, rate_cell, text_cell
from hilum.stats.trials import summarise_trials

_ECE = (
    "expected calibration error: mean over films of |share right − mean probability| in the film’s bin of the predicted class’s "
    "probability, 15 bins of equal width"
)
_BRIER = "Brier score: mean over films of the squared distance from the probabilities to the truth, 0 to 2"


def section(evaluated: Evaluated) -> Section | None:
    """A table; None where no bundle has a temperature."""
    table = calibration_table(evaluated)
    return Section("calibration", "Calibration", (), [table]) if table else None


def calibration_table(evaluated: Evaluated) -> Table | None:
    """Two rows a cell: its probabilities as predicted, and at each trial's temperature; None where no bundle has one."""
    folder, names = evaluated.folder, evaluated.names
    columns = [
        *names.columns(),
        Column("Probabilities", numeric=False),
        Column("Temperature", hint="lowest to highest of the trials", parts=("temperature_low", "temperature_high")),
    ]  # fmt: skip
    for metric, hint in (("ECE", _ECE), ("Brier", _BRIER)):
        columns += [Column(averaged(folder), group=metric, hint=hint, rule=True, key="estimate")]
        columns += [Column("standard error", group=metric, hint="over trials, divisor n − 1")]
    body, shown = [], []
    for cell in folder.cells:
        every = [evaluated.evaluation.trials[cell.name, t].calibration for t in folder.trials]
        found = [c for c in every if c]
        if not found:
            continue
        shown.append(cell)
        low, high = min(c.temperature for c in found), max(c.temperature for c in found)
        lead = names.cells(cell)
        body.append(
            [
                *lead,
                text_cell("as predicted"),
                Cell("1", (1, 1)),
                *_over_trials([(c.ece, c.brier) for c in found]),
            ]
        )
        body.append(
            [Cell("", c.value) for c in lead]
            + [text_cell("at the temperature"), Cell(numbers.span(low, high), (low, high))]
            + _over_trials([(c.ece_at_temperature, c.brier_at_temperature) for c in found])
        )
    if not body:
        return None
    others = numbers.counted(len(folder.cells) - len(shown), "cell")
    without = f"Without a temperature of their probabilities, and without a row: {others}."
    return Table(
        "calibration",
        "Calibration",
        "How far the probabilities of the test films are from what they say; smaller is better.",
        columns,
        body,
        notes=(
            "The temperature divides the logits; it was fitted on the validation films alone and stands in each bundle. It changes no "
            "film’s class of the highest probability. Every other table uses the probabilities as predicted.",
            *([without] if len(shown) < len(folder.cells) else []),
        ),
        breaks=backbone_breaks(shown, 2),
        sortable=False,
    )


def _over_trials(scores: Sequence[tuple[float, float]]) -> list[Cell]:
    """Mean and standard error of both scores."""
    summaries = [summarise_trials(values) for values in zip(*scores, strict=True)]
    return [rate_cell(v, title=s.note) for s in summaries for v in (s.mean, s.standard_error)]

"""Results: every cell's headline with its interval, and the comparisons that the study named beforehand."""

from __future__ import annotations

from hilum.artifacts.evaluation import MIXED_UNIT, Evaluation
from hilum.artifacts.run import RunCell
from hilum.report import figures, numbers
from hilum.report.comparison_tables import comparison_tables, secondary_table
from hilum.report.evaluated import Evaluated
from hilum.report.figures import Estimate
from hilum.report.page import Picture, Section
from hilum.report.result_tables import key_table
from hilum.report.run_words import averaged
from hilum.study.metrics import metric_label, shown_in, shown_words


def section(evaluated: Evaluated) -> Section:
    """Results by cell, the comparisons, and the intervals as a figure; the secondary tests folded away."""
    folder, evaluation = evaluated.folder, evaluated.evaluation
    secondary = secondary_table(evaluated.compared)
    return Section(
        "results",
        "Results",
        (),
        [
            key_table(folder, evaluated.rows, evaluation.formulas, unit_note(evaluation)),
            *comparison_tables(evaluated.compared, folder.classes),
            interval_picture(evaluated),
        ],
        [secondary] if secondary else [],
    )


def unit_note(evaluation: Evaluation) -> str:
    """What the intervals resample, with counts."""
    kinds = {"patient": "patients", "duplicate group": "groups of confirmed copies", "film": "single films"}
    counts = ", ".join(f"{numbers.count(n)} {kinds[k]}" for k, n in evaluation.unit_counts.items())
    words = {
        "patient": "patients",
        "duplicate group": "confirmed duplicate groups, else films",
        "film": "films",
        MIXED_UNIT: "patients where known, else confirmed duplicate groups, else films",
    }
    n = evaluation.header.options["n_resamples"]
    trials = "trials and " if len({t for _, t in evaluation.trials}) > 1 else ""
    what = f"{trials}{words[evaluation.unit]}"
    return f"Intervals resample {what} ({counts} in the test part), {numbers.count(n)} times."


def interval_picture(evaluated: Evaluated) -> Picture:
    """Sensitivity and specificity by cell."""
    folder, rows, beside = evaluated.folder, evaluated.rows, evaluated.beside

    def estimate(cell: RunCell, metric: str) -> Estimate:
        row = rows.find(cell.name, None, metric, folder.positive)
        trials = [rows.value(cell.name, t, metric, folder.positive) for t in folder.trials]
        return Estimate(
            row.estimate if row else None,
            row.low if row else None,
            row.high if row else None,
            [t for t in trials if t is not None],
            beside.marks.get((cell.name, metric)),
        )

    metrics = [(metric_label(m), [estimate(c, m) for c in folder.cells]) for m in shown_in("pictured")]
    words = shown_words("pictured")
    labels = [evaluated.names.label(c) for c in folder.cells]
    marked = any(e.beside is not None for _, of_metric in metrics for e in of_metric)
    return evaluated.picture(
        figures.intervals(labels, metrics, averaged(folder), beside.whose),
        "intervals",
        f"{words[0].upper() + words[1:]} of {folder.positive} by cell, test films: {averaged(folder)} with its "
        f"95 % interval; small dots are the trials. The axes need not begin at 0.{f' {beside.of_marks}' if marked else ''}",
        "Dot plot; its numbers are in the table of results.",
    )

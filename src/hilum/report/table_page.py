"""The page of an evaluated table of scores: figures with their intervals, curves, confusion, calibration, and what was done to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.evaluation import TrialEvaluation
from hilum.artifacts.statistics import ALL_CLASSES, MACRO, StatisticsRow
from hilum.report import figures, hover, numbers, score_figures, style
from hilum.report.caution import Caution
from hilum.report.class_words import against
from hilum.report.confusion_tables import matrix_table
from hilum.report.figures import PrCurve
from hilum.report.page import Page, Picture, Section
from hilum.report.result_tables import films_behind
from hilum.report.table import Column, Table, count_cell, rate_cell, text_cell
from hilum.study.metrics import metric_label

_FEW = 50


@dataclass(frozen=True)
class TableEvaluation:
    """An evaluated table of scores.

    Attributes:
        name: Of the table's file.
        rows: Its statistics.
        drawn: Confusion matrix and curves of the positive class.
        bins: (mean probability of the positive class, share positive, films) of each bin that has films.
        classes: In order.
        positive: The positive class.
        part: Whose films.
        unit: What was resampled, and how many of each kind.
        provenance: As `hilum.artifacts.header.Provenance`.
        notes: What was done to read the table, and which films were left out.
        formulas: Metric -> formula.
        facts: (name, value) for reproducing it.
        command: What the user typed; empty for unknown.
    """

    name: str
    rows: Sequence[StatisticsRow]
    drawn: TrialEvaluation
    bins: Sequence[tuple[float, float, int]]
    classes: Sequence[str]
    positive: str
    part: str
    unit: Mapping[str, int]
    provenance: str
    notes: Sequence[str]
    formulas: Mapping[str, str]
    facts: Sequence[tuple[str, str]]
    command: str = ""


def table_page(found: TableEvaluation, out: Path) -> tuple[Page, list[Table]]:
    """The page, and its tables; the figures are written.

    Args:
        found: What was evaluated.
        out: Folder of the figures.
    """
    results = _results(found)
    matrix = matrix_table(
        "confusion", "Confusion matrix", "Films by truth and by the class of the highest probability",
        found.classes, found.positive, found.drawn.confusion,
    )  # fmt: skip
    n = int(found.drawn.confusion.sum())
    of_part = "" if found.part == "all" else f" of part {found.part}"
    k = list(found.classes).index(found.positive)
    n_positive = int(found.drawn.confusion[k].sum())
    units = ", ".join(f"{c} {kind}s" for kind, c in found.unit.items())
    page = Page(
        f"Evaluation of {found.name}",
        f"{n} films{of_part}, {n_positive} of them {found.positive}: {against(found.positive, found.classes)}; intervals resample {units}.",
        False,
        _cautions(found, n_positive, n - n_positive),
        Section("results", "Results", (), [results]),
        (Section("figures", "Figures", (), [*_pictures(found, out), matrix]),),
        [(metric_label(m), f) for m, f in sorted(found.formulas.items())],
        found.command,
        found.facts,
    )
    return page, [results, matrix]


def _results(found: TableEvaluation) -> Table:
    columns = [
        Column("Class", numeric=False), Column("Metric", numeric=False), Column("estimate"), Column("low"), Column("high"),
        Column("films", key="n"), Column("of the class", key="n_positive"), Column("note", numeric=False, prose=True),
    ]  # fmt: skip
    body = []
    for r in found.rows:
        metric, _, at = r.metric.partition("@")
        label = metric_label(metric) + (" at the threshold" if at else "")
        class_ = {ALL_CLASSES: "all classes", MACRO: "macro average"}.get(r.class_, r.class_)
        n = films_behind(r)
        body.append(
            [
                text_cell(class_, strong=r.class_ == found.positive), text_cell(label, title=r.formula), rate_cell(r.estimate, n=n),
                rate_cell(r.low, n=n), rate_cell(r.high, n=n), count_cell(r.n), count_cell(r.n_positive), text_cell(r.note),
            ]
        )  # fmt: skip
    caption = (
        "Every figure with its 95 % interval (low, high); a rate is for the class of the highest probability."
    )
    return Table("results", "Figures", caption, columns, body)


def _cautions(found: TableEvaluation, n_positive: int, n_others: int) -> list[Caution]:
    cautions = []
    if found.provenance != "hilum":
        what = {"unknown": "was not written by hilum", "edited": "was changed after hilum wrote it"}
        text = f"{found.name} {what[found.provenance]}: its labels, parts, patients and scores are taken as they stand."
        cautions.append(Caution("Not hilum's own scores", text))
    if not found.unit.get("patient"):
        text = "No film has a patient: where one patient has several films the intervals are too narrow."
        cautions.append(Caution("Patients are not known", text))
    if min(n_positive, n_others) < _FEW:
        text = f"{n_positive} films are {found.positive} and {n_others} are not: the fewer, the less these figures tell."
        cautions.append(Caution("Few films", text))
    if found.notes:
        cautions.append(Caution("How the table was read", "; ".join(found.notes) + "."))
    return cautions


def _pictures(found: TableEvaluation, out: Path) -> list[Picture]:
    value = {r.metric: r.estimate for r in found.rows if r.class_ == found.positive}
    k = list(found.classes).index(found.positive)
    total = int(found.drawn.confusion.sum())
    share = float(found.drawn.confusion[k].sum() / total) if total else 0.0
    drawn = []
    if found.drawn.pr is not None:
        recall, precision = value.get("sensitivity"), value.get("ppv")
        mark = (recall, precision) if recall is not None and precision is not None else None
        name = f"{found.positive}, area {numbers.rate(value.get('pr_auc'), 3)}"
        curve = PrCurve(name, found.drawn.pr.x, found.drawn.pr.y, mark)
        drawn.append(
            (
                figures.pr_curves([(found.name, [curve])], share), "pr-curve",
                "Precision over recall. Circle: the class of the highest probability. Level line: a guess.",
            )
        )  # fmt: skip
    if found.drawn.roc is not None:
        name = f"{found.positive}, area {numbers.rate(value.get('roc_auc'), 3)}"
        drawn.append(
            (
                score_figures.roc_figure(found.drawn.roc, name),
                "roc-curve",
                "Receiver operating characteristic.",
            )
        )
    matrix = figures.confusion_matrices([(found.name, found.drawn.confusion)], found.classes)
    drawn.append((matrix, "confusion-matrix", "Confusion matrix: counts, and shares of the row."))
    drawn.append(
        (
            score_figures.calibration_figure(found.bins), "calibration",
            f"Calibration of the probability of {found.positive}: where the line is above the dashed one, films are positive more often "
            "than the probability says. Bars: films of each bin.",
        )
    )  # fmt: skip
    pictures = []
    for fig, stem, caption in drawn:
        svg, _ = style.save(fig, out, stem)
        width = min(100, round(100 * float(fig.get_figwidth()) / style.WIDTH_IN))
        pictures.append(
            Picture(
                stem,
                caption,
                "Its numbers are in the table.",
                svg,
                width_percent=width,
                hover=hover.points(fig),
            )
        )
    return pictures

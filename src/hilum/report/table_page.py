"""The page of an evaluated table of scores: figures with their intervals, curves, confusion, calibration, and what was done to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from hilum.artifacts.evaluation import Points
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.statistics import ALL_CLASSES, MACRO, StatisticsRow
from hilum.core.digests import sha256_file
from hilum.report import curve_figures, numbers, style
from hilum.report.caution import Caution, by_severity, caution
from hilum.report.cautions import not_by_hilum
from hilum.report.class_words import against
from hilum.report.curve_figures import PrCurve
from hilum.report.drawn import drawn
from hilum.report.estimates import few_events_notes, films_behind
from hilum.report.matrix import confusion_matrices, matrix_table
from hilum.report.page import Page, Picture, Section, write_page
from hilum.report.table import Column, Table, count_cell, rate_cell, text_cell
from hilum.stats.calibration import reliability
from hilum.stats.resampling_unit import ResamplingUnit
from hilum.stats.trial_curves import trial_curves
from hilum.study.metrics import formulas, metric_label

PAGE = "evaluation.html"
ALL = "all"
"""The part of the rows where no film is of any part."""
BINS = 10
"""Of the calibration figure."""
_FEW = 50


@dataclass(frozen=True)
class EvaluatedTable:
    """An evaluated table of scores.

    Attributes:
        path: The table.
        rows: Of ``statistics.json``.
        predictions: The films that they are of.
        part: Their part; `ALL` for none.
        positive: The positive class.
        unit: What was resampled.
        notes: What was done to read the tables, and which films were left out.
    """

    path: Path
    rows: list[StatisticsRow]
    predictions: Predictions
    part: str
    positive: str
    unit: ResamplingUnit
    notes: tuple[str, ...]

    @property
    def words(self) -> str:
        """Which films, the class, and whose table, in a line."""
        of = "no part" if self.part == ALL else f"part {self.part!r}"
        films = self.predictions
        return f"{len(films)} films of {of}, positive class {self.positive!r}, provenance {films.provenance}"

    @property
    def units(self) -> str:
        """What the intervals resample."""
        return f"intervals resample {', '.join(f'{n} {kind}s' for kind, n in self.unit.counts.items())}"


def write_table_page(found: EvaluatedTable, folder: Path, command: str = "") -> Path:
    """Write ``evaluation.html``, its tables as csv and LaTeX, and its figures.

    Args:
        found: What was evaluated.
        folder: Where the page goes.
        command: What the user typed; empty for unknown.
    """
    films = found.predictions
    k = films.classes.index(found.positive)
    curves = trial_curves(films, found.positive)
    n_positive = int(curves.confusion[k].sum())
    of_part = "" if found.part == ALL else f" of part {found.part}"
    matrix = matrix_table(
        "confusion", "Confusion matrix", "Films by truth and by the class of the highest probability",
        films.classes, found.positive, curves.confusion,
    )  # fmt: skip
    page = Page(
        "evaluation",
        f"Evaluation of {found.path.name}",
        f"{len(films)} films{of_part}, {n_positive} of them {found.positive}: {against(found.positive, films.classes)}; {found.units}.",
        (
            Section("results", "Results", items=[results_table(found)]),
            Section("figures", "Figures", items=[*table_pictures(found, folder / "figures"), matrix]),
        ),
        table_cautions(found),
        glossary=[(metric_label(m), f) for m, f in sorted(formulas().items())],
        command=command,
        facts=[("sha256 of the table", sha256_file(found.path)), ("films", str(len(films)))],
    )
    write_page(page, folder / PAGE)
    return folder / PAGE


def results_table(found: EvaluatedTable) -> Table:
    """A row a class and metric, with what was resampled beneath."""
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
    notes = (f"{found.units[0].upper()}{found.units[1:]}.", *few_events_notes(found.rows))
    return Table("results", "Figures", caption, columns, body, notes)


def table_cautions(found: EvaluatedTable) -> list[Caution]:
    """What a reader must know first, the gravest first."""
    n_positive = found.predictions.y_true.count(found.positive)
    n_others = len(found.predictions) - n_positive
    few = min(n_positive, n_others) < _FEW
    taken = not_by_hilum(found.predictions.provenance, found.path.name, "labels, parts, patients and scores")
    said = {
        "not-by-hilum": taken,
        "patients-unknown": ""
        if found.unit.counts.get("patient")
        else "No film has a patient: where one patient has several films the intervals are too narrow.",
        "few-events": few
        and f"{n_positive} films are {found.positive} and {n_others} are not: the fewer, the less these figures tell.",
        "reading": "; ".join(found.notes) + "." if found.notes else "",
    }
    return by_severity(caution(code, text) for code, text in said.items() if text)


def table_pictures(found: EvaluatedTable, out: Path) -> list[Picture]:
    """Curves, confusion and calibration, written into a folder."""
    films, positive = found.predictions, found.positive
    k = films.classes.index(positive)
    curves = trial_curves(films, positive)
    value = {r.metric: r.estimate for r in found.rows if r.class_ == positive}
    alt, name = "Its numbers are in the table.", found.path.name
    pictures = []
    if curves.pr is not None:
        recall, precision = value.get("sensitivity"), value.get("ppv")
        mark = (recall, precision) if recall is not None and precision is not None else None
        area = f"{positive}, area {numbers.rate(value.get('pr_auc'), 3)}"
        share = float(curves.confusion[k].sum() / curves.confusion.sum())
        fig = curve_figures.pr_curves([(name, [PrCurve(area, curves.pr.x, curves.pr.y, mark)])], share)
        words = "Precision over recall. Circle: the class of the highest probability. Level line: a guess."
        pictures.append(drawn(fig, out, "pr-curve", words, alt))
    if curves.roc is not None:
        area = f"{positive}, area {numbers.rate(value.get('roc_auc'), 3)}"
        fig = roc_figure(curves.roc, area)
        pictures.append(drawn(fig, out, "roc-curve", "Receiver operating characteristic.", alt))
    fig = confusion_matrices([(name, curves.confusion)], films.classes)
    words = "Confusion matrix: counts, and shares of the row."
    pictures.append(drawn(fig, out, "confusion-matrix", words, alt))
    calibrated = reliability(films.probabilities[:, k], films.y_index() == k, BINS)
    bins = zip(calibrated.confidence, calibrated.accuracy, calibrated.n, strict=True)
    fig = calibration_figure([(float(x), float(y), int(n)) for x, y, n in bins if n])
    words = (
        f"Calibration of the probability of {positive}: where the line is above the dashed one, films are positive more often "
        "than the probability says. Bars: films of each bin."
    )
    return [*pictures, drawn(fig, out, "calibration", words, alt)]


def roc_figure(curve: Points, name: str) -> Figure:
    """True over false positive rate.

    Args:
        curve: Of `TrialEvaluation.roc`.
        name: Of the line, with its area.
    """
    with style.figure(4.4, 3.9) as fig:
        ax = fig.subplots()
        ax.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls=(0, (2, 2)), label="a guess")
        ax.plot(curve.x, curve.y, color=style.BLUE, label=name)
        ax.set(xlabel="false positive rate (1 − specificity)", ylabel="true positive rate (sensitivity)")
        ax.set(xlim=(-0.005, 1.005), ylim=(-0.005, 1.005))
        ax.set_aspect("equal", adjustable="box")
        fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=7)
        return fig


def calibration_figure(bins: Sequence[tuple[float, float, int]]) -> Figure:
    """Share of films that are positive over the mean probability of their bin, and the films of each bin beneath.

    Args:
        bins: (mean probability, share positive, films) of each bin that has films.
    """
    with style.figure(4.4, 4.6) as fig:
        ax, below = fig.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
        x, y, n = [b[0] for b in bins], [b[1] for b in bins], [b[2] for b in bins]
        ax.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls=(0, (2, 2)), label="calibrated")
        ax.plot(x, y, color=style.BLUE, marker="o", ms=4, label="films of a bin")
        ax.set(ylabel="share that is positive", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=7)
        below.bar(x, n, width=0.03, color=style.SKY)
        below.yaxis.get_major_locator().set_params(integer=True)
        below.set(xlabel="probability of the positive class", ylabel="films")
        return fig

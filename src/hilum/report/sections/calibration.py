"""Calibration: whether a probability is the share of films that it says, as predicted and at the temperature that validation chose."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from hilum.artifacts.probabilities import Bin, Calibration, ProbabilityFigures
from hilum.artifacts.run import RunCell
from hilum.report import numbers, style
from hilum.report.estimates import backbone_breaks
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, text_cell
from hilum.stats.proportions import wilson
from hilum.stats.trials import summarise_trials

_WAYS = ("as predicted", "at the temperature")
_DRAWN = 6
_FIGURES = {
    "ece": ("ECE", "expected calibration error: mean over films of |share right − mean probability| in the film’s bin of the predicted "
        "class’s probability, 15 bins of equal width"),
    "brier": ("Brier", "Brier score: mean over films of the squared distance from the probabilities to the truth, 0 to 2"),
    "log_loss": ("Log loss", "mean over films of minus the logarithm of the probability of the film’s class, in nats"),
}  # fmt: skip
_MEANS = {
    "ece_equal_count": ("ECE, equal count", "the same error in 10 bins of equal count"),
    "reliability": ("Reliability", "Murphy’s part of the Brier score that calibration can mend: smaller is better"),
    "resolution": ("Resolution", "what the probabilities tell apart: larger is better"),
    "uncertainty": ("Uncertainty", "what the shares of the classes alone make of it"),
    "within": ("Within bins", "what probabilities add that differ within a bin; Brier = reliability − resolution + uncertainty + this"),
    "slope": ("Slope", "of the positive class on the log-odds of its probability: below 1, probabilities are too extreme"),
    "intercept": ("Intercept", "in the large, at slope 1: below 0, probabilities of the positive class are too high on average"),
}  # fmt: skip
_SIGNED = ("within", "intercept")
_NO_SLOPE = (
    "in some trial the log-odds separate the films, or they are of one side only: there is no such line"
)

Found = list[tuple[RunCell, list[Calibration]]]


def section(evaluated: Evaluated) -> Section | None:
    """A table and a figure, its numbers folded; None where no bundle has a temperature."""
    found: Found = []
    for cell in evaluated.folder.cells:
        every = [evaluated.evaluation.trials[cell.name, t].calibration for t in evaluated.folder.trials]
        if of_cell := [c for c in every if c]:
            found.append((cell, of_cell))
    if not found:
        return None
    items: list[Table | Picture] = [
        make(evaluated, found) for make in (calibration_table, parts_table, reliability_picture)
    ]
    return Section(
        "calibration", "Calibration", (), items, [bins_table(evaluated, found)], brief=_brief(found)
    )


def _ways(calibration: Calibration) -> tuple[ProbabilityFigures, ProbabilityFigures]:
    return calibration.predicted, calibration.scaled


def _brief(found: Found) -> str:
    """The error of all cells, before and after."""
    words = []
    for k, way in enumerate(_WAYS):
        errors = [float(np.mean([_ways(c)[k].ece for c in of])) for _, of in found]
        low, high = (numbers.rate(v, 3) for v in (min(errors), max(errors)))
        words.append(f"{low if low == high else f'{low} to {high}'} {way}")
    return f"Expected calibration error {words[0]}, {words[1]} that validation films chose."


def calibration_table(evaluated: Evaluated, found: Found) -> Table:
    """Two rows a cell: its probabilities as predicted, and at each trial's temperature."""
    folder, names = evaluated.folder, evaluated.names
    columns = [
        *names.columns(),
        Column("Probabilities", numeric=False),
        Column("Temperature", hint="lowest to highest of the trials", parts=("temperature_low", "temperature_high")),
    ]  # fmt: skip
    for label, hint in _FIGURES.values():
        columns += [Column(averaged(folder), group=label, hint=hint, rule=True, key="estimate")]
        columns += [Column("standard error", group=label, hint="over trials, divisor n − 1")]
    body = []
    for cell, of_cell in found:
        temperatures = [c.temperature for c in of_cell]
        low, high = min(temperatures), max(temperatures)
        for k, way in enumerate(_WAYS):
            at = Cell("1", (1, 1)) if k == 0 else Cell(numbers.span(low, high), (low, high))
            figures = [_ways(c)[k] for c in of_cell]
            body.append([*_lead(evaluated, cell, k), text_cell(way), at, *_scores(figures)])
    others = numbers.counted(len(folder.cells) - len(found), "cell")
    without = f"Without a temperature of their probabilities, and without a row: {others}."
    return Table(
        "calibration",
        "Calibration",
        "How far the probabilities of the test films are from what they say; of errors and scores the smaller is better.",
        columns,
        body,
        notes=(
            "The temperature divides the logits; it was fitted on the validation films alone and stands in each bundle. It changes no "
            "film’s class of the highest probability. Every other table uses the probabilities as predicted.",
            *([without] if len(found) < len(folder.cells) else []),
        ),
        breaks=backbone_breaks([cell for cell, _ in found], 2),
        sortable=False,
    )


def parts_table(evaluated: Evaluated, found: Found) -> Table:
    """Two rows a cell: what the Brier score is made of, slope and intercept."""
    columns = [*evaluated.names.columns(), Column("Probabilities", numeric=False)]
    columns += [Column(label, hint=hint) for label, hint in _MEANS.values()]
    body = [
        [*_lead(evaluated, cell, k), text_cell(way), *_means([_ways(c)[k] for c in of_cell])]
        for cell, of_cell in found
        for k, way in enumerate(_WAYS)
    ]
    positive = evaluated.folder.positive
    return Table(
        "calibration-parts",
        "What is behind them",
        f"Parts of the Brier score over all classes, and logistic recalibration of the probability of {positive} (1 and 0 need none): "
        f"{averaged(evaluated.folder)}.",
        columns,
        body,
        breaks=backbone_breaks([cell for cell, _ in found], 2),
        sortable=False,
    )


def _lead(evaluated: Evaluated, cell: RunCell, row: int) -> list[Cell]:
    """The cell's names, printed in its first row only."""
    return [c if row == 0 else Cell("", c.value) for c in evaluated.names.cells(cell)]


def _scores(figures: Sequence[ProbabilityFigures]) -> list[Cell]:
    """Mean and standard error of each score."""
    found = [summarise_trials([getattr(f, name) for f in figures]) for name in _FIGURES]
    return [rate_cell(v, title=s.note) for s in found for v in (s.mean, s.standard_error)]


def _means(figures: Sequence[ProbabilityFigures]) -> list[Cell]:
    """Means of the rest; a dash where a trial has none."""
    cells = []
    for name in _MEANS:
        values = [getattr(f, name) for f in figures]
        if None in values:
            cells.append(Cell(numbers.NONE, None, quiet=True, title=_NO_SLOPE))
        else:
            mean = float(np.mean(values))
            cells.append(
                Cell(numbers.signed(mean, 3) if name in _SIGNED else f"{mean:.3f}".replace("-", "−"), mean)
            )
    return cells


def _over_trials(trials: Sequence[Sequence[Bin]]) -> list[Bin]:
    """Bins of several trials, the most certain films of each with one another: means, and the films of one trial."""
    found = []
    for k in range(1, max(map(len, trials)) + 1):
        bins = [t[-k] for t in trials if len(t) >= k]
        n, *means = (
            float(np.mean([getattr(b, f) for b in bins])) for f in ("n", "effective", "confidence", "right")
        )
        found.append(Bin(round(n), *means))
    return found[::-1]


def _interval(found: Bin) -> tuple[float, float]:
    return wilson(min(found.right, 1.0) * found.effective, found.effective)


def reliability_picture(evaluated: Evaluated, found: Found) -> Picture:
    """Share right over mean probability, a panel a cell."""
    shown = found[:_DRAWN]
    n_columns = min(3, len(shown))
    with style.figure(
        style.WIDTH_IN if n_columns > 1 else 4.0, 0.5 + 2.6 * -(-len(shown) // n_columns)
    ) as fig:
        axes = style.panels(fig, len(shown), n_columns)
        for ax, (cell, of_cell) in zip(axes, shown, strict=True):
            ax.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls=(0, (2, 2)), label="_nolegend_")
            for k, way in enumerate(_WAYS):
                bins = _over_trials([_ways(c)[k].bins for c in of_cell])
                x, y = (np.array([getattr(b, f) for b in bins]) for f in ("confidence", "right"))
                ends = np.array([_interval(b) for b in bins]).T
                colour, dash = style.line(k)
                reach = np.maximum(np.stack([y - ends[0], ends[1] - y]), 0)
                ax.errorbar(
                    x,
                    y,
                    yerr=reach,
                    color=colour,
                    linestyle=dash,
                    marker="o",
                    ms=3,
                    elinewidth=0.8,
                    label=way,
                )
            ax.set(xlabel="mean probability", ylabel="share right", xlim=(0, 1.02), ylim=(0, 1.02))
            ax.set_title(textwrap.fill(evaluated.names.label(cell), 34), fontsize=8)
        style.one_legend(fig, axes)
    rest = (
        f" The first {_DRAWN} of {len(found)} cells; all are in the table of bins."
        if len(found) > _DRAWN
        else ""
    )
    return evaluated.picture(
        fig,
        "reliability",
        f"Share of films whose predicted class is right over its mean probability, test films, 10 bins of equal count, "
        f"{averaged(evaluated.folder)}. "
        f"Bars: Wilson’s 95 % interval of one trial’s films, those of a patient counted as one where they say the same.{rest}",
        "Reliability diagram; its numbers are in the table of bins.",
    )


def bins_table(evaluated: Evaluated, found: Found) -> Table:
    """The points of the figure, of every cell."""
    names = evaluated.names
    columns = [
        *names.columns(), Column("Probabilities", numeric=False), Column("Bin"), Column("Films"), Column("Mean probability"),
        Column("Share right"), Column("95 % interval", parts=("low", "high"), key="share right"),
    ]  # fmt: skip
    body, breaks = [], []
    for cell, of_cell in found:
        for k, way in enumerate(_WAYS):
            for at, b in enumerate(_over_trials([_ways(c)[k].bins for c in of_cell])):
                low, high = _interval(b)
                shares = [rate_cell(b.confidence, n=b.n), rate_cell(b.right, n=b.n)]
                ends = Cell(numbers.interval(low, high, b.n), (low, high))
                body.append(
                    [*names.cells(cell), text_cell(way), count_cell(at + 1), count_cell(b.n), *shares, ends]
                )
        breaks.append(len(body))
    return Table(
        "reliability",
        "Reliability by bin",
        f"The points of the reliability diagram: {averaged(evaluated.folder)}.",
        columns,
        body,
        breaks=frozenset(breaks[:-1]),
    )

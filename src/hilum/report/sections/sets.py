"""Sets and strangers: how often sets hold a film's class, what the gate refuses, what leaving films out is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hilum.artifacts.evaluation import TrialEvaluation
from hilum.artifacts.probabilities import Covered, Refused
from hilum.artifacts.run import RunCell
from hilum.report import numbers, style
from hilum.report.estimates import backbone_breaks
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, text_cell
from hilum.stats.conformal import patients_needed
from hilum.stats.judged_films import share_interval

_DRAWN = 6
_NAMED = 6
_SHARE = "every patient weighs the same"


def section(evaluated: Evaluated) -> Section | None:
    """Coverage of sets, the gate, and errors by share of films kept; None where the run's predictions have neither sets nor gate."""
    if not any(t.covered or t.refused for t in evaluated.evaluation.trials.values()):
        return None
    whole = _covered_rows(evaluated, "all")
    parts = _covered_rows(evaluated, "class") + _covered_rows(evaluated, "source")
    items: list[Table | Picture] = [
        _sets_table(evaluated, "sets", "Sets of classes", whole, _broken(evaluated, parts) + _few(evaluated)),
        gate_table(evaluated),
        selective_table(evaluated),
        risk_picture(evaluated),
    ]
    closed = [_sets_table(evaluated, "sets-by-group", "Sets by class and source", parts)]
    if evaluated.evaluation.spreads:
        closed.append(spread_table(evaluated))
    return Section("sets", "Sets and strangers", _PARAGRAPHS, items, closed, brief=_brief(whole))


_PARAGRAPHS = (
    "A set holds every class whose probability reaches that class’s threshold, chosen on validation films with every patient weighing the "
    "same. For patients like those of validation it holds a film’s class at least as often as it says, however good or bad the model is; "
    "for other films nothing is promised, and here is what came. Such sets are not intervals of a probability.",
    "A stranger is a film that, at 64 px, looks less like the training films than 95 % of validation patients’ films do: another view or "
    "no chest film. Of films like those of validation about one in twenty is refused too.",
)

CoveredRow = tuple[RunCell, list[Covered]]


def _trials(evaluated: Evaluated, cell: RunCell) -> list[TrialEvaluation]:
    return [evaluated.evaluation.trials[cell.name, t] for t in evaluated.folder.trials]


def _covered_rows(evaluated: Evaluated, by: str) -> list[CoveredRow]:
    """For each cell, level and group the figures of its trials."""
    rows = []
    for cell in evaluated.folder.cells:
        found: dict[tuple[int, str], list[Covered]] = {}
        for t in _trials(evaluated, cell):
            for c in t.covered:
                if c.by == by:
                    found.setdefault((c.level, c.group), []).append(c)
        rows += [(cell, of) for _, of in sorted(found.items())]
    return rows


def _brief(rows: Sequence[CoveredRow]) -> str:
    words = []
    for level in sorted({of[0].level for _, of in rows}):
        means = [float(np.mean([c.coverage for c in of])) for _, of in rows if of[0].level == level]
        low, high = (numbers.percent(v) for v in (min(means), max(means)))
        words.append(
            f"sets of {level} % hold the class of {low if low == high else f'{low} to {high}'} of test films"
        )
    said = "; ".join(words)
    return f"{numbers.capital(said)}." if said else ""


def _share_cells(shares: Sequence[float], patients: Sequence[int]) -> list[Cell]:
    """A mean over trials and its interval."""
    n = round(float(np.mean(patients)))
    found = share_interval(shares, patients)
    ends = (found.low, found.high, n)
    return [
        rate_cell(float(np.mean(shares)), n=n),
        Cell(
            numbers.interval(found.low, found.high, n),
            ends,
            title="Wilson over patients, Student over trials",
        ),
    ]


def _share_columns(label: str, hint: str) -> list[Column]:
    return [
        Column("estimate", group=label, hint=f"{hint}; {_SHARE}", rule=True),
        Column("95 % interval", group=label, parts=("low", "high", "n")),
    ]


def _counts(rows: Sequence[Covered | Refused]) -> list[Cell]:
    return [count_cell(round(float(np.mean([getattr(r, f) for r in rows])))) for f in ("n", "patients")]


def _sets_table(
    evaluated: Evaluated, name: str, title: str, rows: Sequence[CoveredRow], notes: Sequence[str] = ()
) -> Table:
    names = evaluated.names
    grouped = name != "sets"
    columns = [
        *names.columns(), Column("Set of", hint="nominal coverage, %", key="level"),
        *([Column("By", numeric=False), Column("Group", numeric=False)] if grouped else []),
        Column("Films", hint="mean over trials"), Column("Patients", hint="groups of films that no part divides; mean over trials"),
        *_share_columns("Coverage", "share of films whose set holds their class"),
        Column("Classes in a set", hint=f"mean; {_SHARE}", rule=True), Column("Sets of one class", hint=f"share; {_SHARE}"),
    ]  # fmt: skip
    body = []
    for cell, of in rows:
        first = of[0]
        group = [text_cell(first.by), text_cell(first.group)] if grouped else []
        size, single = (float(np.mean([getattr(c, f) for c in of])) for f in ("size", "single"))
        lead = [*names.cells(cell), Cell(f"{first.level} %", first.level), *group, *_counts(of)]
        shares = _share_cells([c.coverage for c in of], [c.patients for c in of])
        body.append([*lead, *shares, Cell(f"{size:.2f}", size), rate_cell(single)])
    what = ", by class and by source," if grouped else ""
    caption = f"How often the sets of test films{what} hold a film’s class: {averaged(evaluated.folder)}."
    return Table(
        name, title, caption, columns, body, notes=tuple(notes), breaks=backbone_breaks([c for c, _ in rows])
    )


def _broken(evaluated: Evaluated, rows: Sequence[CoveredRow]) -> list[str]:
    """Where coverage is below what the sets say, interval and all."""
    words = []
    for cell, of in rows:
        found = share_interval([c.coverage for c in of], [c.patients for c in of])
        if found.high is not None and found.high < of[0].level / 100:
            share = numbers.percent(float(np.mean([c.coverage for c in of])))
            words.append(f"{of[0].group} ({evaluated.names.label(cell)}, {of[0].level} %: {share})")
    if not words:
        return []
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return [
        f"Below what they say, with their whole interval, are the sets of: {'; '.join(words[:_NAMED])}{more}."
    ]


def _few(evaluated: Evaluated) -> list[str]:
    """Classes with too few validation patients for a threshold."""
    lacking: dict[tuple[int, str], int] = {}
    for cell, trial in evaluated.folder.units():
        bundle = evaluated.folder.bundle(cell, trial)
        kept = bundle.conformal if bundle else {}
        for level, least in kept.get("least", {}).items():
            for name, value in least.items():
                if value is None:
                    n = int(kept["n_patients"][name])
                    lacking[int(level), name] = min(n, lacking.get((int(level), name), n))
    return [
        f"{numbers.capital(name)} is in every set of {level} %, where validation has too few patients of it: it has {n}, of "
        f"{patients_needed(level)} needed."
        for (level, name), n in sorted(lacking.items())
    ]


def gate_table(evaluated: Evaluated) -> Table:
    """Test films of each source that the gate refuses, a row a cell and source."""
    names = evaluated.names
    columns = [
        *names.columns(), Column("Score", numeric=False), Column("Source", numeric=False), Column("Films"), Column("Patients"),
        *_share_columns("Refused", "share of test films that the gate holds for strangers"),
    ]  # fmt: skip
    body, cells, notes = [], [], []
    for cell in evaluated.folder.cells:
        bundles = [evaluated.folder.bundle(cell, t) for t in evaluated.folder.trials]
        gate = next((b.gate for b in bundles if b and b.gate), {})
        if gate.get("threshold", 0) is None:
            needs = f"{gate['n_patients']} validation patients and needs {gate['n_needed']}"
            notes.append(
                f"The gate of {names.label(cell)} has no threshold and refuses nothing: it has {needs}."
            )
        by_source: dict[str, list[Refused]] = {}
        for t in _trials(evaluated, cell):
            for r in t.refused:
                by_source.setdefault(r.source, []).append(r)
        for source, of in by_source.items():
            cells.append(cell)
            score = f"{gate.get('score', 'unknown')} of {gate.get('of', 'unknown')}"
            shares = _share_cells([r.share for r in of], [r.patients for r in of])
            body.append([*names.cells(cell), text_cell(score), text_cell(source), *_counts(of), *shares])
    return Table(
        "strangers",
        "Strangers",
        f"Test films that the gate refuses, by source: {averaged(evaluated.folder)}. A refusal of a chest film is a false one, "
        "or says that the source is unlike the training films.",
        columns,
        body,
        notes=tuple(notes),
        breaks=backbone_breaks(cells),
    )


def selective_table(evaluated: Evaluated) -> Table:
    """Errors of all films, of those that the gate keeps, and the area under risk over coverage."""
    names = evaluated.names
    columns = [
        *names.columns(),
        Column("Errors of all", hint="share of films given another class than theirs"),
        Column("Kept by the gate", hint="share of films"),
        Column("Errors among those", hint="a dash where a trial keeps none, or has no gate"),
        Column("AURC", hint="area under share of errors over share of films kept, the most certain first; smaller is better"),
    ]  # fmt: skip
    body = []
    for cell in evaluated.folder.cells:
        found = [t.selective for t in _trials(evaluated, cell)]
        figures = zip(*((s.risk.y[-1], s.kept, s.kept_risk, s.aurc) for s in found), strict=True)
        means = (None if None in values else float(np.mean(values)) for values in figures)
        body.append([*names.cells(cell), *map(rate_cell, means)])
    caption = (
        f"Errors (class of the highest probability) of test films, and what is left of them among films kept: "
        f"{averaged(evaluated.folder)}."
    )
    return Table(
        "selective",
        "Errors among films kept",
        caption,
        columns,
        body,
        breaks=backbone_breaks(evaluated.folder.cells),
    )


def risk_picture(evaluated: Evaluated) -> Picture:
    """Share of errors over share of films kept, a line a trial."""
    cells = evaluated.folder.cells[:_DRAWN]
    with style.figure(style.WIDTH_IN, 3.2) as fig:
        ax = fig.subplots()
        for k, cell in enumerate(cells):
            colour, dash = style.line(k)
            for n, t in enumerate(_trials(evaluated, cell)):
                label = "_nolegend_" if n else evaluated.names.label(cell)
                curve = t.selective.risk
                ax.step(
                    curve.x,
                    curve.y,
                    where="post",
                    color=colour,
                    linestyle=dash,
                    lw=1.1,
                    alpha=0.8,
                    label=label,
                )
        ax.set(
            xlabel="share of films kept, the most certain first",
            ylabel="share of errors among them",
            xlim=(0, 1.01),
        )
        ax.set_ylim(bottom=0)
        ax.legend(fontsize=7)
    rest = (
        f" The first {_DRAWN} of {len(evaluated.folder.cells)} cells."
        if len(evaluated.folder.cells) > _DRAWN
        else ""
    )
    return evaluated.picture(
        fig,
        "coverage-risk",
        f"Risk over coverage: share of errors among test films kept, the least certain left out, each trial a line.{rest}",
        "Coverage-risk curves; their areas are in the table above.",
    )


def spread_table(evaluated: Evaluated) -> Table:
    """How far trials are apart on a film, a row a cell."""
    names, positive = evaluated.names, evaluated.folder.positive
    columns = [
        *names.columns(), Column("Films", hint="test films of two trials or more"), Column("Median"), Column("95 % below"),
        Column("Median, right", hint="of films whose mean probabilities give their class"), Column("Median, wrong"),
    ]  # fmt: skip
    body, cells = [], []
    for cell in evaluated.folder.cells:
        if (s := evaluated.evaluation.spreads.get(cell.name)) is not None:
            cells.append(cell)
            body.append(
                [*names.cells(cell), count_cell(s.n), *map(rate_cell, (s.median, s.high, s.right, s.wrong))]
            )
    return Table(
        "spread",
        "Spread over trials",
        f"Standard deviation over trials of a test film’s probability of {positive}. It is what chance in training does to a film’s "
        "probability, and no interval: a film on which all trials err alike has none.",
        columns,
        body,
        breaks=backbone_breaks(cells),
    )

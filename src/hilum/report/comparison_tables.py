"""Tables of comparisons: the primary test of each difference, and the secondary tests a trial at a time.

Convention: a difference is cell minus reference, with a sign. Only the test adjusted over its family says better or worse; where it does
not, the table has the number of units that would be needed, never a ranking.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hilum.artifacts.comparisons import ONE_TRIAL, ComparisonRow
from hilum.report import numbers
from hilum.report.class_words import against
from hilum.report.table import Cell, Column, Table, count_cell, rate_cell, text_cell
from hilum.study.metrics import metric_label

_AGAINST = " against "


def comparison_tables(
    rows: Sequence[ComparisonRow],
    classes: Sequence[str],
    name: str = "comparisons",
    chosen: str = "the family was named before anything ran",
) -> list[Table]:
    """A table a family, in the order of the rows.

    Args:
        rows: Of `comparisons.json`.
        classes: Of the study.
        name: Stem of the tables' files; with several families each has its number after it.
        chosen: How the comparisons were chosen, for the caption.
    """
    families = list(dict.fromkeys(r.family for r in rows))
    stems = [name] if len(families) == 1 else [f"{name}-{k}" for k in range(1, len(families) + 1)]
    return [
        _family_table([r for r in rows if r.family == f], classes, stem, chosen)
        for f, stem in zip(families, stems, strict=True)
    ]


def secondary_table(rows: Sequence[ComparisonRow]) -> Table | None:
    """McNemar and DeLong, a row a comparison, metric, trial and test; None where there is none."""
    body = [
        [text_cell(r.label), text_cell(metric_label(r.metric)), count_cell(s.trial), text_cell(s.test), p_cell(s.p), text_cell(s.note)]
        for r in rows
        for s in r.secondary
    ]  # fmt: skip
    if not body:
        return None
    columns = [
        Column("Comparison", numeric=False), Column("Metric", numeric=False), Column("Trial"),
        Column("Test", numeric=False), Column("p", hint="not adjusted"), Column("Note", numeric=False, prose=True),
    ]  # fmt: skip
    return Table(
        "secondary-tests",
        "Secondary tests",
        "One trained model against one other on the same test films, a trial at a time. These tests know nothing of chance in training, "
        "are not adjusted, and decide nothing here.",
        columns,
        body,
    )


def short_labels(rows: Sequence[ComparisonRow]) -> tuple[dict[str, str], str]:
    """Labels without what all have in common, and that: ``crop`` for ``crop against baseline`` where each is against the baseline.

    Returns:
        Label -> short label; and the common reference, empty for none.
    """
    labels = dict.fromkeys(r.label for r in rows)
    references = {label.partition(_AGAINST)[2] for label in labels}
    if len(references) != 1 or references == {""}:
        return {label: label for label in labels}, ""
    return {label: label.partition(_AGAINST)[0] for label in labels}, references.pop()


def p_cell(p: float | None, title: str = "") -> Cell:
    """A p-value: three significant digits at most, never 0.

    >>> p_cell(0.0312).text, p_cell(1e-9).text, p_cell(None).text
    ('.031', '< .001', '–')
    """
    if p is None:
        return Cell(numbers.NONE, None, quiet=True, title=title)
    if p < 0.001:
        return Cell("< .001", p, title=title)
    return Cell("1" if p > 0.9995 else f"{p:.3f}".removeprefix("0"), p, title=title)


def difference_cell(value: float | None, title: str = "", n: int | None = None) -> Cell:
    """A difference with its sign, of `n` films or units where that is known (`numbers.digits`).

    >>> difference_cell(-0.0123).text, difference_cell(0.0).text, difference_cell(-0.0123, n=50).text
    ('−0.0123', '0.0000', '−0.01')
    """
    return Cell(numbers.signed(value, numbers.digits(n)), value, quiet=value is None, title=title)


ENDS = ("low", "high")


def signed_interval(low: float | None, high: float | None, n: int | None = None) -> Cell:
    """An interval of a difference; its column has the parts `ENDS`."""
    if low is None or high is None:
        return Cell(numbers.NONE, None, quiet=True)
    shown = min(3, numbers.digits(n))
    return Cell(f"{numbers.signed(low, shown)} to {numbers.signed(high, shown)}", (low, high))


def difference_words(row: ComparisonRow) -> str:
    """A difference with its own interval, in brackets behind a sentence's figures."""
    ends = signed_interval(row.low_one, row.high_one)
    return f"(difference {numbers.signed(row.estimate, 3)}, {'no interval' if ends.quiet else ends.text})"


def difference_cells(row: ComparisonRow, together: bool = True) -> list[Cell]:
    """The difference, its interval by itself, and where asked that which holds together with the family's others."""
    title, n = "; ".join(t for t in (row.method, row.note) if t), row.n_clusters
    ends = [(row.low_one, row.high_one), *([(row.low, row.high)] if together else [])]
    return [difference_cell(row.estimate, title, n), *(signed_interval(*e, n) for e in ends)]


def metric_breaks(rows: Sequence[ComparisonRow]) -> frozenset[int]:
    """The rows at which another metric begins."""
    return frozenset(k for k in range(1, len(rows)) if rows[k].metric != rows[k - 1].metric)


def verdict_cell(row: ComparisonRow) -> Cell:
    """The verdict; strong where there is one, its reason or warning where the pointer rests."""
    return Cell(
        row.verdict,
        row.verdict,
        quiet=row.verdict in ("undefined", ONE_TRIAL),
        strong=row.verdict in ("better", "worse"),
        title=row.note,
    )


def needed_cell(row: ComparisonRow) -> Cell:
    """Units that would be needed, or trials where no number of units is enough; in the csv apart."""
    value = (row.n_needed, row.trials_needed)
    if row.trials_needed:
        why = f"no number of {row.unit}s is enough with {row.n_trials} trials"
        return Cell(f"≥ {numbers.count(row.trials_needed)} trials", value, title=why)
    if row.n_needed:
        return Cell(numbers.count(row.n_needed), value)
    return Cell(numbers.NONE, None, quiet=True, title=row.note)


_INTERVALS = {
    "alone": "interval of this difference by itself",
    "together": "all intervals of the family and metric hold together",
}


def _family_table(rows: Sequence[ComparisonRow], classes: Sequence[str], name: str, chosen: str) -> Table:
    first = rows[0]
    shown, common = short_labels(rows)
    reference = f", each against {common}" if common else ""
    needed = f"test {first.unit}s for .8 power at the observed difference"
    columns = [
        Column("Metric", numeric=False),
        Column("Cell" if common else "Comparison", numeric=False, prose=True, key="comparison"),
        Column("Mean", hint="of the cell’s trials", parts=("value", "reference_value")),
        Column("estimate", group="Difference", hint="cell minus reference", rule=True),
        *(
            Column(f"95 %, {key}", group="Difference", hint=hint, key=key, parts=ENDS)
            for key, hint in _INTERVALS.items()
        ),
        Column("p (Holm)", hint="adjusted over the family and metric", rule=True),
        Column("Verdict", numeric=False, hint="by Holm’s p below .05", rule=True),
        Column("Needed", hint=needed, key="needed", parts=("units", "trials")),
    ]
    body = []
    for r in rows:
        n = r.n_clusters
        reference_value = numbers.rate(r.reference_value, numbers.digits(n))
        mean = rate_cell(r.value, title=f"reference {reference_value}", n=n)
        body.append(
            [
                text_cell(metric_label(r.metric)),
                text_cell(shown[r.label], title=f"{r.cell} against {r.reference}"),
                replace(mean, value=(r.value, r.reference_value)),
                *difference_cells(r),
                p_cell(r.p_adjusted, title=f"not adjusted {p_cell(r.p).text}"),
                verdict_cell(r),
                needed_cell(r),
            ]
        )
    averaged = "means over trials" if first.n_trials > 1 else "one trial"
    return Table(
        name,
        f"Comparisons: {first.family}",
        f"Differences in {averaged} on the test films{reference}, {against(first.class_, classes)}; {chosen}.",
        columns,
        body,
        notes=_notes(rows),
        breaks=metric_breaks(rows),
    )


_NUMBERS = re.compile(r" \([^)]*\d[^)]*\)")
"""What differs from row to row in notes that say the same; the row's own note stands in its title."""


def _notes(rows: Sequence[ComparisonRow]) -> tuple[str, ...]:
    sizes = sorted({r.n_family for r in rows})
    family = " or ".join(str(s) for s in sizes)
    general = (
        f"Holm’s p and the intervals “together” (Bonferroni) are over the {family} comparison{'s' * (sizes != [1])} of each metric. "
        "“Better” and “worse” are by Holm’s p below .05; “not distinguishable” does not mean equal. “Needed” is the number of test "
        "units (of trials, where units without end would not do) for .8 power if the observed difference were the true one."
    )
    if any(r.verdict == ONE_TRIAL for r in rows):
        general += (
            f" “{ONE_TRIAL[0].upper()}{ONE_TRIAL[1:]}”: a cell was trained once, so p and intervals are of these films and these trained "
            "models; another training may turn the difference round, and there is no verdict."
        )
    counts = Counter(_NUMBERS.sub("", part) for r in rows for part in r.note.split("; ") if part)
    own = (
        f"{part[0].upper()}{part[1:]}: {'all' if n == len(rows) else n} of {numbers.counted(len(rows), 'row')}."
        for part, n in counts.items()
    )
    return (general, *([" ".join(own)] if counts else []))

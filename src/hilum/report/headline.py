"""The headline in words: what each model of a study does on the test films, every figure with its interval.

Convention: figures are those of the table of results, as percentages. Of many cells the lowest and the highest estimate of each backbone
stand here and no cell is picked: which is best is not known before a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from hilum.artifacts.run import RunCell
from hilum.artifacts.statistics import StudyRow
from hilum.report import numbers
from hilum.report.class_words import others
from hilum.report.estimates import films_behind
from hilum.report.evaluated import Evaluated
from hilum.report.run_words import backbone_label

MOST_CELLS = 6
_METRICS = ("sensitivity", "specificity", "ppv", "roc_auc")


def headline(evaluated: Evaluated) -> list[tuple[str, str]]:
    """(model, its figures in words): a line a cell, or of more than `MOST_CELLS` a line a backbone, which may have one."""
    cells = evaluated.folder.cells
    words = _words(evaluated)
    if len(cells) <= MOST_CELLS:
        return [(evaluated.names.label(c), _of_cell(evaluated, c, words)) for c in cells]
    by_backbone: dict[str, list[RunCell]] = {}
    for c in cells:
        by_backbone.setdefault(backbone_label(c), []).append(c)
    return [
        (name, _of_cells(evaluated, of, words) if len(of) > 1 else _of_cell(evaluated, of[0], words))
        for name, of in by_backbone.items()
    ]


def _words(evaluated: Evaluated) -> Mapping[str, str]:
    positive = evaluated.folder.positive
    rest = others(positive, evaluated.folder.classes)
    return {
        "sensitivity": "finds {} " + f"of the {positive} films",
        "specificity": "clears {} " + f"of {'the others' if rest == 'the rest' else rest}",
        "ppv": "is right in {} " + f"of the films that it calls {positive}",
        "roc_auc": "has a ROC-AUC of {}",
    }


def _of_cell(evaluated: Evaluated, cell: RunCell, words: Mapping[str, str]) -> str:
    rows = {m: row for m in _METRICS if (row := evaluated.row(cell, m)) and row.estimate is not None}
    if not rows:
        return "no figure could be computed"
    said = numbers.listed([words[m].format(_figure(m, row)) for m, row in rows.items()])
    if cell is not evaluated.folder.cells[0]:
        return f"{said}."
    return (
        f"{said} ({numbers.counted(evaluated.folder.n_trials, 'trial')} a model; 95 % intervals in brackets)."
    )


def _figure(metric: str, row: StudyRow) -> str:
    """An estimate with its interval, a percentage but for an area."""
    if row.estimate is None:
        return numbers.NONE
    n = films_behind(row)
    if metric == "roc_auc":
        ends = f" ({numbers.interval(row.low, row.high, n)})" if row.low is not None else ""
        return f"{numbers.rate(row.estimate, min(3, numbers.digits(n)))}{ends}"
    shown = max(0, min(3, numbers.digits(n)) - 2)
    ends = (
        f" ({100 * row.low:.{shown}f} to {100 * row.high:.{shown}f})"
        if row.low is not None and row.high is not None
        else ""
    )
    return f"{100 * row.estimate:.{shown}f}\N{NO-BREAK SPACE}%{ends}"


def _of_cells(evaluated: Evaluated, cells: list[RunCell], words: Mapping[str, str]) -> str:
    said = []
    for m in _METRICS:
        found = [v for c in cells if (v := evaluated.estimate(c, m)) is not None]
        if not found:
            continue
        low, high = min(found), max(found)
        of = (
            (f"{low:.3f} to {high:.3f}",)
            if m == "roc_auc"
            else (f"{100 * low:.1f} to {100 * high:.1f}\N{NO-BREAK SPACE}%",)
        )
        said.append(words[m].format(*of))
    return f"{numbers.listed(said)} (lowest to highest of {numbers.counted(len(cells), 'cell')}; intervals in the results)."

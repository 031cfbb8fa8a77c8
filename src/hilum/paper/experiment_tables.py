"""Tables 3 to 5 and 8 to 10: each experiment's cells beside the paper's numbers.

Convention: Tables 3, 4, 8, 9, 10 are means over trials with the columns of `hilum.paper.beside`; Table 5 has the standard errors beside
the paper's, and the intervals of Table 4, which would be too wide for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.paper import beside, printed
from hilum.paper.beside import Group
from hilum.paper.studies import PaperStudy
from hilum.report.class_words import against
from hilum.report.estimates import backbone_breaks
from hilum.report.table import Table

RATES = ("sensitivity", "specificity", "pr_auc")
TWO = ("sensitivity", "specificity")
_TABLES = {
    1: (3, "rotation: sensitivity and strict rate,", ("sensitivity", "strict_rate")),
    2: (4, "four pipelines:", RATES),
    3: (8, "one cycle:", TWO),
    4: (9, "reduced on plateau:", TWO),
    5: (10, "the CNN from scratch:", TWO),
}
"""Experiment -> its table in the paper, what it is, and the metrics that the table has."""


def experiment_tables(study: PaperStudy) -> list[Table]:
    """The tables of results of an experiment as described."""
    folder = study.folder
    number, what, metrics = _TABLES[study.experiment]
    averaged = "one trial" if folder.n_trials == 1 else f"mean over {folder.n_trials} trials"
    of = ["test films", against(folder.positive, folder.classes), beside.fixed(study), averaged]
    caption = f"Experiment {study.experiment}, {what} {', '.join(filter(None, of))}"
    two = study.experiment == 2
    means = [beside.rates(m, interval=not two) for m in metrics]
    epochs = [beside.EPOCHS] if study.experiment > 2 else []
    caption += "; the intervals are in Table 5" if two else ""
    tables = [_table(study, number, caption, [*means, *epochs, beside.seconds()])]
    if two:
        caption = "Experiment 2: standard errors of the means of Table 4 over trials (ddof 1), and their 95 % intervals"
        tables.append(_table(study, 5, caption, [beside.errors(m) for m in (*metrics, "seconds")]))
    return tables


def _table(study: PaperStudy, number: int, caption: str, groups: Sequence[Group]) -> Table:
    columns, body = beside.grouped([beside.names(study), *groups], [(study, c) for c in study.folder.cells])
    return Table(
        f"table-{number}",
        f"Table {number}",
        study.caption(caption),
        columns,
        body,
        (*study.notes, printed.NOTES[number]),
        backbone_breaks(study.folder.cells),
    )

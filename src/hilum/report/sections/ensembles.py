"""Ensembles: what each combines, what its weights were fitted on, and how much each member counts.

Convention: a member's share is its mean weight over the validation films, mean over trials; a kind that gives members no weight has none.
"""

from __future__ import annotations

from hilum.artifacts.run import RunCell
from hilum.artifacts.trial_files import EnsembleFacts
from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.run_words import averaged
from hilum.report.table import Cell, Column, Table, rate_cell, text_cell


def section(evaluated: Evaluated) -> Section | None:
    """A row a member of each ensemble; None where the study has none."""
    cells = [c for c in evaluated.folder.cells if c.members]
    if not cells:
        return None
    words = (
        "An ensemble stands in every table as a cell of its own; trial by trial it combines what its members say of a film. Its "
        "operating point and temperature are chosen on validation films as a model’s are. Where its weights were fitted on these films "
        "too, its answers of them come from weights that were fitted without the film’s patient, and the weights that answer test "
        "films are fitted on all of them."
    )
    return Section("ensembles", "Ensembles", (words,), [ensembles_table(evaluated, cells)])


def ensembles_table(evaluated: Evaluated, cells: list[RunCell]) -> Table:
    """What each ensemble is made of."""
    folder, names = evaluated.folder, evaluated.names
    body, breaks = [], set()
    for cell in cells:
        facts = [f for t in folder.trials if (f := EnsembleFacts.of(folder.folder(cell, t))) is not None]
        start = folder.record.weights.get(cell.backbone)
        kind = (start.source or "").partition(":")[0] if start else ""
        for k, member in enumerate(cell.members):
            shares = [f.shares[k] for f in facts if k < len(f.shares)]
            share = (
                rate_cell(sum(shares) / len(shares), n=None)
                if shares
                else Cell(numbers.NONE, None, quiet=True, title="no weight a member")
            )
            lead = (
                [text_cell(cell.backbone, strong=True), text_cell(kind), text_cell(_fitted(facts))]
                if k == 0
                else [text_cell("")] * 3
            )
            own = folder.cell_named.get(member)
            body.append([*lead, text_cell(names.label(own) if own else member), share])
        breaks.add(len(body))
    columns = [
        Column("Ensemble", numeric=False),
        Column("Kind", numeric=False, prose=True),
        Column("Weights fitted on", numeric=False),
        Column("Member", numeric=False),
        Column(
            "Share",
            hint="mean weight over validation films; with weights by tanh these do not add up to 1",
            rule=True,
        ),
    ]
    return Table(
        "ensembles",
        "Ensembles",
        f"What each ensemble combines; shares are of validation films, {averaged(folder)}.",
        columns,
        body,
        breaks=frozenset(breaks - {len(body)}),
        sortable=False,
    )


def _fitted(facts: list[EnsembleFacts]) -> str:
    """Part, films and folds of an ensemble's fit, those of trial 1."""
    if not facts or not facts[0].fitted_on:
        return "nothing"
    first = facts[0]
    films = f"{numbers.counted(first.n_fitted, 'film')} of {first.fitted_on}"
    return f"{films}, {first.folds} folds" if first.folds else films

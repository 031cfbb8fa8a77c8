"""The flow of films: from the files found to the films scored, every count by reason (CONSORT, CLAIM, STARD).

Convention: "left out" beneath a step are films of the step above that did not reach it. Everything stands in flow.json, which cannot be
written unless it adds up.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.flow import IN_MANIFEST, FlowStep, TrialFlow
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import PARTS
from hilum.report.table import Cell, Column, Table, count_cell, text_cell
from hilum.study.factors import FACTORS


def flow_table(folder: RunFolder) -> Table | None:
    """Every step from the files found to the study's films; None where the run keeps no record."""
    if folder.flow is None:
        return None
    classes = [c for c in folder.classes if any(c in s.by_class for s in folder.flow.steps)]
    columns = [
        Column("Step", numeric=False),
        Column("Left out because", numeric=False, prose=True),
        Column("Left out"),
        Column("Films"),
    ]
    columns += [Column(c, group="of the study’s classes", rule=c == classes[0]) for c in classes]
    body: list[list[Cell]] = []
    breaks = set()
    for step in folder.flow.steps:
        breaks.add(len(body))
        body += [
            [
                text_cell(""),
                text_cell(reason),
                count_cell(n),
                text_cell(""),
                *(text_cell("") for _ in classes),
            ]
            for reason, n in sorted(step.left_out.items(), key=lambda item: (-item[1], item[0]))
        ]
        body.append(
            [
                text_cell(step.name, strong=True),
                text_cell(""),
                _left_out(step),
                count_cell(step.films),
                *_by_class(step, classes),
            ]
        )
    return Table(
        "flow",
        "Flow of films",
        "What became of every film and table row, from those found to those of the study.",
        columns,
        body,
        notes=(
            "The films of a step and those left out before it are the films of the step above. "
            "What ingest left out is listed in excluded.csv.",
        ),
        breaks=frozenset(breaks - {0}),
        sortable=False,
    )


def _left_out(step: FlowStep) -> Cell:
    return count_cell(sum(step.left_out.values())) if len(step.left_out) > 1 else text_cell("")


def _by_class(step: FlowStep, classes: Sequence[str]) -> list[Cell]:
    return [count_cell(step.by_class.get(c, 0)) if step.by_class else text_cell("") for c in classes]


def trial_flow_table(folder: RunFolder) -> Table | None:
    """What each trial made of the study's films; equal trials of one split in a row. None where the run keeps no record."""
    if folder.flow is None:
        return None
    rows: dict[tuple[object, ...], tuple[TrialFlow, list[int]]] = {}
    for t in folder.flow.trials:
        counts = (*t.parts.values(), *t.not_used.items(), t.shared, t.copies, t.copied, *t.scored.items())
        rows.setdefault((t.splits, *counts), (t, []))[1].append(t.trial)
    several = len({t.splits for t in folder.flow.trials}) > 1
    columns = [*([Column("Split", numeric=False)] if several else []), Column("Trial", numeric=False)]
    columns += [Column(p, group="films of the study", rule=p == "train") for p in PARTS]
    columns += [
        Column("not used", group="films of the study"),
        Column("because", group="films of the study", numeric=False, prose=True),
    ]
    columns += [
        Column("films", group="trained on", rule=True),
        Column(
            "copies",
            group="trained on",
            hint="training films after sampling, a film that was drawn twice counted twice",
        ),
        *(Column(p, group="scored", rule=p == "valid") for p in ("valid", "test")),
    ]
    if any(t.shared for t, _ in rows.values()):
        columns.append(Column("in two parts", hint="counted in each of them", rule=True))
    seed = folder.record.seed
    body = [
        _trial_row(t, numbers, split_words(t.splits, seed) if several else "", len(columns))
        for t, numbers in rows.values()
    ]
    return Table(
        "flow-trials",
        "Films of each trial",
        f"What each trial made of the {folder.flow.films} films of the study.",
        columns,
        body,
        notes=(
            "Train, valid, test and not used are the films of the study. Scored: films that a cell’s model gave probabilities.",
        ),
        sortable=False,
    )


def split_words(splits: str, seed: object) -> str:
    """The folder of a split in words; the study's own seed is not said.

    >>> split_words("seed-5--fraction-0.5--without-my_clinic", 5), split_words("seed-6", 5), split_words("", 5)
    ('share 0.5, without my_clinic', 'seed 6', 'plain')
    """
    words = [w for w in splits.split("--") if w and w != f"seed-{seed}"]
    kinds = {f.mark: f.mark_words for f in FACTORS if f.mark}
    said = [next((w.replace(k, v, 1) for k, v in kinds.items() if w.startswith(k)), w) for w in words]
    return ", ".join(said) or "plain"


def _trial_row(t: TrialFlow, trials: Sequence[int], split: str, n_columns: int) -> list[Cell]:
    row = [*([text_cell(split, strong=True)] if split else []), text_cell(_span(trials))]
    row += [*(count_cell(t.parts[p]) for p in PARTS), count_cell(sum(t.not_used.values()))]
    row += [
        text_cell(
            "; ".join(f"{reason} {n}" if len(t.not_used) > 1 else reason for reason, n in t.not_used.items())
        )
    ]
    row += [
        count_cell(t.copied),
        count_cell(t.copies),
        *(count_cell(t.scored.get(p, 0)) for p in ("valid", "test")),
    ]
    return [*row, *([count_cell(t.shared)] if len(row) < n_columns else [])]


def _span(trials: Sequence[int]) -> str:
    """Numbers of trials: a run of them as "1 to 3".

    >>> _span([1, 2, 3]), _span([2]), _span([1, 3])
    ('1 to 3', '2', '1, 3')
    """
    whole = list(range(trials[0], trials[-1] + 1))
    return (
        f"{trials[0]} to {trials[-1]}"
        if len(trials) > 1 and list(trials) == whole
        else ", ".join(map(str, trials))
    )


def runs_flow_table(folders: Sequence[RunFolder], names: Sequence[str]) -> Table | None:
    """The flow of several runs, a row each; None where none keeps a record."""
    if not any(f.flow for f in folders):
        return None
    columns = [
        Column("Run", numeric=False),
        *(
            Column(c)
            for c in (
                "found",
                "left out at ingest",
                "in the manifest",
                "left out by the study",
                "of the study",
            )
        ),
        *(Column(p, group="trial 1", rule=p == "train") for p in PARTS),
        *(Column(c, group="trial 1") for c in ("not used", "copies trained on", "test scored")),
    ]
    body = [_run_row(f, n, len(columns)) for f, n in zip(folders, names, strict=True)]
    return Table(
        "flow",
        "Flow of films",
        "What became of the films of each run; every reason stands in the run’s own report.",
        columns,
        body,
        notes=(
            "Of the study’s plain split; cells with a split of their own are in the run’s own report. A dash: the run keeps no record.",
        ),
        sortable=False,
    )


def _run_row(folder: RunFolder, name: str, n_columns: int) -> list[Cell]:
    flow = folder.flow
    dash = Cell("–", None, quiet=True)
    if flow is None:
        return [text_cell(name, strong=True), *[dash] * (n_columns - 1)]
    manifest = next(s for s in flow.steps if s.name == IN_MANIFEST)
    recorded = flow.steps[0] is not manifest
    row = [text_cell(name, strong=True)]
    row += [count_cell(flow.steps[0].films) if recorded else dash]
    row += [count_cell(sum(manifest.left_out.values())) if recorded else dash]
    row += [count_cell(manifest.films), count_cell(manifest.films - flow.films), count_cell(flow.films)]
    trial = flow.of("", 1) or next(iter(flow.trials), None)
    if trial is None:
        return [*row, *[dash] * (n_columns - len(row))]
    row += [*(count_cell(trial.parts[p]) for p in PARTS), count_cell(sum(trial.not_used.values()))]
    return [*row, count_cell(trial.copies), count_cell(trial.scored.get("test", 0))]

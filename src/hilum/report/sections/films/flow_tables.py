"""The flow of films: from the files found to the films scored, every count by reason (CONSORT, CLAIM, STARD).

Convention: "left out" beneath a step are films of the step above that did not reach it. Everything stands in flow.json, which cannot be
written unless it adds up.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.drawn_films import HELD_OUT
from hilum.artifacts.flow import IN_MANIFEST, TrialFlow
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
    empty = text_cell("")
    body: list[list[Cell]] = []
    breaks = set()
    for step in folder.flow.steps:
        breaks.add(len(body))
        for reason, n in sorted(step.left_out.items(), key=lambda item: (-item[1], item[0])):
            body.append([empty, text_cell(reason), count_cell(n), empty, *(empty for _ in classes)])
        left_out = count_cell(sum(step.left_out.values())) if len(step.left_out) > 1 else empty
        by_class = [count_cell(step.by_class.get(c, 0)) if step.by_class else empty for c in classes]
        body.append([text_cell(step.name, strong=True), empty, left_out, count_cell(step.films), *by_class])
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


def trial_flow_table(folder: RunFolder) -> Table | None:
    """What each trial made of the study's films; equal trials of one split in a row. None where the run keeps no record."""
    if folder.flow is None:
        return None
    rows: dict[tuple[object, ...], tuple[TrialFlow, list[int]]] = {}
    for t in folder.flow.trials:
        counts = (*t.parts.values(), *t.not_used.items(), t.shared, t.copies, t.copied, *t.scored.items())
        rows.setdefault((t.splits, *counts), (t, []))[1].append(t.trial)
    several = len({t.splits for t in folder.flow.trials}) > 1
    shared = any(t.shared for t, _ in rows.values())
    of_study, copies = (
        "films of the study",
        "training films after sampling, a film that was drawn twice counted twice",
    )
    columns = [
        *([Column("Split", numeric=False)] if several else []),
        Column("Trial", numeric=False),
        *(Column(p, group=of_study, rule=p == "train") for p in PARTS),
        Column("not used", group=of_study),
        Column("because", group=of_study, numeric=False, prose=True),
        Column("films", group="trained on", rule=True),
        Column("copies", group="trained on", hint=copies),
        *(Column(p, group="scored", rule=p == "valid") for p in HELD_OUT),
        *([Column("in two parts", hint="counted in each of them", rule=True)] if shared else []),
    ]
    body = []
    for t, trials in rows.values():
        reasons = [f"{reason} {n}" if len(t.not_used) > 1 else reason for reason, n in t.not_used.items()]
        of_study_counts = [*(t.parts[p] for p in PARTS), sum(t.not_used.values())]
        of_model = [
            t.copied,
            t.copies,
            *(t.scored.get(p, 0) for p in HELD_OUT),
            *([t.shared] if shared else []),
        ]
        body.append(
            [
                *([text_cell(split_words(t.splits, folder.record.seed), strong=True)] if several else []),
                text_cell(_span(trials)),
                *(count_cell(n) for n in of_study_counts),
                text_cell("; ".join(reasons)),
                *(count_cell(n) for n in of_model),
            ]
        )
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
    every = ("found", "left out at ingest", "in the manifest", "left out by the study", "of the study")
    columns = [
        Column("Run", numeric=False),
        *(Column(c) for c in every),
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
    flow, counts = folder.flow, list[int | None]()
    if flow is not None:
        manifest = next(s for s in flow.steps if s.name == IN_MANIFEST)
        recorded = flow.steps[0] is not manifest
        counts = [flow.steps[0].films, sum(manifest.left_out.values())] if recorded else [None, None]
        counts += [manifest.films, manifest.films - flow.films, flow.films]
        if trial := flow.of("", 1) or next(iter(flow.trials), None):
            counts += [*(trial.parts[p] for p in PARTS), sum(trial.not_used.values())]
            counts += [trial.copies, trial.scored.get("test", 0)]
    counts += [None] * (n_columns - 1 - len(counts))
    return [text_cell(name, strong=True), *(count_cell(n) for n in counts)]

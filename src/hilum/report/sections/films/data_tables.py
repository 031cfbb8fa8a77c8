"""Where the films come from: films by class, source and part, and exclusions.

Convention: counts are of the study's films (manifest.csv of the run). The parts are those of the first trial:
test is the same in every trial of Set 2, train and valid are redrawn with the same sizes. Patients are
counted where their ids are known.
"""

from __future__ import annotations

from collections import Counter

from hilum.artifacts.film_rows import Films
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import PARTS, AnySplit
from hilum.report.table import Cell, Column, Table, count_cell, text_cell

_AGES = ("adult", "child", "unknown")


def data_table(folder: RunFolder) -> Table:
    """Films by class and source: patients, groups, and films in each part."""
    films, split = folder.manifest.films, folder.splits[1]
    of = list(zip(films.texts("label"), films.texts("source"), strict=True))
    order = {c: k for k, c in enumerate(folder.classes)}
    keys = set(of)
    keys_in_order = sorted(keys, key=lambda k: (order.get(k[0], len(order)), k[0], k[1]))
    columns = [
        *(Column(c, numeric=False) for c in ("Class", "Source")),
        *(Column(c) for c in ("Films", "Patients", "Groups")),
        *(Column(p, group="part (trial 1)", rule=p == "train") for p in PARTS),
        Column("unused", hint="in no part; why stands in the flow of films", group="part (trial 1)"),
        *(Column(a, group="age group", rule=a == "adult") for a in _AGES),
    ]
    body: list[list[Cell]] = []
    breaks = set()
    for label, source in keys_in_order:
        if body and label != body[-1][0].text:
            breaks.add(len(body))
        counts = _counts(films.take([k for k, key in enumerate(of) if key == (label, source)]), split)
        body.append([text_cell(label, strong=True), text_cell(source), *counts])
    if len(body) > 1:
        breaks.add(len(body))
        body.append([text_cell("all", strong=True), text_cell("", strong=True), *_counts(films, split)])
    return Table(
        "data",
        "Films by class and source",
        "Films of the study by class, source, part and age group.",
        columns,
        body,
        notes=(
            "A group (the films of one patient, and confirmed copies of one film) is in one part only; "
            "groups are counted among the films in a part.",
        ),
        breaks=frozenset(breaks),
        sortable=False,
    )


def _counts(films: Films, split: AnySplit) -> list[Cell]:
    """Films, patients, groups; films by part and by age group."""
    parts = Counter(split.part_of.get(i, "unused") for i in films.ids)
    ages = Counter(a or "unknown" for a in films.texts("age_group"))
    known = [p for p in films.texts("patient_id") if p]
    patients, without = len(set(known)), len(films) - len(known)
    of_patients = count_cell(patients)
    if without:
        title = f"{without} films have no patient id"
        of_patients = (
            Cell(f"≥ {patients}", patients, title=title) if known else Cell("no ids", None, quiet=True)
        )
    groups = len({split.group_of[f.image_id] for f in films if f.image_id in split.group_of})
    counts = [*(parts[p] for p in (*PARTS, "unused")), *(ages[a] for a in _AGES)]
    return [count_cell(len(films)), of_patients, count_cell(groups), *(count_cell(n) for n in counts)]


def exclusion_table(folder: RunFolder) -> Table | None:
    """What was left out, by source and reason; None where nothing was."""
    counts = Counter((e.source, e.reason) for e in folder.exclusions)
    if not counts:
        return None
    details: dict[tuple[str, str], str] = {}
    for e in folder.exclusions:
        details.setdefault((e.source, e.reason), e.detail)
    body = [
        [text_cell(source, strong=True), text_cell(reason), count_cell(n), text_cell(details[source, reason])]
        for (source, reason), n in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    ]
    return Table(
        "exclusions",
        "What was left out",
        "Films and table rows that were left out, by source and reason.",
        [
            Column("Source", numeric=False),
            Column("Reason", numeric=False),
            Column("Films"),
            Column("For example", numeric=False, prose=True),
        ],
        body,
        notes=("Each one is listed in excluded.csv.",),
    )

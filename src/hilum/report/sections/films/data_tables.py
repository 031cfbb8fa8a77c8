"""Where the films come from: films by class, source and part, and exclusions.

Convention: counts are of the study's films (manifest.csv of the run). The parts are those of the first trial:
test is the same in every trial of Set 2, train and valid are redrawn with the same sizes. Patients are
counted where their ids are known.
"""

from __future__ import annotations

from collections import Counter

from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import PARTS
from hilum.report.table import Cell, Column, Table, count_cell, text_cell


def data_table(folder: RunFolder) -> Table:
    """Films by class and source: patients, groups, and films in each part."""
    split = folder.splits[1]
    by_key: dict[tuple[str, str], list[FilmRow]] = {}
    for f in folder.manifest.films:
        by_key.setdefault((f.label, f.source), []).append(f)
    columns = [
        Column("Class", numeric=False),
        Column("Source", numeric=False),
        Column("Films"),
        Column("Patients"),
        Column("Groups"),
    ]
    columns += [
        *(Column(p, group="part (trial 1)", rule=p == "train") for p in PARTS),
        Column("unused", hint="in no part; why stands in the flow of films", group="part (trial 1)"),
        Column("adult", group="age group", rule=True),
        Column("child", group="age group"),
        Column("unknown", group="age group"),
    ]

    def row(label: str, source: str, films: list[FilmRow], strong: bool) -> list[Cell]:
        parts = Counter(split.part_of.get(f.image_id, "unused") for f in films)
        ages = Counter(f.age_group or "unknown" for f in films)
        known = [f.patient_id for f in films if f.patient_id]
        patients = (
            count_cell(len(set(known)))
            if len(known) == len(films)
            else Cell("no ids", None, quiet=True)
            if not known
            else Cell(
                f"≥ {len(set(known))}",
                len(set(known)),
                title=f"{len(films) - len(known)} films have no patient id",
            )
        )
        groups = len({split.group_of[f.image_id] for f in films if f.image_id in split.group_of})
        counts = [*(parts[p] for p in (*PARTS, "unused")), *(ages[a] for a in ("adult", "child", "unknown"))]
        return [
            text_cell(label, strong=True),
            text_cell(source, strong=strong),
            count_cell(len(films)),
            patients,
            count_cell(groups),
            *(count_cell(n) for n in counts),
        ]

    order = {c: k for k, c in enumerate(folder.classes)}
    body = [
        row(label, source, by_key[label, source], False)
        for label, source in sorted(by_key, key=lambda k: (order.get(k[0], len(order)), k[0], k[1]))
    ]
    breaks = {k for k in range(1, len(body)) if body[k][0].text != body[k - 1][0].text}
    if len(body) > 1:
        breaks.add(len(body))
        body.append(row("all", "", list(folder.manifest.films), True))
    return Table(
        "data",
        "Films",
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

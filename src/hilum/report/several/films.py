"""Films of several findings: how many have each finding in each part, which go together, and how the films were chosen."""

from __future__ import annotations

import numpy as np

from hilum.artifacts.finding_labels import UNKNOWN, finding_matrix
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import PARTS
from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.sections.films import copies
from hilum.report.sections.films.data_tables import exclusion_table
from hilum.report.sections.films.flow_figure import flow_picture
from hilum.report.sections.films.flow_tables import trial_flow_table
from hilum.report.table import Column, Table, count_cell, text_cell


def section(evaluated: Evaluated) -> Section:
    """Films by finding and part, the flow as a chart; which findings go together, and exclusions, folded away."""
    folder = evaluated.folder
    items = [parts_table(folder), flow_picture(evaluated)]
    closed = [together_table(folder), trial_flow_table(folder), exclusion_table(folder)]
    return Section(
        "films",
        "Films",
        (_uncertain(folder), copies(folder)),
        [i for i in items if i],
        [t for t in closed if t],
        brief=_brief(folder),
    )


def _brief(folder: RunFolder) -> str:
    parts = folder.splits[1].parts
    return f"{numbers.counted(len(folder.manifest), 'film')}: {', '.join(f'{p} {numbers.count(len(parts[p]))}' for p in PARTS)}."


def _uncertain(folder: RunFolder) -> str:
    counts_as = {"ignore": "not known", "positive": "there", "negative": "absent"}
    how = counts_as[str(folder.record.table("data").get("uncertain", "ignore"))]
    return (
        f"A finding that the sources call uncertain (-1) counts as {how}. What is not known of a film is in no loss, threshold or figure "
        "of that finding; the film's other findings are. A film of which nothing is known is in no part."
    )


def parts_table(folder: RunFolder) -> Table:
    """A row a finding: films with it, without it and not known, in each part of the first trial."""
    split = folder.splits[1]
    known = {
        p: finding_matrix(folder.manifest.texts_of("label", split.parts[p]), folder.classes) for p in PARTS
    }
    columns = [Column("Finding", numeric=False)]
    for p in PARTS:
        columns += [
            Column(c, group=f"{p} (trial 1)", rule=c == "with") for c in ("with", "without", "not known")
        ]
    body = []
    for k, finding in enumerate(folder.classes):
        counts = [int((known[p][:, k] == v).sum()) for p in PARTS for v in (1, 0, UNKNOWN)]
        body.append([text_cell(finding, strong=True), *map(count_cell, counts)])
    return Table(
        "findings",
        "Films by finding and part",
        "Films of the study. The split keeps a patient's films and copies in one part, and divides each finding as the films are divided "
        "(iterative stratification).",
        columns,
        body,
    )


def together_table(folder: RunFolder) -> Table:
    """A row and a column a finding: films that have both; on the diagonal those that have it."""
    there = (finding_matrix(folder.manifest.texts("label"), folder.classes) == 1).astype(np.int64)
    both = there.T @ there
    columns = [Column("Finding", numeric=False), *(Column(f) for f in folder.classes)]
    body = [
        [text_cell(f, strong=True), *(count_cell(int(n)) for n in row)]
        for f, row in zip(folder.classes, both, strict=True)
    ]
    return Table(
        "together",
        "Findings that go together",
        "Films of the study that have both findings; on the diagonal, all that have it.",
        columns,
        body,
    )

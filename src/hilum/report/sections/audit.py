"""What the audit of the study's films found, before anything was trained on them."""

from __future__ import annotations

from hilum.report import numbers
from hilum.report.caution import KINDS, SEVERITIES
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.table import Column, Table, count_cell, text_cell


def section(evaluated: Evaluated) -> Section | None:
    """The findings by severity, folded; None where the run keeps no record of an audit."""
    audit = evaluated.folder.audit
    if audit is None:
        return None
    open_ones = [f for f in audit["findings"] if not f["accepted"]]
    counts = [(s, sum(f["severity"] == s for f in open_ones)) for s in SEVERITIES]
    said = ", ".join(f"{n} of severity “{s}”" for s, n in counts if n) or "nothing"
    n_accepted = len(audit["findings"]) - len(open_ones)
    accepted = f"; {numbers.counted(n_accepted, 'finding')} accepted" if n_accepted else ""
    words = (
        f"The audit of the study’s {numbers.count(audit['n_films'])} films found {said}{accepted}. No patient and no known copy of a "
        "film is in two parts of a split that is meant to be free of leaks: such a run is refused."
    )
    columns = [
        Column("Finding", numeric=False), Column("Severity", numeric=False), Column("Count"),
        Column("What was found", numeric=False, prose=True),
        Column("What to do, or why it was accepted", numeric=False, prose=True),
    ]  # fmt: skip
    rows = [
        [
            text_cell(KINDS[f["code"]]["title"], strong=True, title=f["code"]), text_cell(f["severity"]), count_cell(f["count"]),
            text_cell(f["text"]),
            text_cell(f"Accepted. {f['reason']}".strip() if f["accepted"] else KINDS[f["code"]]["to_do"].replace("`", "")),
        ]
        for f in audit["findings"]
    ]  # fmt: skip
    rows += [
        [
            text_cell(KINDS[x["code"]]["title"], strong=True, title=x["code"]), text_cell(KINDS[x["code"]]["severity"]), count_cell(1),
            text_cell(x["film"]), text_cell(f"Accepted. {x['reason']}".strip()),
        ]
        for x in audit["accepted_films"]
    ]  # fmt: skip
    table = Table("audit", "Findings of the audit", "The gravest first.", columns, rows)
    brief = f"The audit of the films found {said}{accepted}."
    return Section(
        "audit",
        "Audit of the films",
        (words,),
        [table] if rows else [],
        brief=brief,
        folded=True,
        noted=False,
    )

"""The audit's sections on the films themselves: quality flags with their measured error rates, label suspects, and what was accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hilum.imaging.quality import FLAGS, pooled, rates
from hilum.report import numbers
from hilum.report.audit_findings import Findings
from hilum.report.caution import KINDS
from hilum.report.page import Section
from hilum.report.table import Cell, Column, Table, count_cell, plain_table, rate_cell, text_cell

LISTED: Final = 200
"""Films of a flag, and suspects, that a page lists."""
_PICTURED: Final = {"of a flag": 6, "suspects": 24}
_POOR: Final = 0.2
"""Share of misses from which on a flag is called poor."""


def pictured(a: Findings) -> list[str]:
    """The films that the page shows: the first of each flag, and the first suspects."""
    of_flags = [
        i for films in a["quality"]["flagged"].values() for i in list(films)[: _PICTURED["of a flag"]]
    ]
    suspects = a["labels"]["suspects"] if a["labels"] else []
    return [*of_flags, *(s["film"] for s in suspects[: _PICTURED["suspects"]])]


def quality_section(a: Findings, pictures: Mapping[str, bytes]) -> Section:
    """The flags in a table, with what is known of how often each is wrong; the films named, folded away."""
    columns = [
        Column("Flag", numeric=False), Column("Score", numeric=False, prose=True), Column("Named from"), Column("Films"),
        Column("Accepted"),
        Column("Missed", hint="of films that have it, in the measurement", key="missed", parts=("n", "of")),
        Column("Named for nothing", hint="frontal films without it, in the measurement", key="named_for_nothing", parts=("n", "of")),
        Column("Judgement", numeric=False, prose=True),
    ]  # fmt: skip
    body = []
    for flag in FLAGS:
        films = a["quality"]["flagged"].get(flag.code, {})
        wrong = rates()[flag.code]
        missed, alarms = wrong["missed"], wrong.get("false_alarms", {})
        n_accepted = sum(x["code"] == flag.code for x in a["accepted_films"])
        body.append(
            [
                text_cell(KINDS[flag.code]["title"], strong=True), text_cell(flag.sees),
                Cell(f"{flag.threshold:g}", flag.threshold), _named(len(films), a["quality"]["by_source"].get(flag.code, {})),
                count_cell(n_accepted), _of(missed), _of(alarms),
                text_cell(_judgement(missed, alarms)),
            ]
        )  # fmt: skip
    table = Table(
        "quality", "Quality flags", "Films that are named by a rule over their pixels.", columns, body
    )
    rows = [
        (KINDS[code]["title"], _film(image_id, pictures), score)
        for code, films in a["quality"]["flagged"].items()
        for image_id, score in list(films.items())[:LISTED]
    ]
    listed = (
        [plain_table("flagged-films", ("Flag", "Film", "Score"), rows, "Films that are named")]
        if rows
        else []
    )
    words = (
        "Each flag names films for a person to look at; none is left out. How often each is wrong was measured on films with a known "
        "answer, and on films of another hospital it may be worse. Of what was painted, framed or clipped no false alarms are counted: "
        "real films have all that."
    )
    return Section("quality", "Quality of films", (words,), [table], listed)


def labels_section(a: Findings, pictures: Mapping[str, bytes]) -> Section:
    """Films whose label a plain model doubts."""
    labels = a["labels"]
    if labels is None:
        return Section("labels", "Label suspects", ("Not looked for.",))
    if labels["reason"]:
        return Section("labels", "Label suspects", (f"Not looked for: {labels['reason']}.",))
    found = labels["suspects"]
    words = (
        f"Suspects to be looked at, not errors: films that a logistic regression ({labels['sees']}), trained on films of other patients, "
        f"gives to another class than their label does, and that cleanlab's filter names: {numbers.counted(len(found), 'film')} of "
        f"{numbers.count(labels['n_films'])}. Its own accuracy on films that it has not seen is {numbers.percent(labels['accuracy'])}. "
        "Of labels exchanged on purpose (2 %) the list held .4 to .6, and of the list they were a fifth to a third. Where class goes with "
        "source, a film may be named for its source."
    )
    columns = [
        Column("Film", numeric=False), Column("Source", numeric=False), Column("Given label", numeric=False),
        Column("Suggested", numeric=False), Column("p given"), Column("p suggested"), Column("Margin"),
    ]  # fmt: skip
    body = [
        [
            _film(s["film"], pictures), text_cell(s["source"]), text_cell(s["given"]), text_cell(s["suggested"]), rate_cell(s["p_given"]),
            rate_cell(s["p_suggested"]), rate_cell(s["p_suggested"] - s["p_given"]),
        ]
        for s in found[:LISTED]
    ]  # fmt: skip
    table = Table("label-suspects", "Label suspects", "The largest margin first.", columns, body)
    return Section("labels", "Label suspects", (words,), (), [table] if body else [])


def accepted_section(a: Findings) -> Section | None:
    """What somebody accepted, and why; None where nothing was."""
    rows = [(f["code"], "", f["count"], f["reason"]) for f in a["findings"] if f["accepted"]]
    rows += [(x["code"], x["film"], 1, x["reason"]) for x in a["accepted_films"]]
    if not rows:
        return None
    table = plain_table("accepted", ("Finding", "Film", "Count", "Reason"), rows, "Accepted findings")
    return Section("accepted", "Accepted", ("Found, and accepted by whoever ran the audit.",), [table])


def _film(image_id: str, pictures: Mapping[str, bytes]) -> Cell:
    return Cell(image_id, image_id, picture=pictures.get(image_id, b""))


def _named(n: int, by: Mapping[str, int]) -> Cell:
    return Cell(
        numbers.count(n), n, quiet=not n, title="; ".join(f"{source}: {k}" for source, k in by.items() if k)
    )


def _of(by: Mapping[str, Sequence[int]]) -> Cell:
    wrong, n = pooled(by)
    if not n:
        return Cell(numbers.NONE, None, quiet=True)
    each = "; ".join(f"{k}: {w} of {m}" for k, (w, m) in sorted(by.items()))
    return Cell(f"{wrong} of {n}", (wrong, n), title=each)


def _judgement(missed: Mapping[str, Sequence[int]], alarms: Mapping[str, Sequence[int]]) -> str:
    wrong, n = pooled(missed)
    told = []
    if n and wrong / n > _POOR:
        told.append(f"poor: misses {round(10 * wrong / n)} of 10")
    worst = max(alarms, key=lambda s: alarms[s][0] / max(alarms[s][1], 1), default="")
    if worst and alarms[worst][0] / alarms[worst][1] > 0.02:
        told.append(
            f"names {numbers.percent(alarms[worst][0] / alarms[worst][1])} of the frontal films of {worst} for nothing"
        )
    return "; ".join(told) or "few errors where it was measured"


def accepted_words(a: Findings) -> str:
    """How many findings were accepted, as a sentence; empty for none."""
    n = sum(f["accepted"] for f in a["findings"])
    return f" {numbers.counted(n, 'finding')} accepted." if n else ""

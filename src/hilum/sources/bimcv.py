"""BIMCV-COVID19+ and -: ``derivatives/labels/labels_*.tsv`` (a row a report), ``participants.tsv`` and films at
``sub-S03044/ses-E06169/mod-rx/sub-S03044_ses-E06169_run-1_bp-chest_vp-pa_dx.png``.

The patient, the report and the view are in the film's name. A report lists what it says, as PadChest's do; ``COVID 19 uncertain`` is an
uncertain finding (``--uncertain``). What is covid here is what the report says: patients of the positive set have a positive test, but not
each of their films shows or was taken with the disease. CT and films that are no CR or DX are left out by name.

Columns and names: https://github.com/BIMCV-CSUSP/BIMCV-COVID-19 (de la Iglesia Vayá et al., arXiv:2006.01174), and as
https://github.com/suinleelab/cxr_covid reads them (datasets/bimcvcoviddataset.py, data/make_csv.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hilum.core.tables import Row
from hilum.sources.padchest import listed, words_of
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import Said
from hilum.sources.tree import stem_of

_NAME = re.compile(r"(sub-\w+?)_(ses-\w+?)_(?:.*_)?([a-z]+)")
_VIEW = re.compile(r"_vp-([a-z]+)(?:_|$)")
_XRAY = frozenset({"cr", "dx"})


def _say(opened: Opened) -> Iterator[Said]:
    reports = {r.get("reportid"): r for r in opened.table("labels").rows}
    people = {r.get("participant"): r for r in opened.table("people").rows}
    seen = set()
    for film in opened.films:
        match = _NAME.fullmatch(stem_of(film))
        row = reports.get(match[2]) if match else None
        if match is None or row is None:
            continue
        seen.add(match[2])
        yield _of_film(film, match, row, people.get(match[1]), opened)
    for report, row in reports.items():
        if report not in seen:
            yield Said((f"{row.get('patientid')}/{report}",), opened.where("labels", row.line), {})


def _of_film(film: str, match: re.Match[str], row: Row, person: Row | None, opened: Opened) -> Said:
    words, where = words_of(row.get("labels")), opened.where("labels", row.line)
    view, age = _VIEW.search(stem_of(film)), re.search(r"\d+", person.get("age")) if person else None
    return Said(
        files=(film,),
        where=where,
        findings=listed(words),
        patient=match[1],
        view=view[1] if view else "",
        age=age[0] if age else "",
        sex=person.get("gender") if person else "",
        attributes={"findings": "|".join(words), "report_id": match[2]},
        why_not=None
        if match[3] in _XRAY
        else ("not X-ray", f"its name ends in {match[3]!r} and neither in cr nor in dx"),
    )


_LABELS = ("labels_*.tsv", "derivatives/labels/labels_*.tsv")
SET = PublishedSet(
    "bimcv-covid", "BIMCV-COVID19",
    classes={"covid": "covid", "no_finding": "normal", "pneumonia": "pneumonia"},
    say=_say,
    tables={
        "labels": PublishedTable(_LABELS, ("patientid", "reportid", "labels"), told_by_name=False),
        "people": PublishedTable(("participants.tsv",), ("participant", "age", "gender")),
    },
    needs=(("labels",),),
    uncertain=True,
    is_open=True,
)  # fmt: skip
ENTRY = SET.layout()

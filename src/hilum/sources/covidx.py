"""COVIDx: lists of a line a film, ``train*.txt``, ``test*.txt`` (and ``val.txt``), in the folder or its ``labels/``, with films in
``train/`` and ``test/``.

A line has patient, file, class and, from version 4 on, source, with a space between. Classes are COVID-19, pneumonia and normal (A lists),
or positive and negative (B lists): negative is no_covid, since films with pneumonia are among them. The films come from seven other sets;
the patient of a film of RSNA's is that film's own id.

Format and lists: https://github.com/lindawangg/COVID-Net (docs/COVIDx.md, labels/), https://www.kaggle.com/datasets/andyczhao/covidx-cxr2.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from hilum.core.errors import InputError
from hilum.core.text import opened_text
from hilum.sources.findings import NEGATIVE, NO_FINDING, POSITIVE
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import Said

_FINDINGS = {
    "COVID-19": {"covid": POSITIVE, "pneumonia": NEGATIVE, NO_FINDING: NEGATIVE},
    "positive": {"covid": POSITIVE},
    "negative": {"covid": NEGATIVE, "no_covid": POSITIVE},
    "pneumonia": {"covid": NEGATIVE, "pneumonia": POSITIVE, NO_FINDING: NEGATIVE},
    "normal": {"covid": NEGATIVE, "pneumonia": NEGATIVE, NO_FINDING: POSITIVE},
}
_PARTS = ("train", "val", "test")


def _is_list(path: Path) -> bool:
    """Whether the first line of a file is one of such a list."""
    try:
        with opened_text(path, lenient=True) as f:
            fields = next(islice(f, 1), "").split()
    except InputError:
        return False
    return len(fields) in (3, 4) and fields[2] in _FINDINGS


def _say(opened: Opened) -> Iterator[Said]:
    for part in _PARTS:
        for k, line in enumerate(opened.lines(part), 1):
            where, fields = opened.where(part, k), line.split()
            if not fields:
                continue
            if len(fields) not in (3, 4):
                raise InputError(
                    f"{where}: expected 'patient file class source', got {len(fields)} fields, {line!r}"
                )
            patient, film, label = fields[:3]
            if label not in _FINDINGS:
                raise InputError(f"{where}: expected a class among {', '.join(_FINDINGS)}, got {label!r}")
            yield Said(
                files=(f"{part}/{film}", film),
                where=where,
                findings=_FINDINGS[label],
                patient=patient,
                source_part=part,
                attributes={"of_set": fields[3]} if len(fields) > 3 else {},
            )


def _list(part: str) -> PublishedTable:
    return PublishedTable((f"{part}.txt", f"{part}_*.txt", f"labels/{part}*.txt"), is_it=_is_list)


SET = PublishedSet(
    "covidx", "COVIDx",
    classes={"covid": "covid", "pneumonia": "pneumonia", NO_FINDING: "normal", "no_covid": "no_covid"},
    say=_say,
    tables={part: _list(part) for part in _PARTS},
    needs=(_PARTS,),
    patients=lambda _: "a patient is a list's first column; for RSNA's films it is the film's own id, so a person may sit in two parts",
)  # fmt: skip
ENTRY = SET.layout()

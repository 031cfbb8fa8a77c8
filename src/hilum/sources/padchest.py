"""PadChest: ``PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv`` (``.gz``) and films at ``images/<ImageDir>/<ImageID>``, or flat.

A row lists what its report says, of some 190 findings and diagnoses; what it does not list is negative as published. A finding with a word
before it is that finding too (``laminar atelectasis`` is an atelectasis), one with a word behind it is not (``tuberculosis sequelae``).
Films that the readers called ``exclude`` or ``suboptimal study`` are left out by name. Age: year of the study less year of birth.

Columns: https://bimcv.cipf.es/bimcv-projects/padchest (Bustos et al., arXiv:1901.07441), and as PC_Dataset of
https://github.com/mlmed/torchxrayvision reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from hilum.core.tables import Row, known
from hilum.sources.findings import POSITIVE, UNCERTAIN, finding_name
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import COMMON, Said

LEFT_OUT_BY_SET = "left out by its set"
_NO_USE = frozenset({"exclude", "suboptimal study"})
_VIEWS = {"AP_horizontal": "AP Supine", "L": "Lateral"}


def words_of(text: str) -> list[str]:
    """The words of a list as BIMCV's tables write it.

    >>> words_of("['pneumonia', ' NSG tube']"), words_of("['']"), words_of("['COVID 19'\\t 'normal']")
    (['pneumonia', 'NSG tube'], [], ['COVID 19', 'normal'])
    """
    parts = re.split(r"[,\t\n]", text.strip().strip("[]"))
    return [w for p in parts if (w := known(p.strip().strip("'\"").strip()))]


def listed(words: Iterable[str]) -> dict[str, str]:
    """Findings of a list that names those that are there; ``uncertain`` behind a name makes it so.

    >>> listed(["laminar atelectasis", "COVID 19 uncertain", "tuberculosis sequelae"])
    {'laminar_atelectasis': '1', 'atelectasis': '1', 'covid': '-1', 'tuberculosis_sequelae': '1'}
    """
    found: dict[str, str] = {}
    for word in words:
        value = UNCERTAIN if word.endswith(" uncertain") else POSITIVE
        name = finding_name(word.removesuffix(" uncertain"))
        for finding in (name, *(c for c in COMMON if name.endswith(f"_{c}"))):
            found[finding] = POSITIVE if found.get(finding) == POSITIVE else value
    return found


def _say(opened: Opened) -> Iterator[Said]:
    for row in opened.table("labels").rows:
        words, where = words_of(row.get("labels")), opened.where("labels", row.line)
        no_use = sorted(_NO_USE.intersection(words))
        yield Said(
            files=(row.get("imageid"),),
            where=where,
            findings=listed(words),
            patient=row.get("patientid"),
            view=_VIEWS.get(row.get("projection"), row.get("projection")),
            age=_age(row),
            sex=row.get("patientsex_dicom"),
            attributes={"findings": "|".join(words)},
            why_not=(LEFT_OUT_BY_SET, f"{where}: {', '.join(no_use)}") if no_use else None,
        )


def _age(row: Row) -> str:
    birth, study = row.get("patientbirth").partition(".")[0], row.get("studydate_dicom")[:4]
    return str(int(study) - int(birth)) if birth.isdigit() and study.isdigit() else ""


_COLUMNS = (
    "imageid",
    "studydate_dicom",
    "patientid",
    "patientbirth",
    "patientsex_dicom",
    "projection",
    "labels",
)
SET = PublishedSet(
    "padchest", "PadChest",
    classes={"no_finding": "normal", "pneumonia": "pneumonia", "tuberculosis": "tuberculosis"},
    say=_say,
    tables={"labels": PublishedTable(("padchest_chest_x_ray_images_labels*.csv",), _COLUMNS)},
    needs=(("labels",),),
    is_open=True,
)  # fmt: skip
ENTRY = SET.layout()

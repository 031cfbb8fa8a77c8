"""NIH ChestX-ray14: ``Data_Entry_2017.csv`` (or ``_v2020``), ``train_val_list.txt``, ``test_list.txt`` and films in ``images*/``.

Findings were mined from reports: those that a row does not list are negative as published. A film of ``train_val_list.txt`` is of the part
train; the publishers leave it open which of these validate. A few ages are impossible (412 years) and count as not known.

Columns as in the file itself, a copy of which is torchxrayvision/data/Data_Entry_2017_v2020.csv.gz of https://github.com/mlmed/torchxrayvision;
lists and findings as on https://nihcc.app.box.com/v/ChestXray-NIHCC (Wang et al., arXiv:1705.02315).
"""

from __future__ import annotations

from collections.abc import Iterator

from hilum.sources.facts import years_of
from hilum.sources.findings import NO_FINDING, among
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import Said

FINDINGS = (
    "atelectasis", "cardiomegaly", "consolidation", "edema", "pleural_effusion", "emphysema", "fibrosis", "hernia", "infiltration", "mass",
    "nodule", "pleural_thickening", "pneumonia", "pneumothorax", NO_FINDING,
)  # fmt: skip
_OLDEST_YEARS = 120


def _say(opened: Opened) -> Iterator[Said]:
    part_of = {film: part for part in ("train", "test") for film in opened.lines(part)}
    for row in opened.table("entries").rows:
        where, film = opened.where("entries", row.line), row.get("image_index")
        years = years_of(row.get("patient_age"))
        yield Said(
            files=(film,),
            where=where,
            findings=among(FINDINGS, row.get("finding_labels").split("|"), where),
            patient=row.get("patient_id"),
            source_part=part_of.get(film, ""),
            view=row.get("view_position"),
            age=years if years and float(years) <= _OLDEST_YEARS else "",
            sex=row.get("patient_gender", "patient_sex"),
            attributes={"follow_up": row.get("follow-up_#")},
        )


_COLUMNS = (
    "image_index",
    "finding_labels",
    "patient_id",
    "patient_age",
    "patient_gender|patient_sex",
    "view_position",
)
SET = PublishedSet(
    "nih", "NIH ChestX-ray14",
    classes={NO_FINDING: "normal", "pneumonia": "pneumonia"},
    say=_say,
    tables={
        "entries": PublishedTable(("data_entry_2017*.csv", "labels/data_entry_2017*.csv"), _COLUMNS),
        "train": PublishedTable(("train_val_list.txt", "labels/train_val_list.txt")),
        "test": PublishedTable(("test_list.txt", "labels/test_list.txt")),
    },
    needs=(("entries",),),
)  # fmt: skip
ENTRY = SET.layout()

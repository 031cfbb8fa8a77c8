"""MIMIC-CXR-JPG: ``mimic-cxr-2.x.x-metadata.csv.gz`` (a row a film), ``-chexpert.csv.gz`` (a row a study), ``-split.csv.gz``, and films at
``files/p10/p10000032/s50414267/<dicom_id>.jpg``.

The patient is ``subject_id``. Findings are those of CheXpert's labeller: 1, 0, -1 (uncertain) or blank (not mentioned), which stays
unknown. The part that the split calls validate is valid here. The tables may be packed (``.gz``) or not.

Columns: https://physionet.org/content/mimic-cxr-jpg/2.1.0/ (Johnson et al., arXiv:1901.07042), and as MIMIC_Dataset of
https://github.com/mlmed/torchxrayvision reads them.
"""

from __future__ import annotations

from collections.abc import Iterator

from hilum.core.tables import folded
from hilum.sources.chexpert import CLASSES, LABELLER, labelled
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import Said

_PARTS = {"validate": "valid"}


def _say(opened: Opened) -> Iterator[Said]:
    of_study = {r.get("study_id"): r for r in opened.table("labels").rows}
    part_of = {r.get("dicom_id"): r.get("split") for r in opened.table("split").rows}
    for row in opened.table("metadata").rows:
        film, study = row.get("dicom_id"), of_study.get(row.get("study_id"))
        part = part_of.get(film, "")
        yield Said(
            files=(film,),
            where=opened.where("metadata", row.line),
            findings=labelled(study, opened.where("labels", study.line)) if study else {},
            patient=row.get("subject_id"),
            source_part=_PARTS.get(part, part),
            view=row.get("viewposition"),
            attributes={"study_id": row.get("study_id")},
        )


_RELEASE = "mimic-cxr-[0-9]*-"
SET = PublishedSet(
    "mimic", "MIMIC-CXR-JPG",
    classes=CLASSES,
    say=_say,
    tables={
        "metadata": PublishedTable((f"{_RELEASE}metadata.csv",), ("dicom_id", "subject_id", "study_id", "viewposition")),
        "labels": PublishedTable((f"{_RELEASE}chexpert.csv",), ("study_id", *(folded(x) for x in LABELLER))),
        "split": PublishedTable((f"{_RELEASE}split.csv",), ("dicom_id", "split")),
    },
    needs=(("metadata",), ("labels",)),
    uncertain=True,
)  # fmt: skip
ENTRY = SET.layout()

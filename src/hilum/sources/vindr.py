"""VinDr-CXR: ``annotations/image_labels_train.csv`` and ``_test.csv`` of PhysioNet with ``train/`` and ``test/``; or ``train.csv`` of the
VinBigData challenge on Kaggle, which is its training part.

Three radiologists read each training film (``--readers``); the test part has their consensus, one row a film. The challenge's csv has a
row a box and 14 of the 28 findings. Patients are not published: the source has to be declared. All films are postero-anterior, as the
publishers state; a film's own header goes before that.

Columns: https://physionet.org/content/vindr-cxr/1.0.0/ (Nguyen et al., arXiv:2012.15029); those of the challenge as in its file, a copy of
which is torchxrayvision/data/vinbigdata-train.csv.gz of https://github.com/mlmed/torchxrayvision.
"""

from __future__ import annotations

from collections.abc import Iterator

from hilum.core.tables import Row, folded
from hilum.sources.findings import NO_FINDING, Findings, among, finding_name, value_of
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import Said

FINDINGS = (
    "Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Clavicle fracture", "Consolidation", "Edema", "Emphysema",
    "Enlarged PA", "ILD", "Infiltration", "Lung Opacity", "Lung cavity", "Lung cyst", "Mediastinal shift", "Nodule/Mass",
    "Pleural effusion", "Pleural thickening", "Pneumothorax", "Pulmonary fibrosis", "Rib fracture", "Other lesion", "COPD", "Lung tumor",
    "Pneumonia", "Tuberculosis", "Other disease", "No finding",
)  # fmt: skip
_OF_CHALLENGE = (
    "Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Consolidation", "ILD", "Infiltration", "Lung Opacity",
    "Nodule/Mass", "Other lesion", "Pleural effusion", "Pleural thickening", "Pneumothorax", "Pulmonary fibrosis", "No finding",
)  # fmt: skip
_CHALLENGE = tuple(finding_name(f) for f in _OF_CHALLENGE)
_VIEW = frozenset({"view"})


def _say(opened: Opened) -> Iterator[Said]:
    for part in ("train", "test"):
        for row in opened.table(part).rows:
            where = opened.where(part, row.line)
            values = {finding_name(f): value_of(row.get(*_spelled(f)), where) for f in FINDINGS}
            yield _of_row(part, row, where, values)
    for row in opened.table("challenge").rows:
        where = opened.where("challenge", row.line)
        yield _of_row("train", row, where, among(_CHALLENGE, [row.get("class_name")], where))


def _of_row(part: str, row: Row, where: str, findings: Findings) -> Said:
    film, reader = row.get("image_id"), row.get("rad_id")
    return Said((f"{part}/{film}", film), where, findings, reader, source_part=part, view="PA", assumed=_VIEW)


def _spelled(finding: str) -> tuple[str, ...]:
    """The column of a finding; the two tables spell the last one in two ways."""
    column = folded(finding)
    return (column, "other_diseases") if column == "other_disease" else (column,)


_COLUMNS = tuple("|".join(_spelled(f)) for f in FINDINGS)
SET = PublishedSet(
    "vindr", "VinDr-CXR",
    classes={NO_FINDING: "normal", "pneumonia": "pneumonia", "tuberculosis": "tuberculosis"},
    say=_say,
    tables={
        "train": PublishedTable(
            ("annotations/image_labels_train.csv", "image_labels_train.csv"), ("image_id", "rad_id", *_COLUMNS), told_by_name=False
        ),
        "test": PublishedTable(
            ("annotations/image_labels_test.csv", "image_labels_test.csv"), ("image_id", *_COLUMNS), told_by_name=False
        ),
        "challenge": PublishedTable(("train.csv",), ("image_id", "class_name", "class_id", "rad_id"), told_by_name=False),
    },
    needs=(("train", "test", "challenge"),),
    readers=True,
    patient_ids=False,
)  # fmt: skip
ENTRY = SET.layout()

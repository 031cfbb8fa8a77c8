"""CheXpert (and ``CheXpert-small``): ``train.csv``, ``valid.csv`` and films at ``train/patient00001/study1/view1_frontal.jpg``.

The patient is in the path. Findings are 1, 0, -1 (uncertain) or blank (not mentioned), which stays unknown. Paths of the csv begin with a
folder of the release (``CheXpert-v1.0-small/``), which is not looked at; releases in batches have no ``train/`` around the patients.

Columns as in the file itself, a copy of which is torchxrayvision/data/chexpert_train.csv.gz of https://github.com/mlmed/torchxrayvision;
what they mean: https://stanfordmlgroup.github.io/competitions/chexpert (Irvin et al., arXiv:1901.07031).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hilum.core.errors import InputError
from hilum.core.tables import Row, folded
from hilum.sources.findings import finding_name, value_of
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import Said

LABELLER = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation", "Pneumonia",
    "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
"""The columns of CheXpert's labeller, which MIMIC-CXR-JPG has too."""

CLASSES = {"no_finding": "normal", "pneumonia": "pneumonia"}
_PATH = re.compile(r"(?:.*/)?(train|valid|test)/(patient\d+)/(.+)")


def labelled(row: Row, where: str) -> dict[str, str]:
    """The findings of a row of the labeller."""
    return {finding_name(x): value_of(row.get(folded(x)), where) for x in LABELLER}


def _say(opened: Opened) -> Iterator[Said]:
    for part in ("train", "valid"):
        for row in opened.table(part).rows:
            where = opened.where(part, row.line)
            match = _PATH.fullmatch(row.get("path"))
            if match is None:
                raise InputError(
                    f"{where}: expected a Path like train/patient00001/study1/view1_frontal.jpg, got {row.get('path')!r}"
                )
            yield Said(
                files=("/".join(match.groups()), f"{match[2]}/{match[3]}"),
                where=where,
                findings=labelled(row, where),
                patient=match[2],
                source_part=match[1],
                view=_view(row),
                age=row.get("age"),
                sex=row.get("sex"),
            )


def _view(row: Row) -> str:
    side = row.get("frontal/lateral")
    return side if side == "Lateral" else row.get("ap/pa") or side


_COLUMNS = ("path", "sex", "age", "frontal/lateral", "ap/pa", *(folded(x) for x in LABELLER))
SET = PublishedSet(
    "chexpert", "CheXpert",
    classes=CLASSES,
    say=_say,
    tables={
        part: PublishedTable((f"{part}.csv", f"chexpert-v1.0 batch 1 (validate & csv)/{part}.csv"), _COLUMNS, told_by_name=False)
        for part in ("train", "valid")
    },
    needs=(("train", "valid"),),
    uncertain=True,
)  # fmt: skip
ENTRY = SET.layout()

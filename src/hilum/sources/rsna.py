"""RSNA Pneumonia Detection Challenge: ``stage_2_detailed_class_info.csv`` (a row a box) and ``stage_2_train_images/<patientId>.dcm``.

The films are some of NIH ChestX-ray14's, read again by radiologists; those of the test stage have no classes. ``patientId`` is an id of the
film, not of a person: persons come from ``pneumonia-challenge-dataset-mappings_2018.json`` of RSNA, where that lies beside the csv
(``subset_img_id`` -> ``img_id``, the name of the film at NIH, which begins with its patient). Without it a person's films may part.

Columns: https://www.kaggle.com/c/rsna-pneumonia-detection-challenge/data (Shih et al., doi:10.1148/ryai.2019180041); the mapping:
https://www.rsna.org/rsnai/ai-image-challenge/rsna-pneumonia-detection-challenge-2018.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from hilum.core.errors import InputError
from hilum.core.text import read_text
from hilum.sources.findings import NO_FINDING, among, finding_name
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import Said

NEITHER = finding_name("No Lung Opacity / Not Normal")
_FINDINGS = ("lung_opacity", NEITHER, NO_FINDING)
MAPPING = "pneumonia-challenge-dataset-mappings_2018.json"


def _say(opened: Opened) -> Iterator[Said]:
    persons = _persons(opened)
    for row in opened.table("classes").rows:
        film, where = row.get("patientid"), opened.where("classes", row.line)
        yield Said(
            files=(film,),
            where=where,
            findings=among(_FINDINGS, [row.get("class")], where),
            patient=persons.get(film, film),
        )


def _persons(opened: Opened) -> dict[str, str]:
    """Film -> patient of NIH, by RSNA's mapping; empty without it."""
    if "mapping" not in opened.paths:
        return {}
    path = opened.paths["mapping"]
    try:
        return {x["subset_img_id"]: x["img_id"].partition("_")[0] for x in json.loads(read_text(path))}
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise InputError(
            f"{path}: expected a list of objects with subset_img_id and img_id, as RSNA has it ({type(e).__name__}: {e})"
        ) from None


def _patients(opened: Opened) -> str:
    if "mapping" in opened.paths:
        return f"patients are NIH's, by {MAPPING}"
    return (
        "patientId names a film and no person, and NIH's patients have several films: one person may sit in two parts. With RSNA's "
        f"{MAPPING} beside the csv, patients are NIH's"
    )


SET = PublishedSet(
    "rsna", "the RSNA Pneumonia Detection Challenge",
    classes={NO_FINDING: "normal", "lung_opacity": "lung_opacity"},
    say=_say,
    tables={
        "classes": PublishedTable(("stage_2_detailed_class_info.csv",), ("patientid", "class")),
        "mapping": PublishedTable((MAPPING,), is_it=lambda _: True),
    },
    needs=(("classes",),),
    patients=_patients,
)  # fmt: skip
ENTRY = SET.layout()

"""SIIM-FISABIO-RSNA COVID-19 Detection: ``train_study_level.csv``, ``train_image_level.csv`` and ``train/<study>/<series>/<image>.dcm``.

A study has one of four appearances, and each of its films has that. A film with typical appearance is covid; ``Negative for Pneumonia`` is
called no_pneumonia and not normal, for films of patients with covid and films with other findings are among them. The study stands for
the patient, unless a film's own header has a PatientID.

Columns: https://www.kaggle.com/c/siim-covid19-detection/data (Lakhani et al., hdl:10668/20430).
"""

from __future__ import annotations

from collections.abc import Iterator

from hilum.core.tables import folded
from hilum.sources.findings import finding_name, value_of
from hilum.sources.published import Opened, PublishedSet, PublishedTable
from hilum.sources.said import Said

_APPEARANCES = (
    "Negative for Pneumonia",
    "Typical Appearance",
    "Indeterminate Appearance",
    "Atypical Appearance",
)
_ASSUMED = frozenset({"patient"})


def _say(opened: Opened) -> Iterator[Said]:
    studies = {r.get("id").removesuffix("_study"): r for r in opened.table("studies").rows}
    for row in opened.table("films").rows:
        study_id, film = row.get("studyinstanceuid"), row.get("id").removesuffix("_image")
        study, findings = studies.get(study_id), {}
        if study is not None:
            where = opened.where("studies", study.line)
            findings = {finding_name(a): value_of(study.get(folded(a)), where) for a in _APPEARANCES}
        yield Said(
            files=(film,),
            where=opened.where("films", row.line),
            findings=findings,
            patient=study_id,
            assumed=_ASSUMED,
            attributes={"study_id": study_id},
        )


SET = PublishedSet(
    "siim-covid", "SIIM-FISABIO-RSNA COVID-19 Detection",
    classes={"typical_appearance": "covid", "negative_for_pneumonia": "no_pneumonia"},
    say=_say,
    tables={
        "studies": PublishedTable(("train_study_level.csv",), ("id", *(folded(a) for a in _APPEARANCES))),
        "films": PublishedTable(("train_image_level.csv",), ("id", "studyinstanceuid")),
    },
    needs=(("studies",), ("films",)),
    patients=lambda _: "the study is the patient where a film's header has no PatientID: a person with two studies may sit in two parts",
)  # fmt: skip
ENTRY = SET.layout()

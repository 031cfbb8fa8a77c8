"""The tuberculosis sets of the National Library of Medicine, Shenzhen and Montgomery County: ``CHNCXR_0001_0.png``, ``MCUCXR_0104_1.png``.

The name ends in 0 for normal and 1 for tuberculosis; each film is of a person of its own, as the publishers state. Age and sex come from
``ClinicalReadings/<name>.txt`` where those are there. Masks of one lung (``ManualMask/leftMask``) are no films; masks of both lungs are
taken.

Names and readings: https://data.lhncbc.nlm.nih.gov/public/Tuberculosis-Chest-X-ray-Datasets/ (Jaeger et al.,
doi:10.3978/j.issn.2223-4292.2014.11.20).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hilum.core.text import read_text
from hilum.sources.facts import years_of
from hilum.sources.findings import NO_FINDING, among
from hilum.sources.published import Opened, PublishedSet
from hilum.sources.said import Said
from hilum.sources.tree import Tree, stem_of

_NAME = re.compile(r"((?:CHNCXR|MCUCXR)_\d{4})_([01])")
_FINDING = {"0": NO_FINDING, "1": "tuberculosis"}
_SEX = re.compile(r"\b(?:(f)(?:emale?)?|(m)(?:ale)?)\b", re.IGNORECASE)
_AGE = re.compile(r"(\d{1,3})\s*(y|m|d)", re.IGNORECASE)
_NO_FILMS = frozenset({"manualmask", "leftmask", "rightmask", "annotations-2"})


def _matches(tree: Tree) -> bool:
    """Whether nearly all films are called as these are, which their masks are too."""
    named = sum(_NAME.match(stem_of(f)) is not None for f in tree.films)
    return bool(named) and 20 * named >= 19 * len(tree.films)


def _say(opened: Opened) -> Iterator[Said]:
    readings = {stem_of(f): f for f in opened.tree.tables if f.lower().endswith(".txt")}
    for film in opened.films:
        match = _NAME.fullmatch(stem_of(film))
        if match is None:
            continue
        reading = readings.get(match[0])
        age, sex = _person(read_text(opened.tree.path(reading))) if reading else ("", "")
        findings = among((NO_FINDING, "tuberculosis"), [_FINDING[match[2]]], film)
        yield Said(files=(film,), where=film, findings=findings, patient=match[1], age=age, sex=sex)


def _person(reading: str) -> tuple[str, str]:
    """Age and sex of a clinical reading.

    >>> _person("male 45yrs\\nnormal"), _person("Patient's Sex: F\\nPatient's Age: 027Y\\nnormal"), _person("femal 16month")
    (('45', 'M'), ('27', 'F'), ('1.333', 'F'))
    """
    head = reading[:60]
    age, sex = _AGE.search(head), _SEX.search(head.replace("Patient's", ""))
    return years_of("".join(age.groups())) if age else "", (sex[1] or sex[2]).upper() if sex else ""


SET = PublishedSet(
    "nlm-tb", "the NLM's tuberculosis sets (Shenzhen, Montgomery)",
    classes={NO_FINDING: "normal", "tuberculosis": "tuberculosis"},
    say=_say,
    matches=_matches,
    patients=lambda _: "each film is of a person of its own, as the publishers state",
    no_films=_NO_FILMS,
)  # fmt: skip
ENTRY = SET.layout()

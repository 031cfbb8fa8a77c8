"""COVID-QU-Ex: ``Lung Segmentation Data/`` (perhaps twice, one in the other) with ``{Train,Val,Test}/{COVID-19,Non-COVID,Normal}/images``
and ``lung masks``.

The class and the part are folders, lung masks are taken as such, and there are no patients: the source has to be declared. ``Infection
Segmentation Data`` repeats some of the films, with masks of infections that are no films; where both are there, it is left out.

Folders: https://www.kaggle.com/datasets/anasmohammedtahir/covidqu (Tahir et al., COVID-19 Infection Localization
and Severity Grading from Chest X-ray Images, 2021).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hilum.sources.findings import NO_FINDING, among
from hilum.sources.listing import LISTED_TWICE
from hilum.sources.published import Opened, PublishedSet
from hilum.sources.said import Said
from hilum.sources.tree import Tree

_CLASSES = {"covid-19": "covid", "non-covid": "non_covid", "normal": NO_FINDING}
_FINDINGS = ("covid", "non_covid", NO_FINDING)
_PLACE = re.compile(
    r"((?:(?:lung|infection) segmentation data/)*)(train|val|test)/(covid-19|non-covid|normal)/images/[^/]+",
    re.IGNORECASE,
)
_ALL, _SOME = "lung segmentation data/", "infection segmentation data/"


def _matches(tree: Tree) -> bool:
    """Whether films lie in this set's folders, the one whose name no other set has among them."""
    return any((m := _PLACE.fullmatch(f)) and m[3].lower() == "non-covid" for f in tree.films)


def _say(opened: Opened) -> Iterator[Said]:
    places = {f: m for f in opened.films if (m := _PLACE.fullmatch(f))}
    has_all = any(_ALL in m[1].lower() for m in places.values())
    for film, place in places.items():
        again = has_all and _SOME in place[1].lower()
        yield Said(
            files=(film,),
            where=film,
            findings=among(_FINDINGS, [_CLASSES[place[3].lower()]], film),
            source_part=place[2].lower(),
            why_not=(LISTED_TWICE, "Lung Segmentation Data holds it too") if again else None,
        )


SET = PublishedSet(
    "covid-qu-ex", "COVID-QU-Ex",
    classes={"covid": "covid", "non_covid": "pneumonia", NO_FINDING: "normal"},
    say=_say,
    matches=_matches,
    patient_ids=False,
    no_films=frozenset({"infection masks"}),
)  # fmt: skip
ENTRY = SET.layout()

"""``[reporting]`` of a study file: what only the people behind a study know, for the checklists and the model card.

Convention: a key is free text, and an empty one is "not reported". docs/reference/reporting.md lists the keys. Nothing here makes a
difference to a result, so nothing of it is in any digest of a study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pydantic import create_model

from hilum.study.tables import StrictTable


class Answers(NamedTuple):
    """The items of two checklists that a key answers, by number: of CLAIM (2024 update) and of TRIPOD+AI."""

    claim: tuple[str, ...] = ()
    tripod: tuple[str, ...] = ()


ITEMS: Final[Mapping[str, Answers]] = {
    "abstract": Answers(("2",), ("2",)),
    "background": Answers(("3",), ("3a",)),
    "intended_use": Answers(("3",), ("3b",)),
    "users": Answers((), ("3b",)),
    "inequalities": Answers((), ("3c",)),
    "objectives": Answers(("4",), ("4",)),
    "design": Answers(("5",)),
    "representativeness": Answers((), ("5a",)),
    "dates": Answers((), ("5b",)),
    "setting": Answers((), ("6a",)),
    "eligibility": Answers(("8",), ("6b",)),
    "treatments": Answers((), ("6c",)),
    "deidentification": Answers(("11",)),
    "missing_data": Answers(("12",), ("11",)),
    "acquisition": Answers(("13",)),
    "reference_standard": Answers(("14",), ("8a",)),
    "reference_rationale": Answers(("15",)),
    "readers": Answers(("16",), ("8b",)),
    "test_readers": Answers(("17",)),
    "reader_agreement": Answers(("18",)),
    "blinding": Answers((), ("8c",)),
    "sample_size": Answers(("21",), ("10",)),
    "explainability": Answers(("31",)),
    "external_test": Answers(("33",), ("16",)),
    "interpretation": Answers((), ("25",)),
    "limitations": Answers(("40",), ("26",)),
    "implications": Answers(("41",), ("27b",)),
    "next_steps": Answers((), ("27c",)),
    "ethics": Answers((), ("17",)),
    "funding": Answers(("44",), ("18a",)),
    "conflicts": Answers((), ("18b",)),
    "protocol": Answers(("42",), ("18c",)),
    "registration": Answers(("34",), ("18d",)),
    "data_availability": Answers(("43",), ("18e",)),
    "code_availability": Answers(("43",), ("18f",)),
    "patient_involvement": Answers((), ("19",)),
    "developers": Answers(),
    "model_licence": Answers(),
}
"""Every key, in order."""


class _Reporting(StrictTable):
    """``[reporting]``: a text for each key of `ITEMS`."""

    def said(self) -> dict[str, str]:
        """What was said, by key, in one line each."""
        lines = {name: " ".join(text.split()) for name, text in self}
        return {name: text for name, text in lines.items() if text}


if TYPE_CHECKING:
    ReportingTable: TypeAlias = _Reporting
else:
    ReportingTable = create_model("ReportingTable", __base__=_Reporting, **dict.fromkeys(ITEMS, (str, "")))

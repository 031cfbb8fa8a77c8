"""``[reporting]`` of a study file: what only the people behind a study know, for the checklists and the model card.

Convention: a key is free text. `ITEMS` says which items of CLAIM (2024 update) and TRIPOD+AI it answers; docs/reference/reporting.md lists
them. Nothing here makes a difference to a result, so nothing of it is in any digest of a study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hilum.study.tables import StrictTable


class ReportingTable(StrictTable):
    """The table; an empty text is "not reported"."""

    abstract: str = ""
    background: str = ""
    intended_use: str = ""
    users: str = ""
    inequalities: str = ""
    objectives: str = ""
    design: str = ""
    representativeness: str = ""
    dates: str = ""
    setting: str = ""
    eligibility: str = ""
    treatments: str = ""
    deidentification: str = ""
    missing_data: str = ""
    acquisition: str = ""
    reference_standard: str = ""
    reference_rationale: str = ""
    readers: str = ""
    test_readers: str = ""
    reader_agreement: str = ""
    blinding: str = ""
    sample_size: str = ""
    explainability: str = ""
    external_test: str = ""
    interpretation: str = ""
    limitations: str = ""
    implications: str = ""
    next_steps: str = ""
    ethics: str = ""
    funding: str = ""
    conflicts: str = ""
    protocol: str = ""
    registration: str = ""
    data_availability: str = ""
    code_availability: str = ""
    patient_involvement: str = ""
    developers: str = ""
    model_licence: str = ""

    def said(self) -> dict[str, str]:
        """What was said, by key, in one line each."""
        lines = {name: " ".join(text.split()) for name, text in self}
        return {name: text for name, text in lines.items() if text}


@dataclass(frozen=True)
class Answers:
    """The items that a key answers.

    Attributes:
        claim: Numbers of CLAIM.
        tripod: Numbers of TRIPOD+AI.
    """

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

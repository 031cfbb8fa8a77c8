"""What a public set's tables say of a film: one row or several, of one reader or several, put together into what a listing takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hilum.sources.facts import age_group_of, sex_of, view_of, years_of
from hilum.sources.findings import (
    NEGATIVE,
    Findings,
    Readers,
    Uncertain,
    class_of,
    columns_of,
    merged,
    readers_of,
    settled,
    voted,
)
from hilum.sources.listing import ROWS_DISAGREE

COMMON = (
    "atelectasis", "cardiomegaly", "consolidation", "covid", "edema", "emphysema", "fibrosis", "fracture", "hernia", "infiltration",
    "mass", "no_finding", "nodule", "pleural_effusion", "pleural_thickening", "pneumonia", "pneumothorax", "tuberculosis",
)  # fmt: skip
"""Findings that have a column in a set whose own list is open."""

_FACTS = ("patient", "source_part", "view", "age", "sex")


@dataclass(frozen=True, slots=True)
class Said:
    """A row of a set.

    Attributes:
        files: The film by the last parts of its path, with or without ending, the likeliest first.
        where: The row as messages call it.
        findings: Each finding that the row knows of -> its value; in a set with an open list, those that are not negative.
        reader: Who found it, where there are several.
        patient: The set's own id, or empty; so are `source_part`, `view`, `age` and `sex`.
        attributes: Other columns to keep.
        assumed: Which of these the set states of all its films, so that a film's own header goes before them.
        why_not: Reason and sentence why the set's own word leaves the film out, or None.
    """

    files: tuple[str, ...]
    where: str
    findings: Findings
    reader: str = ""
    patient: str = ""
    source_part: str = ""
    view: str = ""
    age: str = ""
    sex: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    assumed: frozenset[str] = frozenset()
    why_not: tuple[str, str] | None = None


@dataclass(frozen=True)
class Understood:
    """How what is said becomes a class: finding -> class, what counts for an uncertain one and for several readers, and whether the set's
    list of findings is open."""

    classes: Mapping[str, str]
    uncertain: Uncertain
    readers: Readers
    is_open: bool

    def told(self, rows: Sequence[Said]) -> tuple[dict[str, Any] | tuple[str, str], tuple[str, str] | None]:
        """What is known of the film of some rows, as `Listing.enter` takes it, and why it has no class, if it has none."""
        if why := next((r.why_not for r in rows if r.why_not), None):
            return why, None
        facts = {name: list(dict.fromkeys(v for r in rows if (v := getattr(r, name)))) for name in _FACTS}
        for name, values in facts.items():
            if len(values) > 1:
                sentence = f"{rows[0].where} and another give its {name} as {values[0]!r} and {values[1]!r}"
                return (ROWS_DISAGREE, sentence), None
        one = {name: values[0] if values else "" for name, values in facts.items()}
        findings, of_readers = self._findings(rows)
        label = class_of(findings, self.classes)
        attributes = {k: v for r in rows for k, v in r.attributes.items() if v}
        if years := years_of(one["age"]):
            attributes["age"] = years
        return {
            "label": label if isinstance(label, str) else "",
            "patient": one["patient"],
            "source_part": one["source_part"],
            "view": view_of(one["view"]),
            "age_group": age_group_of(one["age"]),
            "sex": sex_of(one["sex"]),
            "attributes": attributes | columns_of(self._kept(findings)) | of_readers,
            "assumed": rows[0].assumed,
        }, None if isinstance(label, str) else label

    def _findings(self, rows: Sequence[Said]) -> tuple[Findings, dict[str, str]]:
        """Findings of a film, settled; and a column for each reader where each is asked for."""
        by_reader: dict[str, list[Findings]] = {}
        for row in rows:
            by_reader.setdefault(row.reader, []).append(row.findings)
        said = {name: merged(found) for name, found in by_reader.items()}
        together = next(iter(said.values())) if len(said) == 1 else voted(said, self.readers)
        each = {name: found for name, found in said.items() if name} if self.readers == "each" else {}
        return settled(together, self.uncertain), readers_of(each)

    def _kept(self, findings: Findings) -> Findings:
        if not (self.is_open and findings):
            return findings
        return {f: findings.get(f, NEGATIVE) for f in dict.fromkeys((*COMMON, *self.classes))}

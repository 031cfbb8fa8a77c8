"""A caution: what a reader must know before believing a number, how grave it is, and what to do about it.

Convention: `CAUTIONS` has one entry for each kind; a code never changes its meaning, so that others can refer to it. What the rules about
training find (`hilum.stats.learning`) brings its own title and advice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

Severity = Literal["breaks validity", "limits", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""The gravest first."""


@dataclass(frozen=True)
class Caution:
    """A caution.

    Attributes:
        code: Names its kind.
        title: A few words.
        severity: Whether numbers say something else than they seem to, say less, or are as they seem.
        text: One to three sentences with the counts that it rests on.
        to_do: What to do about it, a sentence.
        of: Whose it is, where a page has cautions of several studies.
    """

    code: str
    title: str
    severity: Severity
    text: str
    to_do: str
    of: str = ""

    @property
    def words(self) -> str:
        """Text and what to do, in a line, without marks of code."""
        return f"{self.text} {self.to_do}".strip().replace("`", "")

    def __str__(self) -> str:
        return f"{self.title}: {self.words}"


CAUTIONS: Final[dict[str, tuple[str, Severity, str]]] = {
    "split-leaks": (
        "The split leaks", "breaks validity",
        "Rebuild the split with `hilum split`.",
    ),
    "class-follows-source": (
        "Class and source go together", "breaks validity",
        "Judge by films that are more alike: a `[[contrast]]` of the study asks them (“Contrasts and subgroups”).",
    ),
    "class-follows-age": (
        "Class and age group go together", "breaks validity",
        "Judge by films of one age group: a `[[contrast]]` of the study asks them (“Contrasts and subgroups”).",
    ),
    "shortcuts": (
        "Shortcuts", "breaks validity",
        "Report these beside a trained model's score.",
    ),
    "labels-disagree": (
        "Labels disagree", "breaks validity",
        "Find out which label is right and mend it, or leave these films out, before anything is trained.",
    ),
    "one-id-on-many": (
        "One id on many films", "breaks validity",
        "As one person's these films stay together, and a split may have an empty part: give real ids, or declare at ingest that there are "
        "none (`--no-patient-ids`).",
    ),
    "random-weights": (
        "Random weights", "limits",
        "Give these backbones pretrained weights (`hilum weights list`), or conclude nothing from their rows.",
    ),
    "films-altered-by-chance": (
        "Films altered by chance", "limits",
        "Leave `parts` out of the step (of a preset: in a pipeline of the study's own), so that it acts on training films only, unless "
        "films come altered in use too.",
    ),
    "few-events": (
        "Few events", "limits",
        "Read the intervals, not the means.",
    ),
    "few-films-of-a-class": (
        "Few films of a class", "limits",
        "Take what is said of these classes as a hint.",
    ),
    "one-trial": (
        "One trial", "limits",
        "Run three trials or more (`grid.trials`).",
    ),
    "few-trials": (
        "Few trials", "limits",
        "Run three trials or more (`grid.trials`).",
    ),
    "patients-unknown": (
        "Patients not known", "limits",
        "Give patient ids at ingest where the source has them; copies are kept together all the same.",
    ),
    "not-by-hilum": (
        "Not written by hilum", "limits",
        "Compare a few rows with where they came from.",
    ),
    "several-things-differ": (
        "More than one thing differs", "limits",
        "Change one thing at a time where the cause matters.",
    ),
    "test-films-differ": (
        "Test films differ", "limits",
        "Run both on one manifest with one seed and one method of splitting.",
    ),
    "copies": (
        "Copies", "note",
        "A split has to keep each group together, as `hilum split` does.",
    ),
    "nearly-blank": (
        "Nearly blank", "note",
        "Look at these films, and leave out those that show no chest.",
    ),
    "synthetic-films": (
        "Synthetic films", "note",
        "Conclude nothing about disease from their figures.",
    ),
    "left-out": (
        "Left out", "note",
        "Give both runs this cell to have it compared.",
    ),
    "reading": (
        "How the table was read", "note",
        "See that this is what the table means.",
    ),
    "from-the-run": (
        "From the run", "note",
        "Judge whether it touches what you conclude.",
    ),
}  # fmt: skip
"""Code -> title, severity, what to do."""


def caution(code: str, text: str) -> Caution:
    """A caution of a known kind."""
    title, severity, to_do = CAUTIONS[code]
    return Caution(code, title, severity, text, to_do)


def by_severity(found: Iterable[Caution]) -> list[Caution]:
    """The gravest first, else as they came."""
    return sorted(found, key=lambda c: SEVERITIES.index(c.severity))

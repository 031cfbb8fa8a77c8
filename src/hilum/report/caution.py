"""A caution: what a reader must know before believing a number, how grave it is, and what to do about it.

Convention: ``cautions.toml`` has one entry for each kind. What the rules about training find (`hilum.stats.learning`) brings its own title
and advice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from hilum.core.text import read_toml

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


KINDS: Final = read_toml(Path(__file__).with_name("cautions.toml"))
"""Code -> title, severity, what to do."""


def caution(code: str, text: str) -> Caution:
    """A caution of a known kind."""
    return Caution(code, text=text, **KINDS[code])


def by_severity(found: Iterable[Caution]) -> list[Caution]:
    """The gravest first, else as they came."""
    return sorted(found, key=lambda c: SEVERITIES.index(c.severity))

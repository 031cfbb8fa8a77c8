"""Names that people type: the same name in capitals is the same name, where there is no doubt which one is meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def spelled(name: str, known: Iterable[str]) -> str | None:
    """A name as the known ones are spelled: itself where it is known, else the only one that differs in case alone; None for neither.

    >>> spelled("COVID", ["covid", "normal"])
    'covid'
    >>> spelled("Covid", ["COVID", "covid"]) is None
    True
    """
    words = list(known)
    if name in words:
        return name
    alike = [w for w in words if folded_name(w) == folded_name(name)]
    return alike[0] if len(alike) == 1 else None


def folded_name(name: str) -> str:
    """What names that are the same have in common: without blanks around, case, and how accents are written."""
    return unicodedata.normalize("NFC", name).strip().casefold()

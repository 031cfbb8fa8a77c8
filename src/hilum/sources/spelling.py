"""One spelling for a class or a patient that sources spell in several ways: ``COVID`` and ``covid`` are one class, and so are ``1`` and
``1.0``, which programs make of a column of numbers with a gap in it. Where spellings of a class differ in case alone, that of a known
public set is taken, else the one that most films have, else the first in the alphabet.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hilum.core.text import counted
from hilum.sources.layouts import LAYOUTS
from hilum.sources.listing import Candidate, Listing


def without_point(text: str) -> str:
    """A whole number without the point that programs write after it; other texts as they are.

    >>> without_point("12.0"), without_point("012"), without_point("1.5")
    ('12', '012', '1.5')
    """
    return re.sub(r"^(\d+)\.0+$", r"\1", text)


def one_spelling(listings: Sequence[Listing]) -> list[str]:
    """Spell each class in one way (in place).

    Returns:
        A sentence for each class that was spelled in several.
    """
    films: dict[str, Counter[str]] = defaultdict(Counter)
    public, of_public_sets = set(), {x.name for x in LAYOUTS if x.public}
    for listing in listings:
        for candidate in listing.candidates:
            films[without_point(candidate.label).casefold()][candidate.label] += 1
            if listing.layout in of_public_sets:
                public.add(candidate.label)
    chosen: dict[str, str] = {}
    notes = []
    for spellings in films.values():
        if len(spellings) == 1:
            continue
        best = min(spellings, key=lambda s: (s not in public, -spellings[s], s))
        chosen |= {s: best for s in spellings if s != best}
        words = ", ".join(f"{s} {n}" for s, n in sorted(spellings.items()))
        notes.append(f"one class in several spellings is called {best!r}: {words} films")
    for listing in listings:
        listing.candidates[:] = [
            replace(c, label=chosen[c.label]) if c.label in chosen else c for c in listing.candidates
        ]
    return notes


def one_id_a_patient(films: Sequence[Candidate]) -> tuple[list[Candidate], list[str]]:
    """Spell each patient id in one way: letters composed, and ``12.0`` as ``12`` where its source has that too, for as two ids they
    would let one patient into two parts.

    Returns:
        The films, and a sentence for each source in which ids were joined.
    """
    composed = [replace(c, patient=unicodedata.normalize("NFC", c.patient)) for c in films]
    ids = {(c.source, c.patient) for c in composed}
    joined = {
        (source, patient): plain
        for source, patient in ids
        if (plain := without_point(patient)) != patient and (source, plain) in ids
    }
    notes = []
    for name in sorted({source for source, _ in joined}):
        of = sorted(patient for source, patient in joined if source == name)
        notes.append(
            f"source {name!r}: {counted(len(of), 'patient id is', 'patient ids are')} written with and without a point, such as "
            f"{of[0]!r} and {without_point(of[0])!r}; {'each' if len(of) > 1 else 'the'} pair is taken for one patient"
        )
    return [replace(c, patient=joined.get((c.source, c.patient), c.patient)) for c in composed], notes

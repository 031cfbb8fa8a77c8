"""One spelling for a class that sources spell in several cases: ``COVID`` of one and ``covid`` of another are one class.

Convention: a class keeps the case that its source gives it. Where spellings differ in case alone, that of a known public set is taken, else
the one that most films have, else the first in the alphabet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hilum.stages.sources import cohen, mooney, radiography
from hilum.stages.sources.listing import Listing

_OF_A_PUBLIC_SET = (cohen.LAYOUT, mooney.LAYOUT, radiography.LAYOUT)


def one_spelling(listings: Sequence[Listing]) -> list[str]:
    """Spell each class in one way (in place).

    Returns:
        A sentence for each class that was spelled in several.
    """
    films: dict[str, Counter[str]] = defaultdict(Counter)
    public = set()
    for listing in listings:
        for candidate in listing.candidates:
            films[candidate.label.casefold()][candidate.label] += 1
            if listing.layout in _OF_A_PUBLIC_SET:
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

"""How often the test films of a run were looked at, in words."""

from __future__ import annotations

from hilum.artifacts.looks import Looks


def looks_words(found: Looks | None) -> str:
    """In words.

    >>> looks_words(Looks(99, 3, 3, 2, 1))
    'the 3rd look at these 99 test films (of 2 studies), 1 of them of this run'
    >>> looks_words(Looks(99, 1, 4, 1, 1))
    'the 1st look at the median of these 99 test films, the 4th at the most looked at (of 1 study), 1 of them of this run'
    """
    if found is None:
        return "not recorded"
    studies = f"of {found.studies} {'study' if found.studies == 1 else 'studies'}"
    if found.median == found.most:
        which = f"the {_ordinal(found.most)} look at these {found.films} test films"
    else:
        which = (
            f"the {_ordinal(found.median)} look at the median of these {found.films} test films, the {_ordinal(found.most)} at the "
            "most looked at"
        )
    return f"{which} ({studies}), {found.own} of them of this run"


def _ordinal(n: int) -> str:
    last = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{last}"

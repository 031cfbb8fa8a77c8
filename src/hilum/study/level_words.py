"""A level of a factor of the grid, in words, the same in every table and figure."""

from __future__ import annotations

NO_SOURCE = "none"


def level_words(factor: str, level: str) -> str:
    """A level for a reader: a source left out is "without" it, a fault's name is words, other names are as the study has them.

    >>> level_words("source_left_out", "my_clinic"), level_words("source_left_out", "none")
    ('without my_clinic', 'all sources')
    >>> level_words("faults", "second_softmax"), level_words("backbone", "squeezenet1_0")
    ('second softmax', 'squeezenet1_0')
    """
    if factor == "source_left_out":
        return "all sources" if level == NO_SOURCE else f"without {level}"
    return level.replace("_", " ") if factor == "faults" else level

"""How a page speaks of the classes: two are set against each other by name, of more one is set against the others together.

Convention: a class is written as the manifest or the study writes it, its case kept, and an underscore too. "The rest" is said only where
there is more than one other class.
"""

from __future__ import annotations

from collections.abc import Sequence


def against(class_: str, classes: Sequence[str]) -> str:
    """A class against what it is told from.

    Args:
        class_: One of `classes`.
        classes: All classes of the study; fewer than two where they are not known.

    >>> against("TB", ["No finding", "TB"])
    'TB against No finding'
    >>> against("a", ["a", "b", "c"])
    'a against the rest'
    """
    return f"{class_} against {others(class_, classes)}"


def others(class_: str, classes: Sequence[str]) -> str:
    """What a class is told from: the other one by name, or the rest.

    >>> others("TB", ["No finding", "TB"]), others("b", ["a", "b", "c"])
    ('No finding', 'the rest')
    """
    left = [c for c in classes if c != class_]
    return left[0] if len(left) == 1 else "the rest"

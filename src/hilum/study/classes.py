"""Which class a table or a manifest is asked about, where its user names it and where they do not.

Convention: a class is named without regard to case and is then spelled as the films spell it. Who names none is asked which, except where
there is the class of the study that hilum began with.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from hilum.core.errors import InputError, nearest
from hilum.core.names import spelled

USUAL_POSITIVE: Final = "covid"
"""The positive class where none is named and there is such a class."""


def positive_class(
    asked: str | None, classes: Collection[str], where: str, option: str = "--positive"
) -> str:
    """The positive class as the classes spell it.

    Args:
        asked: What the user named.
        classes: Those that there are.
        where: Begins the message of an error, which names the `option`.

    Raises:
        InputError: There is no such class, or none was named and which is meant cannot be told.

    >>> positive_class("tb", ["No finding", "TB"], "manifest.csv")
    'TB'
    """
    name = USUAL_POSITIVE if asked is None else asked
    found = spelled(name, classes)
    if found is not None:
        return found
    if asked is None:
        some = " or ".join(f"{option} {c!r}" for c in sorted(classes)[:2])
        raise InputError(
            f"{where}: which class is the positive one? Give {some} (classes: {', '.join(sorted(classes))})"
        )
    raise InputError(f"{where}: no class {asked!r} for {option}; {nearest(asked, sorted(classes))}")

"""Which class a table or a manifest is asked about, where its user names it and where they do not; and labels that are one class.

Convention: a class is named without regard to case and is then spelled as the films spell it. Who names none is asked which, except where
there is the class of the study that hilum began with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from hilum.core.errors import InputError, nearest
from hilum.core.names import folded_name, spelled

USUAL_POSITIVE: Final = "covid"
"""The positive class where none is named and there is such a class."""
EVERY_OTHER: Final = "*"
"""In a list of labels that are merged: every label that is not named otherwise."""
GIVEN_LABEL: Final = "label_in_manifest"
"""The column that a film's own label has where a study merges labels."""


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


def merged_labels(
    merge: Mapping[str, Sequence[str]], labels: Collection[str], classes: Collection[str]
) -> dict[str, str]:
    """Label -> the class that it is merged into; a label that is in none is not there.

    Args:
        merge: Class -> labels of films that it stands for.
        labels: Those that there are.
        classes: Of the study, which `EVERY_OTHER` leaves as they are.

    >>> merged_labels({"other": ["*"]}, ["COVID", "normal", "viral"], ["covid", "other"])
    {'normal': 'other', 'viral': 'other'}
    """
    found: dict[str, str] = {}
    rest = ""
    for into, names in merge.items():
        for name in names:
            label = spelled(name, labels)
            if name == EVERY_OTHER:
                rest = into
            elif label is not None:
                found[label] = into
    if rest:
        own = {folded_name(c) for c in classes}
        found |= {v: rest for v in labels if v and v not in found and folded_name(v) not in own}
    return found


def wrong_merges(merge: Mapping[str, Sequence[str]], classes: Sequence[str]) -> Iterator[str]:
    """What cannot be in ``data.merge``, whatever the films, a sentence each; `classes` are those that the study names, if it does."""
    of: dict[str, str] = {}
    for into, names in merge.items():
        where = f"data.merge.{into}"
        if not names:
            yield f"{where} names no label; name some, or {EVERY_OTHER!r} for every label that is not named otherwise"
        if classes and spelled(into, classes) is None:
            yield f"{where} is for a class that the study does not have; {nearest(into, classes)}"
        for name in names:
            if name == EVERY_OTHER and not classes:
                yield f"{where}: {EVERY_OTHER!r} needs data.classes, to know which labels are classes of their own"
            if folded_name(name) in {folded_name(c) for c in classes} - {folded_name(into)}:
                yield f"{where} names {name!r}, which is a class of its own; leave it out of one of the two"
            if (other := of.setdefault(folded_name(name), into)) != into:
                yield f"data.merge puts {name!r} into both {other!r} and {into!r}; name it once"

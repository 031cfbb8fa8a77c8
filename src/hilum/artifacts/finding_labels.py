"""What is known of a film's findings, as one text: its label in a study of several findings, and ``y_true`` in its predictions.

Convention: the findings that are there, joined by ``|``, then those that are not known with ``?`` before them; the others are not there.
``nothing`` where none is there and all are known. The order is the study's, so that equal knowledge is an equal text. In arrays a finding
is 1, 0, or `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import InputError, require_known

UNKNOWN: Final = -1
NOTHING: Final = "nothing"
_SEPARATOR, _NOT_KNOWN = "|", "?"


def findings_text(values: Mapping[str, int]) -> str:
    """Findings as a text.

    Args:
        values: Finding -> 1, 0 or `UNKNOWN`, in the order of the study.

    >>> findings_text({"mass": 1, "nodule": 0, "hernia": -1}), findings_text({"mass": 0})
    ('mass|?hernia', 'nothing')
    """
    there = [f for f, v in values.items() if v == 1]
    unknown = [_NOT_KNOWN + f for f, v in values.items() if v == UNKNOWN]
    return _SEPARATOR.join([*there, *unknown]) or NOTHING


def findings_of(text: str, findings: Sequence[str], where: str = "") -> tuple[int, ...]:
    """What a text says of each finding: 1, 0 or `UNKNOWN`.

    Args:
        text: Of `findings_text`; an empty one knows nothing.
        findings: In the order that is wanted.
        where: Begins the message of an error.

    Raises:
        InputError: It names a finding that is not among them.

    >>> findings_of("mass|?hernia", ["hernia", "mass", "nodule"])
    (-1, 1, 0)
    """
    if not text:
        return (UNKNOWN,) * len(findings)
    words = [] if text == NOTHING else text.split(_SEPARATOR)
    said = {w.removeprefix(_NOT_KNOWN): UNKNOWN if w.startswith(_NOT_KNOWN) else 1 for w in words}
    for name in said:
        require_known(name, findings, f"{where}: no finding".removeprefix(": "))
    return tuple(said.get(f, 0) for f in findings)


def finding_matrix(texts: Sequence[str], findings: Sequence[str], where: str = "") -> NDArray[np.int64]:
    """What texts say of each finding: int64 (n_texts, n_findings).

    Raises:
        InputError: As `findings_of`.
    """
    return np.array([findings_of(t, findings, where) for t in texts], dtype=np.int64).reshape(
        len(texts), len(findings)
    )


def check_names(findings: Sequence[str]) -> None:
    """Check that findings can be written so.

    Raises:
        InputError: A name with a separator in it, or one that stands for something else.
    """
    for name in findings:
        if _SEPARATOR in name or name.startswith(_NOT_KNOWN) or name == NOTHING:
            raise InputError(
                f"a finding is called {name!r}; its name may have no {_SEPARATOR!r}, begin with no {_NOT_KNOWN!r}, and not be {NOTHING!r}"
            )


def without(finding: str) -> str:
    """The class of the films that do not have a finding, where it is asked for by itself.

    >>> without("mass")
    'without mass'
    """
    return f"without {finding}"

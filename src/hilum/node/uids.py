"""UIDs that follow from what was answered, so that a film sent twice gets the same objects and an archive sees that it has them.

Convention: a UID is ``2.25.`` and the decimal number of a name-based UUID (PS3.5 B.2; RFC 9562, version 5) of the film's SOP Instance UID,
the bundle's version, `RULES` and the kind of object. Another film, another bundle or other rules of writing give another object; the same
of each give the same, whenever and wherever they are made.
"""

from __future__ import annotations

import uuid
from typing import Final

RULES: Final = "1"
"""Version of what the objects say and how. It rises with every change of their content, else an archive keeps the old one under the UID."""

_OURS: Final = uuid.UUID("6c0f5f0e-5d0c-5b1b-9a53-0a6f0f2f6a11")


def derived_uid(*parts: str) -> str:
    """The UID of some parts.

    >>> derived_uid("1.2.3", "ab", "1", "report") == derived_uid("1.2.3", "ab", "1", "report")
    True
    >>> derived_uid("1.2.3", "ab", "1", "report")[:5], len(derived_uid("1.2.3")) <= 64
    ('2.25.', True)
    """
    return f"2.25.{uuid.uuid5(_OURS, chr(0).join(parts)).int}"


def object_uid(film: str, bundle: str, kind: str) -> str:
    """SOP Instance UID of an answer.

    Args:
        film: SOP Instance UID of the film.
        bundle: The bundle's version.
        kind: Of object.
    """
    return derived_uid(film, bundle, RULES, kind)


def series_uid(film: str, bundle: str, kind: str) -> str:
    """Series Instance UID of an answer; its arguments are those of `object_uid`."""
    return derived_uid(film, bundle, RULES, kind, "series")


def device_uid(bundle: str) -> str:
    """UID of the observer: hilum with this bundle."""
    return derived_uid("device", bundle)

"""An object that answers a film, as a file's bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Made:
    """An object, ready to be sent.

    Attributes:
        kind: ``report``, ``heat-map`` or ``segmentation``.
        sop_class, sop_uid: Its UIDs.
        data: The file.
    """

    kind: str
    sop_class: str
    sop_uid: str
    data: bytes

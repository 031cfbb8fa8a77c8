"""A film that came, by whatever way: taken into the queue, or refused with a status and words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hilum.node.queue import Queue
from hilum.node.source import NOT_UNDERSTOOD, Refusal, read_source, refusal

LOG: Final = logging.getLogger("hilum.node")


def take(queue: Queue, path: Path, version: str, sender: str, came: Callable[[], None]) -> Refusal | None:
    """Take a film that lies at a path into the queue, or say why not; for whatever way it came.

    Args:
        queue: Of the node.
        path: The film's file.
        version: Of the bundle that answers it.
        sender: Who sent it.
        came: Called when it was taken.

    Raises:
        FilmError: It is no data set.
        OSError, InputError: It could not be kept.
    """
    source = read_source(path)
    refused = refusal(source)
    if refused is not None:
        return refused
    how = queue.take(path, source.sop_uid, version, sender)
    if how == "other":
        return Refusal(NOT_UNDERSTOOD, "another film was sent under this SOP Instance UID")
    LOG.info("took a film from %.40s%s", sender, "" if how == "new" else ", again")
    came()
    return None


def status_of(refused: Refusal) -> Any:
    """A refusal as the answer to a C-STORE."""
    from pydicom.dataset import Dataset

    status = Dataset()
    status.Status, status.ErrorComment = refused.status, refused.words[:64]
    return status

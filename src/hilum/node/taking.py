"""A film that came, by whatever way: taken into the queue, or refused with a status and words."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hilum.node.config import LimitsTable
from hilum.node.queue import Queue
from hilum.node.source import NO_ROOM, NOT_UNDERSTOOD, Refusal, Source, refusal

LOG: Final = logging.getLogger("hilum.node")


def no_room(queue: Queue, limits: LimitsTable) -> Refusal | None:
    """Why no film can be taken for now; None where one can."""
    if queue.films.waiting() >= limits.waiting:
        return Refusal(NO_ROOM, f"{limits.waiting} films wait; try later")
    if shutil.disk_usage(queue.state.folder).free < limits.free_megabytes << 20:
        return Refusal(NO_ROOM, "the disk is nearly full; try later")
    return None


def take(
    queue: Queue, path: Path, source: Source, version: str, sender: str, came: Callable[[], None]
) -> Refusal | None:
    """Take a film that lies at a path into the queue, or say why not; for whatever way it came.

    Args:
        queue: Of the node.
        path: The film's file.
        source: What was read of it.
        version: Of the bundle that answers it.
        sender: Who sent it.
        came: Called when it was taken.

    Raises:
        FilmError: It is no data set.
        OSError: It cannot be read.
        NotKept: The disk does not keep it.
    """
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

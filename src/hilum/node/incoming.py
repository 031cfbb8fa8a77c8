"""Films while they come by DIMSE: each in a file of its own, which the disk may refuse.

pynetdicom writes what comes into a temporary file, in the thread that reads the connection; were that to fail there, the sender would hear
nothing until it gave up. So it is given a file that lets go of what the disk does not take and says why, and the sender hears a status.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from pynetdicom import _config, dimse_messages


class Incoming:
    """The file of a film that comes. It has of a temporary file what pynetdicom asks of one.

    Args:
        folder: Where it lies.

    Attributes:
        name: Its path.
        failed: Why the disk does not take it; None where it does.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / f"{uuid4().hex}.dcm"
        self.name = str(path)
        self.failed: OSError | None = None
        self._file: BinaryIO | None = None
        with self._letting_go():
            self._file = path.open("xb")

    @property
    def file(self) -> Incoming:
        """What is under it: itself."""
        return self

    def write(self, data: bytes) -> int:
        """Write what the disk takes; gives the number of bytes that came."""
        if self._file is not None:
            with self._letting_go():
                self._file.write(data)
        return len(data)

    def flush(self) -> None:
        """Have it in the file."""
        if self._file is not None:
            with self._letting_go():
                self._file.flush()

    def close(self) -> None:
        """Nothing more comes."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            self.failed = self.failed or e
            self.close()
            self._file = None
            Path(self.name).unlink(missing_ok=True)  # room for others


@contextmanager
def received_in(folder: Path) -> Iterator[None]:
    """Films that come are written into a folder, in files that are `Incoming`; for one listener of the process at a time."""

    def incoming(**_: Any) -> Incoming:
        return Incoming(folder)

    reads: Any = dimse_messages
    before = reads.NamedTemporaryFile, _config.STORE_RECV_CHUNKED_DATASET
    reads.NamedTemporaryFile, _config.STORE_RECV_CHUNKED_DATASET = incoming, True
    try:
        yield
    finally:
        reads.NamedTemporaryFile, _config.STORE_RECV_CHUNKED_DATASET = before

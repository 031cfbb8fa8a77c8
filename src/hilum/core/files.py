"""Files that are either whole or not there: written beside and renamed; and a lock between processes.

Below a mirror (`hilum.core.mirror`) what is written is at the mirror's address before it has its name here. A lock is between the processes
of one machine; `lock` says what stands for it between two.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hilum.core.errors import InputError
from hilum.core.mirror import kept, kept_folder, mirror_of, removed
from hilum.core.parts import part_beside

_CANNOT_WRITE = frozenset(
    getattr(errno, name)
    for name in (
        "EACCES", "EDQUOT", "EFBIG", "EIO", "EISDIR", "EMFILE", "ENAMETOOLONG", "ENOSPC", "ENOTDIR", "EPERM", "EROFS",
    )
)  # fmt: skip


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; rename it to `path` when the block ends well, else remove it.

    Raises:
        InputError: The file cannot be written: no room, no right, a folder in its place.
    """
    part = part_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            with part.open("rb") as f:
                os.fsync(f.fileno())
            kept(part, path)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as e:
        ours = e.filename is None or Path(os.fsdecode(e.filename)) in (part, path, *path.parents)
        if e.errno not in _CANNOT_WRITE or not ours:
            raise
        why = e.strerror or type(e).__name__
        raise InputError(f"{path}: cannot be written: {why}; nothing half-written was left") from e


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` to fill; rename it to `path` when the block ends well, else remove it.

    Where another process made `path` meanwhile, that one stays: whoever uses this writes equal folders for equal names.
    """
    part = part_beside(path)
    try:
        yield part
        kept_folder(part, path)
        try:
            part.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or nothing."""
    with writing(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file or nothing. Line ends are kept as they are."""
    write_parts(path, (text,))


def write_parts(path: Path, parts: Iterable[str]) -> None:
    """The same of a text that comes in parts, one of which is in memory at a time; the file is there after the last one was asked for."""
    with writing(path) as beside, beside.open("wb") as f:
        for part in parts:
            f.write(part.encode())


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` (created if needed) against other processes on this machine.

    It does not hold against another machine, whose mirror of the same address has a lock file of its own. There two do the same work at
    worst: what is named by a digest is created once, and who comes second takes what is there (`hilum.core.mirror`).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(f, fcntl.LOCK_UN)


@contextmanager
def lock_at_once(path: Path, what: str) -> Iterator[None]:
    """Hold an exclusive lock on `path`, or refuse where another process holds it.

    Raises:
        InputError: It does; the message says that `what` is in use. Or `path` is of a workspace at an address, where no lock holds.
    """
    found = mirror_of(path.parent)
    if found is not None:
        raise InputError(
            f"{what} needs one owner, and {found[0].url} is an address, where no lock holds; name a folder"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{what} is in use by another process; stop that, or name another") from None
        yield


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """Give a new folder ``.name-...`` in `parent` for files of a while, and remove those that killed processes left there.

    A process holds a lock in its folder as long as it lives. Below a mirror the files are at the address too, for tasks on other machines,
    and leave with the folder.
    """
    with ExitStack() as held:
        with lock(parent / f".{name}.lock"):
            for left in parent.glob(f".{name}-*"):
                if not _is_held(left / _OWNER):
                    _cleared(left)
                    shutil.rmtree(left, ignore_errors=True)
            folder = Path(
                held.enter_context(
                    TemporaryDirectory(dir=parent, prefix=f".{name}-", ignore_cleanup_errors=True)
                )
            )
            held.callback(_cleared, folder)
            held.enter_context(lock(folder / _OWNER))
        yield folder


_OWNER = "owner.lock"


def _cleared(folder: Path) -> None:
    """Take the files of a scratch folder away from the address of its mirror, if it has one."""
    if mirror_of(folder) is not None:
        for file in folder.iterdir():
            if file.name != _OWNER:
                removed(file)


def _is_held(path: Path) -> bool:
    """Whether some process holds the lock on `path`."""
    try:
        with path.open("a") as f:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        return e.errno in (errno.EWOULDBLOCK, errno.EACCES)
    return False

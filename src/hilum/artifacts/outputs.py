"""What a command is about to write, checked before it does any work.

Convention: an output is no input (by whatever name), no folder where a file is expected nor the other way round, in a place that can be
written and has room, and its name and those of the files beside it are not too long. What is there already is replaced only where hilum
wrote it and it is of the same kind, or where it is empty: somebody else's file is never lost. Nothing is made here and nothing is left.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

from hilum.artifacts.header import header_path, kind_of
from hilum.artifacts.run import RECORD
from hilum.core.address import address_in
from hilum.core.errors import InputError
from hilum.core.parts import part_beside

FILE_BYTES = 2**20
FOLDER_BYTES = 2**24
WORKSPACE_BYTES = 2**28
"""Room that has to be there before a command begins: below it nothing useful can be written."""

_LOOKED_AT_BYTES = 4096


@dataclass(frozen=True)
class Output:
    """A file, or a folder, that a command is about to write.

    Attributes:
        what: What hilum writes there, such as ``"manifest"``: the kind of its header where it has one.
        option: What the user calls it.
        endings: Of the file; the first is suggested.
        names: Files in the folder that are replaced.
        beside: Other files that are written with a file.
        room_bytes: That must be free.
    """

    path: Path
    what: str
    option: str = "--out"
    folder: bool = False
    endings: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()
    room_bytes: int = FILE_BYTES

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is known to be written."""
        return tuple(self.path / n for n in self.names) if self.folder else (self.path, *self.beside)

    def refused(self, why: str) -> InputError:
        """The error of an output, by its option and path."""
        return InputError(f"{self.option} {self.path}{why}")


def file_output(
    path: Path,
    what: str,
    *endings: str,
    option: str = "--out",
    beside: Sequence[Callable[[Path], Path]] = (header_path,),
) -> Output:
    """A file, and those that are written with it: its header, unless it holds it."""
    others = tuple(other(path) for other in beside) if path.name else ()
    return Output(path, what, option, endings=endings, beside=others)


def folder_output(
    path: Path, what: str, *names: str, option: str = "--out", room_bytes: int = FOLDER_BYTES
) -> Output:
    """A folder, and the files in it that are written anew."""
    return Output(path, what, option, folder=True, names=names, room_bytes=room_bytes)


def check_outputs(outputs: Sequence[Output], inputs: Iterable[Path] = ()) -> None:
    """Refuse what a command cannot or must not write, given all that it writes, and the files and folders that it reads.

    Raises:
        InputError: The first thing that is wrong, and what to do.
    """
    with_headers = (p for i in inputs for p in ((i, header_path(i)) if i.name else (i,)))
    read = [p for p in with_headers if os.path.lexists(p)]
    for output in outputs:
        _check_place(output)
        for path, given in product((output.path, *output.files), read):
            if same_place(path, given):
                which = f"would replace {path}, which is an input or belongs to one"
                raise output.refused(
                    f" {'is also an input' if path == output.path else which}; write elsewhere"
                )
        ending = output.path.suffix.lower()
        if output.endings and ending not in output.endings:
            raise output.refused(
                f": expected a name that ends with {' or '.join(output.endings)}, got {ending!r}"
            )
        for path in output.files:
            _check_own(output, path)
        _check_can_be_written(output)
    for one, other in combinations(outputs, 2):
        both = next((p for p in one.files for q in other.files if same_place(p, q)), None)
        if both is not None or (same_place(one.path, other.path) and not (one.folder and other.folder)):
            raise InputError(
                f"{one.option} {one.path} and {other.option} {other.path} are one file; give them different names"
            )


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same place: by links of either kind, by another spelling, or where nothing is there yet."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return os.path.realpath(one) == os.path.realpath(other)


def _check_place(output: Output) -> None:
    path = output.path
    for name in output.files or (path / RECORD,):
        try:
            for p in (name, part_beside(name)) if name.name else ():
                p.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as e:
            raise output.refused(f": cannot be written: {e.strerror}; give another name") from None
    if output.folder:
        if os.path.lexists(path) and not path.is_dir():
            raise output.refused(": expected a folder, got a file; give another name")
    elif path.is_dir():
        suggested = path / f"{output.what}{''.join(output.endings[:1])}"
        raise output.refused(f": expected a file such as {suggested}, got a folder; give a file's name")
    elif os.path.lexists(path) and not path.is_file() and not path.is_symlink():
        raise output.refused(": expected a file, got a device or a pipe; give a file's name")


def _check_own(output: Output, path: Path) -> None:
    """Refuse to replace what hilum did not write."""
    if path.is_dir():
        raise output.refused(f": {path} is a folder, where a file is to be written")
    if path.exists() and path.stat().st_size and not _is_own(path, "" if output.folder else output.what):
        raise output.refused(
            f": {path} is there already and is no {output.what} that hilum wrote; give another name, or move it away"
        )


def _is_own(path: Path, what: str) -> bool:
    """Whether hilum wrote a file, and of that kind; of any kind where none is said."""
    with path.open("rb") as f:
        start = f.read(_LOOKED_AT_BYTES)
    marks = {".html": b'name="generator" content="hilum', ".png": b"hilum", ".svg": b"hilum"}
    mark = marks.get(path.suffix.lower())
    if mark is not None:
        return mark in start
    if (
        what in ("", "manifest")
        and start.startswith(b"path,source,reason,detail")
        and path.name.endswith(".excluded.csv")
    ):
        return True
    kind = kind_of(path)  # of a table, and of statistics, which are a list, it lies beside
    return bool(kind) and (kind == what or kind.endswith(f" {what}") or not what)


def _check_can_be_written(output: Output) -> None:
    wanted = output.path if output.folder else output.path.parent
    above = (p for p in (wanted, *wanted.absolute().parents) if os.path.lexists(p))
    folder = next(above, Path.cwd())
    if not folder.is_dir():
        raise output.refused(f": {folder} is a file, so there is no folder to write into; give another name")
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".hilum-"):
            free = shutil.disk_usage(folder).free
    except OSError as e:
        raise output.refused(
            f": {folder} cannot be written: {e.strerror}; give a folder of your own"
        ) from None
    if free < output.room_bytes:
        raise output.refused(
            f": the disk of {folder} has {free / 2**20:.1f} MiB free, and at least {output.room_bytes / 2**20:.0f} MiB are needed; "
            "make room, or write elsewhere"
        )


def workspace_output(workspace: Path) -> Output:
    """A workspace, with room for what a study makes.

    Raises:
        InputError: It is an address.
    """
    if (address := address_in(workspace)) is not None:
        raise InputError(
            f"--workspace {address}: expected a folder; in Python, open it with hilum.workspace_at({address!r})"
        )
    return folder_output(workspace, "workspace", option="--workspace", room_bytes=WORKSPACE_BYTES)


def duplicates_output(path: Path | None) -> tuple[list[Output], list[Path]]:
    """``--duplicates`` as what is written, where it is not there yet, and as what is read."""
    if path is None:
        return [], []
    if path.is_file():
        return [], [path]
    return [file_output(path, "duplicates", ".json", option="--duplicates", beside=())], []

"""Bytes of a file that a person or another program wrote -> text: byte-order marks, UTF-16, and a sentence for the rest.

Convention: UTF-8 is read with or without its mark, UTF-16 and UTF-32 with theirs, UTF-16 without one where its zero bytes
give it away. An 8-bit encoding (Latin-1, Windows-1252 ...) is refused by name and never guessed: which one it is would decide
what an id says.
"""

from __future__ import annotations

import codecs
import gzip
import io
import stat
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from hilum.core.errors import InputError

_HEAD_BYTES = 4096
_MARKS = (  # longest first: the mark of UTF-32 LE begins with that of UTF-16 LE
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "open it and save the sheet as csv"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "open it and save the sheet as csv"),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"%PDF", "a PDF", "give the text itself"),
)


def encoding_of(head: bytes) -> str | None:
    """The codec of a text by its first bytes, or None when they are no text.

    >>> encoding_of(b"name"), encoding_of(b"\\xef\\xbb\\xbfname"), encoding_of("name".encode("utf-16-le"))
    ('utf-8', 'utf-8-sig', 'utf-16-le')
    """
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    if b"\0" not in head:
        return "utf-8"
    for codec, zeros, letters in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if zeros.count(0) * 2 > len(zeros) and 0 not in letters:
            return codec
    return None


@contextmanager
def opened_text(path: Path, *, lenient: bool = False) -> Iterator[TextIO]:
    """Open a text; line ends stay as they are. One whose name ends in ``.gz`` is unpacked while it is read.

    Args:
        path: The file.
        lenient: Bytes that are no UTF-8 are read as U+FFFD, for a look at what the file may be; never for its values.

    Raises:
        InputError: It is not there, cannot be read, is no text, or is in an encoding that is not read (also while it is read).
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # what a pipe gives is gone when it is read again
            raise InputError(
                f"{path}: expected a file, got a pipe or a device; save what it gives as a file first"
            )
        with _opened_bytes(path) as f:
            head = f.read(_HEAD_BYTES)
        codec = encoding_of(head)
        if codec is None or head.startswith(tuple(m for m, _, _ in _NO_TEXT)):
            raise _no_text(path, head)
        errors = "replace" if lenient else "strict"
        with io.TextIOWrapper(_opened_bytes(path), encoding=codec, errors=errors, newline="") as text:
            yield text
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: expected a file, got a folder") from None
    except (OSError, EOFError, zlib.error) as e:  # the last two of a gzip file that was cut off
        raise InputError(f"{path}: cannot be read: {getattr(e, 'strerror', '') or e}") from None
    except UnicodeDecodeError as e:
        raise _wrong_encoding(path, e.encoding) from None


def _opened_bytes(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def read_text(path: Path) -> str:
    """A whole text, lines ended by a newline.

    Raises:
        InputError: As `opened_text`.
    """
    with opened_text(path) as f:
        return f.read().replace("\r\n", "\n").replace("\r", "\n")


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        InputError: As `opened_text`, or it is no TOML.
    """
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as e:
        raise InputError(f"{path}: expected TOML: {e}") from None


def counted(n: int, one: str, many: str = "") -> str:
    """A number of things.

    >>> counted(1, "film"), counted(2, "film"), counted(2, "copy", "copies")
    ('1 film', '2 films', '2 copies')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def first_of(lines: Sequence[str], most: int = 20) -> str:
    """Some lines below one another, and how many more there are.

    >>> first_of(["a", "b", "c"], 2)
    '  a\\n  b\\n  ... and 1 more'
    """
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join(f"  {line}" for line in [*lines[:most], *more])


def _no_text(path: Path, head: bytes) -> InputError:
    for mark, what, todo in _NO_TEXT:
        if head.startswith(mark):
            return InputError(f"{path}: expected text, got {what}; {todo}")
    return InputError(f"{path}: expected text in UTF-8, got bytes that are no text (zero bytes among them)")


def _wrong_encoding(path: Path, codec: str) -> InputError:
    if not codec.startswith("utf-8") and codec != "utf_8":
        return InputError(
            f"{path}: expected text, got {codec.upper()} that is damaged or cut short; save it as UTF-8"
        )
    with _opened_bytes(path) as f:
        data = f.read()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        byte, line = (
            data[e.start],
            data[: e.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1,
        )
        letter = bytes([byte]).decode("cp1252", "replace")
        return InputError(
            f"{path} line {line}: expected text in UTF-8 (or UTF-16), got an 8-bit encoding, probably Windows-1252 "
            f"(Latin-1), where byte 0x{byte:02X} is {letter!r}. Save it as UTF-8 (Excel: 'CSV UTF-8'), or: "
            f"iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8-{path.name}"
        )
    return InputError(f"{path}: it changed while it was read")

"""Elements of a DICOM header, read one by one so that a wrong one is named and costs nothing else.

Absent and empty are the same; of several values the first counts. A value that cannot be read is a FilmError "corrupt" that names the
element; it quotes the value only where that is a number or a code, because a value may have run into the patient's name.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.imaging.film import corrupt


def named(keyword: str) -> str:
    """The element as a message calls it.

    >>> named("WindowCenter")
    'Window Center (0028,1050)'
    """
    from pydicom.datadict import dictionary_description, tag_for_keyword

    tag = tag_for_keyword(keyword) or 0
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def shown(value: Any) -> str:
    """A value for a message, where it can be no one's name.

    >>> shown("PALETTE COLOR"), shown("2048,5"), shown("Doe^Jane")
    ("'PALETTE COLOR'", "'2048,5'", 'something else')
    """
    word = str(value)
    code = word.isupper() and word.replace("_", "").replace(" ", "").isalnum() and len(word) <= 16
    number = len(word) <= 40 and all(c in "0123456789.,+-eE \\'[]" for c in word)
    return repr(word) if code or number else "something else"


def values(header: Any, keyword: str) -> tuple[Any, ...]:
    """All values of an element, as pydicom gives them; none when it is absent or empty."""
    try:
        value = header.get(keyword)
    except Exception as e:  # pydicom raises whatever it meets
        raise corrupt(f"{named(keyword)}: expected {_kind(keyword)}, got {_raw(header, keyword)}") from e
    if value is None or (isinstance(value, (str, bytes)) and not value):
        return ()
    if isinstance(value, (str, bytes)) or not hasattr(value, "__getitem__"):
        return (value,)
    return tuple(value)


def text(header: Any, keyword: str) -> str:
    """The first value of an element as text, or "" when absent."""
    found = values(header, keyword)
    return str(found[0]).strip(" \0") if found and found[0] is not None else ""


def numbers(header: Any, keyword: str) -> tuple[float | None, ...]:
    """The values of an element; an empty one among several is None."""
    out: list[float | None] = []
    for value in values(header, keyword):
        word = str(value).strip(" \0")
        try:
            if "_" in word:  # which Python would pass over
                raise ValueError(word)
            out.append(float(word) if word else None)
        except ValueError:
            raise corrupt(f"{named(keyword)}: expected a number, got {shown(word)}") from None
    return tuple(out)


def number(header: Any, keyword: str) -> float | None:
    """The first value of an element, or None when it is absent or empty.

    Raises:
        FilmError: "corrupt" when it is no finite number.
    """
    found = numbers(header, keyword)
    value = found[0] if found else None
    if value is not None and not np.isfinite(value):
        raise corrupt(f"{named(keyword)}: expected a finite number, got {value!r}")
    return value


def whole(header: Any, keyword: str, otherwise: int | None = None) -> int:
    """The first value of an element that must be there, a whole number.

    Raises:
        FilmError: "corrupt" when it is absent and there is nothing to take `otherwise`, or is no whole number.
    """
    value = number(header, keyword)
    if value is None:
        if otherwise is None:
            raise corrupt(f"{named(keyword)} is missing, and the standard has no default for it")
        return otherwise
    if value != int(value):
        raise corrupt(f"{named(keyword)}: expected a whole number, got {value!r}")
    return int(value)


def lookup_table(
    item: Any, span: tuple[float, float], *, signed: bool, little_endian: bool
) -> tuple[int, NDArray[np.uint16], int]:
    """The look-up table of an item with LUT Descriptor and LUT Data (PS3.3 C.11.1.1.1, C.11.2.1.1).

    Args:
        item: Of a Modality LUT or VOI LUT Sequence.
        span: Least and greatest value that may come in.
        signed: Whether these can be negative. It decides about the sign of the descriptor's second value, whatever VR the file gives it,
            unless the table would then lie beside `span` and with the other sign would not.
        little_endian: Byte order of the data set, which is that of words of VR OW too (PS3.5 7.3).

    Returns:
        First value mapped, entries, and bits an entry.
    """
    found = values(item, "LUTDescriptor")
    if len(found) == 1 and isinstance(found[0], bytes) and len(found[0]) == 6:
        found = tuple(np.frombuffer(found[0], "<u2" if little_endian else ">u2").tolist())
    try:
        n_entries, unsigned, bits = (int(v) & 0xFFFF for v in found)
    except (ValueError, TypeError):
        raise corrupt(f"{named('LUTDescriptor')}: expected three whole numbers") from None
    n_entries = n_entries or 65536  # 16 bits cannot say 65536
    first = _with_sign(unsigned, n_entries, span, signed=signed)
    entries = _entries(item, n_entries, bits, little_endian)
    if len(entries) < n_entries or not 1 <= bits <= 16:
        declared = f"{n_entries} entries of {bits} bits"
        raise corrupt(f"a look-up table of {declared} holds {len(entries)} entries")
    return first, entries[:n_entries], bits


def _with_sign(unsigned: int, n_entries: int, span: tuple[float, float], *, signed: bool) -> int:
    negative = unsigned - 65536 if unsigned > 32767 else unsigned
    usual, other = (negative, unsigned) if signed else (unsigned, negative)

    def meets(first: int) -> bool:
        return first <= span[1] and first + n_entries > span[0]

    return other if meets(other) and not meets(usual) else usual


def _entries(item: Any, n_entries: int, bits: int, little_endian: bool) -> NDArray[np.uint16]:
    held = values(item, "LUTData")
    if len(held) == 1 and isinstance(held[0], bytes):
        data = held[0][: len(held[0]) // 2 * 2]
        words = np.frombuffer(data, "<u2" if little_endian else ">u2").astype(np.uint16)
    else:
        words = (np.array([int(v) for v in held], np.int64) & 0xFFFF).astype(np.uint16)
    if bits <= 8 and len(words) < n_entries:  # two entries a word, the first in its low byte
        return words.astype("<u2").view(np.uint8).astype(np.uint16)
    return words


def _kind(keyword: str) -> str:
    from pydicom.datadict import dictionary_VR

    return "a number" if dictionary_VR(keyword) in ("DS", "IS", "US", "SS", "US or SS", "FD") else "a text"


def _raw(header: Any, keyword: str) -> str:
    """What an element holds that pydicom cannot read, for a message."""
    try:
        held = header.get_item(keyword).value
        return shown(held.decode("latin-1").strip(" \0") if isinstance(held, bytes) else held)
    except Exception:  # it is for a message only
        return shown("?")

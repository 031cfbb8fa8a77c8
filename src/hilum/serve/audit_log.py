"""The audit log: who asked what of which bundle, and what was answered. ``audit.jsonl``, one JSON object a line, only ever appended.

Each line has its number `seq`, and `mac`: HMAC-SHA256, under the key of ``audit.key``, of the line without it and the `mac` of the line
before. ``audit.head`` has number and mac of the last line. So an edit, a deletion, an exchange of lines and a missing end are found by
`verify`, by whoever has the key. Whoever can write all three files can forge them all: keep the head elsewhere
(``hilum audit-log head``) and verify against it.

What it holds of a film is the SHA-256 of its bytes; of a person the token's id; never a file's name or what a header says.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hilum.core.errors import InputError
from hilum.core.files import write_text
from hilum.core.text import counted

_LOGGER: Final = logging.getLogger("hilum.serve")
LOG, KEY, HEAD = "audit.jsonl", "audit.key", "audit.head"
TORN: Final = "audit.torn"
START: Final = "0" * 64
"""What the first line has for the mac of the one before."""
_FLUSH_S = 1.0


_END: Final = re.compile(r'(\{.*),"mac":"([0-9a-f]{64})"\}')
"""A line: what its mac is of, and the mac."""


def _mac(key: bytes, before: str, text: str) -> str:
    """Of the very characters of a line up to its mac, so that no other spelling of the same values passes."""
    return hmac.new(key, f"{before}\n{text}".encode("utf-8", "surrogateescape"), "sha256").hexdigest()


@dataclass(frozen=True)
class Head:
    """The end of a log: the number of its last line, 0 for none, and that line's mac."""

    seq: int
    mac: str

    @classmethod
    def read(cls, text: str, where: str) -> Head:
        """Of ``SEQ MAC``.

        Raises:
            InputError: It is something else.
        """
        seq, _, mac = text.strip().partition(" ")
        if not seq.isdigit() or len(mac) != len(START):
            raise InputError(f"{where}: expected the number of a line and its mac, got {text[:80]!r}")
        return cls(int(seq), mac)

    def __str__(self) -> str:
        return f"{self.seq} {self.mac}"


class AuditLog:
    """The log of a running service. One process writes it; its lines are on the disk within a second, at once when it is closed.

    A line is with the operating system when `add` returns, so that it outlives the process; a thread of its own waits for the disk, and
    no `add` waits for that.

    Args:
        state: The service's folder; log, key and head are made there where they are not.

    Raises:
        InputError: The log that is there does not go on from its head: it was tampered with.
    """

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.state, self._key = state, _key(state)
        self._lock = threading.Lock()
        torn = _set_aside_torn(state)
        self._head = _resumed(state, self._key)
        self._fd = os.open(state / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._saved = Head(-1, START)
        self._stop = threading.Event()
        if torn:
            self.add("torn-line", bytes=torn)
        self._flush()
        self._thread = threading.Thread(target=self._flush_now_and_then, name="audit-log", daemon=True)
        self._thread.start()

    @property
    def head(self) -> Head:
        """Its end as it is now."""
        return self._head

    def add(self, event: str, **facts: Any) -> None:
        """Append a line: what happened, and facts about it that are no patient's.

        Raises:
            OSError: It cannot be written, as on a full disk; then nothing of it is.
        """
        with self._lock:
            entry = {
                "seq": self._head.seq + 1,
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "event": event,
                **facts,
            }
            text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False).removesuffix("}")
            mac = _mac(self._key, self._head.mac, text)
            line = f'{text},"mac":"{mac}"}}\n'
            self._append(line.encode())
            self._head = Head(entry["seq"], mac)

    def _append(self, line: bytes) -> None:
        """The whole line, or nothing: a disk that fills up takes a part of it."""
        before, left = os.fstat(self._fd).st_size, memoryview(line)
        try:
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError:
            os.ftruncate(self._fd, before)
            raise

    def close(self) -> None:
        """Write what is left, and the head."""
        self._stop.set()
        self._thread.join()
        self._flush()
        os.close(self._fd)

    def _flush_now_and_then(self) -> None:
        while not self._stop.wait(_FLUSH_S):
            try:
                self._flush()
            except (OSError, InputError) as e:  # a full disk may have room again
                _LOGGER.error(json.dumps({"event": "audit log not on the disk", "why": str(e)}))

    def _flush(self) -> None:
        with self._lock:
            head = self._head
        if head == self._saved:
            return
        os.fsync(self._fd)  # the log before its head: a head that is behind is no missing end
        write_text(self.state / HEAD, f"{head}\n")
        self._saved = head


def _key(state: Path) -> bytes:
    path = state / KEY
    if not path.is_file():
        if (state / LOG).is_file():
            raise InputError(
                f"{path}: the key of {LOG} is missing; put it back, or keep the log elsewhere and start without it"
            )
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as f:
            f.write(secrets.token_hex(32) + "\n")
    return bytes.fromhex(path.read_text("utf-8").strip())


def _set_aside_torn(state: Path) -> int:
    """Move a last line that was not finished, as a killed service leaves one, to ``audit.torn``; gives its length in bytes."""
    path = state / LOG
    if not path.is_file():
        return 0
    with path.open("r+b") as f:
        size = f.seek(0, os.SEEK_END)
        back = min(size, 1 << 20)
        f.seek(size - back)
        rest = f.read().rpartition(b"\n")[2]
        if rest:
            with (state / TORN).open("ab") as torn:
                torn.write(rest + b"\n")
            f.truncate(size - len(rest))
    return len(rest)


def _resumed(state: Path, key: bytes) -> Head:
    """The end of the log that is there, which goes on from the head that was noted."""
    noted = state / HEAD
    head = Head.read(noted.read_text("utf-8"), str(noted)) if noted.is_file() else Head(0, START)
    if not (state / LOG).is_file():
        if head.seq:
            raise InputError(
                f"{state / LOG}: the log is missing, but {HEAD} says that it has {counted(head.seq, 'line')}"
            )
        return head
    found = verify(state, key=key)
    if found.wrong:
        raise InputError(
            f"{state / LOG}: {found.wrong}; keep this folder as it is, and start the service with another --state"
        )
    return found.head


@dataclass(frozen=True)
class Verified:
    """What was found of a log: its end as far as it is good, and what is wrong, empty for nothing."""

    head: Head
    wrong: str


def verify(state: Path, against: Head | None = None, key: bytes | None = None) -> Verified:
    """Look at each line of a log.

    Args:
        state: The service's folder.
        against: A head that was kept elsewhere; the log must have that very line.
        key: Of the log, if it is at hand.

    Raises:
        InputError: There is no log, or no key.
    """
    path = state / LOG
    if not path.is_file():
        raise InputError(f"{path}: expected an audit log")
    key = _key(state) if key is None else key
    noted = state / HEAD
    heads = [
        h
        for h in (against, Head.read(noted.read_text("utf-8"), str(noted)) if noted.is_file() else None)
        if h
    ]
    good, seen = Head(0, START), {0: START}
    wanted = {h.seq for h in heads}
    for number, line in enumerate(_lines(path), 1):
        wrong, good = _next(key, good, number, line)
        if wrong:
            return Verified(good, wrong)
        if good.seq in wanted:
            seen[good.seq] = good.mac
    for head in heads:
        if head.seq > good.seq:
            return Verified(
                good, f"the log ends with line {good.seq}, but it had {head.seq}: its end is missing"
            )
        if seen[head.seq] != head.mac:
            return Verified(
                good, f"line {head.seq} is another than the one that was noted: the log was written anew"
            )
    return Verified(good, "")


def _next(key: bytes, before: Head, number: int, line: str) -> tuple[str, Head]:
    parts = _END.fullmatch(line)
    try:
        seq = json.loads(f"{parts[1]}}}")["seq"] if parts else None
    except (ValueError, KeyError, TypeError):
        seq = None
    if parts is None or not isinstance(seq, int):
        return f"line {number} is not one that was written here", before
    if seq != before.seq + 1:
        return (
            f"line {number} is numbered {seq} where {before.seq + 1} is due: lines were taken out or exchanged",
            before,
        )
    if not hmac.compare_digest(parts[2], _mac(key, before.mac, parts[1])):
        return f"line {number} was changed, or does not follow the one before", before
    return "", Head(seq, parts[2])


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as f:
        for line in f:
            yield line.removesuffix("\n")

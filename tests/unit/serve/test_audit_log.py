"""The audit log goes on from its head; whatever is done to it afterwards is found."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.core.errors import InputError
from hilum.serve import audit_log
from hilum.serve.audit_log import HEAD, KEY, LOG, START, TORN, AuditLog, Head, Verified, verify


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    state = tmp_path_factory.mktemp("log")
    audit = AuditLog(state)
    for k in range(12):
        audit.add("predict", request=f"r{k}", films=[{"sha256": "ab" * 32, "p": {"covid": k / 12}}])
    audit.close()
    return state


def copied(state: Path, to: Path) -> Path:
    shutil.copytree(state, to)
    return to


def test_it_is_whole_and_its_lines_are_numbered(log):
    found = verify(log)
    assert (found.wrong, found.head.seq) == ("", 12)
    rows = [json.loads(line) for line in (log / LOG).read_text().splitlines()]
    assert [r["seq"] for r in rows] == list(range(1, 13))
    assert str(found.head) == (log / HEAD).read_text().strip()
    assert (log / KEY).stat().st_mode & 0o077 == 0


TAMPERED = {
    "an edit": (
        lambda lines: [*lines[:4], lines[4].replace('"r4"', '"r5"'), *lines[5:]],
        "line 5 was changed",
    ),
    "a deletion": (lambda lines: [*lines[:4], *lines[5:]], "line 5 is numbered 6 where 5 is due"),
    "two exchanged": (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], "line 5 is numbered 6"),
    "a missing end": (lambda lines: lines[:-1], "ends with line 11, but it had 12: its end is missing"),
    "all gone": (lambda _: [], "ends with line 0, but it had 12"),
    "a line added": (
        lambda lines: [*lines, lines[-1].replace('"seq":12', '"seq":13')],
        "line 13 was changed",
    ),
    "no JSON": (lambda lines: [*lines[:2], "{", *lines[3:]], "line 3 is not one that was written here"),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_tampering_is_found_and_the_service_does_not_go_on(log, tmp_path, kind):
    change, words = TAMPERED[kind]
    state = copied(log, tmp_path / "log")
    lines = (state / LOG).read_text().splitlines()
    (state / LOG).write_text("".join(line + "\n" for line in change(lines)))
    assert words in verify(state).wrong
    with pytest.raises(InputError, match="keep this folder as it is"):
        AuditLog(state)


@given(st.data())
def test_any_change_of_a_character_is_found(log, data):
    text = (log / LOG).read_bytes()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda b: b != text[at]))
    with TemporaryDirectory() as folder:
        state = copied(log, Path(folder) / "log")
        (state / LOG).write_bytes(text[:at] + bytes([other]) + text[at + 1 :])
        assert verify(state).wrong


def test_a_log_written_anew_is_found_by_the_head_that_was_kept(log, tmp_path):
    kept = Head.read((log / HEAD).read_text(), "")
    state = copied(log, tmp_path / "log")
    for name in (LOG, HEAD):
        (state / name).unlink()
    audit = AuditLog(state)
    for k in range(12):
        audit.add("predict", request=f"forged{k}")
    audit.close()
    assert verify(state).wrong == ""
    assert "line 12 is another than the one that was noted" in verify(state, kept).wrong


def test_a_killed_service_goes_on_where_it_was(log, tmp_path):
    state = copied(log, tmp_path / "log")
    with (state / LOG).open("a") as f:
        f.write('{"seq":13,"eve')  # half a line, as a killed process leaves it
    audit = AuditLog(state)
    audit.add("predict", request="next")
    audit.close()
    assert verify(state) == verify(state, Head.read((log / HEAD).read_text(), ""))
    rows = [json.loads(line) for line in (state / LOG).read_text().splitlines()[12:]]
    assert [r["event"] for r in rows] == ["torn-line", "predict"]
    assert (state / TORN).read_text() == '{"seq":13,"eve\n'
    assert verify(state).wrong == ""


def test_lines_beyond_the_head_are_no_tampering(log, tmp_path):
    state = copied(log, tmp_path / "log")
    mac = json.loads((state / LOG).read_text().splitlines()[8])["mac"]
    (state / HEAD).write_text(f"9 {mac}\n")  # a service that was killed before the head was written
    AuditLog(state).close()
    assert verify(state).wrong == ""


def test_a_line_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(audit_log, "_FLUSH_S", 0.01)
    audit, sync = AuditLog(tmp_path), os.fsync
    waits, goes_on = threading.Event(), threading.Event()

    def slow(fd: int) -> None:
        waits.set()
        assert goes_on.wait(60)
        sync(fd)

    monkeypatch.setattr(os, "fsync", slow)
    audit.add("predict", request="r0")
    assert waits.wait(60)
    for k in range(1, 100):
        audit.add("predict", request=f"r{k}")  # a lock held for the disk would end the test here
    assert verify(tmp_path).head == audit.head
    assert (audit.head.seq, (tmp_path / HEAD).read_text()) == (100, f"0 {START}\n")
    goes_on.set()
    audit.close()
    assert (tmp_path / HEAD).read_text() == f"{audit.head}\n"


@pytest.mark.parametrize("taken", [0, 40])
def test_a_full_disk_takes_no_half_line(tmp_path, monkeypatch, taken):
    audit, write = AuditLog(tmp_path), os.write
    audit.add("predict", request="r0")
    parts = [lambda fd, data: write(fd, data[:taken])] if taken else []

    def full(fd: int, data: memoryview) -> int:
        if parts:
            return parts.pop()(fd, data)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            audit.add("predict", request="not answered")
    assert (parts, audit.head.seq) == ([], 1)
    audit.add("predict", request="r1")
    audit.close()
    assert [json.loads(line)["request"] for line in (tmp_path / LOG).read_text().splitlines()] == ["r0", "r1"]
    assert verify(tmp_path) == Verified(audit.head, "")


def test_a_disk_that_failed_is_tried_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(audit_log, "_FLUSH_S", 0.01)
    audit, sync, failures = AuditLog(tmp_path), os.fsync, [OSError(errno.EIO, "Input/output error")] * 2

    def failing(fd: int) -> None:
        if failures:
            raise failures.pop()
        sync(fd)

    with caplog.at_level("ERROR", logger="hilum.serve"):
        monkeypatch.setattr(os, "fsync", failing)
        audit.add("predict", request="r0")
        wanted = f"{audit.head}\n"
        end = time.monotonic() + 60
        while (tmp_path / HEAD).read_text() != wanted and time.monotonic() < end:
            time.sleep(0.01)
    assert (tmp_path / HEAD).read_text() == wanted
    said = [json.loads(r.getMessage()) for r in caplog.records]
    assert said == [{"event": "audit log not on the disk", "why": "[Errno 5] Input/output error"}] * 2
    audit.close()


def test_without_key_or_log_it_says_so(log, tmp_path):
    state = copied(log, tmp_path / "log")
    (state / KEY).unlink()
    with pytest.raises(InputError, match=f"the key of {LOG} is missing"):
        verify(state)
    (state / LOG).unlink()
    with pytest.raises(InputError, match="expected an audit log"):
        verify(state)
    with pytest.raises(InputError, match=r"the log is missing, but audit\.head says that it has 12 lines"):
        AuditLog(state)

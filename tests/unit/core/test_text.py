"""Text files that Notepad and others wrote: read alike, or refused with the encoding named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.core.text import encoding_of, read_text, read_toml


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_toml_reads_alike_whoever_wrote_it(tmp_path: Path, encoding: str, end: str) -> None:
    text = f'name = "x"{end}title = "\u00e4"{end}'
    (tmp_path / "s.toml").write_bytes(text.encode(encoding))
    assert read_toml(tmp_path / "s.toml") == {"name": "x", "title": "\u00e4"}
    assert read_text(tmp_path / "s.toml") == 'name = "x"\ntitle = "\u00e4"\n'


def test_what_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(b'title = "\xe4"\n')
    with pytest.raises(
        InputError, match=r"s.toml line 1: expected text in UTF-8 .*Windows-1252.*0xE4 is 'ä'"
    ):
        read_toml(path)
    path.write_bytes(b"name = \n")
    with pytest.raises(InputError, match=r"s.toml: expected TOML: Invalid value \(at line 1"):
        read_toml(path)


def test_bytes_without_text_have_no_encoding() -> None:
    assert encoding_of(b"\0\x05\x16\x07\0\x02\0\0Mac OS X") is None
    assert encoding_of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(
        InputError, match=r"t.csv: expected a file, got a pipe or a device; save what it gives"
    ):
        read_text(tmp_path / "t.csv")

"""Fetching a public set from a local HTTP server that breaks off, lies and forgets; and hostile archives."""

from __future__ import annotations

import hashlib
import io
import json
import re
import stat
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from hilum.core.errors import DigestError, InputError, MissingExtraError
from hilum.sources.public import unpack as unpack_module
from hilum.sources.public.catalogue import public_set, public_sets
from hilum.sources.public.download import Interrupted, download
from hilum.sources.public.unpack import DamagedArchive, unpack
from hilum.stages.data import fetch


class Server(ThreadingHTTPServer):
    """Serves one file; how well is set by the test."""

    content = b""
    etag: str | None = '"v1"'
    ranges = True
    break_after: int | None = None  # bytes of an answer's body; the connection is then cut
    breaks = 0  # how many answers are cut
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str | None, int]] = []  # Range of each request, status of the answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/set.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        s = self.server
        wanted = self.headers.get("Range")
        start, status = 0, s.status
        if wanted and s.ranges and self.headers.get("If-Range", s.etag) == s.etag:
            match = re.fullmatch(r"bytes=(\d+)-", wanted)
            assert match is not None
            start, status = int(match[1]), 206
        if start >= len(s.content) and status == 206:
            status = 416
        s.asked.append((wanted, status))
        self.send_response(status)
        body = s.content[start:] if status in {200, 206} else b""
        if status == 416:
            self.send_header("Content-Range", f"bytes */{len(s.content)}")
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(s.content) - 1}/{len(s.content)}")
        if s.etag:
            self.send_header("ETag", s.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if s.breaks and s.break_after is not None:
            s.breaks -= 1
            body = body[: s.break_after]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.content = bytes(range(256)) * 4000
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- download


def test_a_file_arrives_whole_and_nothing_else_stays(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "new" / "set.zip"
    assert download(server.url, target, sha256(server.content)) == sha256(server.content)
    assert target.read_bytes() == server.content
    assert [p.name for p in target.parent.iterdir()] == ["set.zip"]


def test_a_broken_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.break_after, server.breaks = 300_000, 2
    assert download(server.url, tmp_path / "set.zip") == sha256(server.content)
    assert server.asked == [(None, 200), ("bytes=300000-", 206), ("bytes=600000-", 206)]


def test_a_later_command_goes_on_from_the_part(server: Server, tmp_path: Path) -> None:
    server.break_after, server.breaks = 400_000, 1
    with pytest.raises(
        Interrupted, match=r"broke off after 0.4 MB of 1.0 MB; the part is kept in .*set.zip.part"
    ):
        download(server.url, tmp_path / "set.zip", tries=1)
    assert (tmp_path / "set.zip.part").stat().st_size == 400_000
    assert not (tmp_path / "set.zip").exists()
    download(server.url, tmp_path / "set.zip", sha256(server.content), tries=1)
    assert server.asked[-1] == ("bytes=400000-", 206)
    assert (tmp_path / "set.zip").read_bytes() == server.content


def test_a_file_that_changed_meanwhile_begins_anew(server: Server, tmp_path: Path) -> None:
    server.break_after, server.breaks = 400_000, 1
    with pytest.raises(Interrupted):
        download(server.url, tmp_path / "set.zip", tries=1)
    server.content, server.etag = b"other" * 100_000, '"v2"'
    assert download(server.url, tmp_path / "set.zip") == sha256(server.content)
    assert server.asked[-1] == ("bytes=400000-", 200)


@pytest.mark.parametrize(("etag", "says"), [('"v1"', "is kept in"), (None, "a new try begins anew")])
def test_a_server_without_ranges_sends_all_again(
    server: Server, tmp_path: Path, etag: str | None, says: str
) -> None:
    server.ranges, server.etag, server.break_after, server.breaks = False, etag, 400_000, 1
    with pytest.raises(Interrupted, match=says):
        download(server.url, tmp_path / "set.zip", tries=1)
    assert download(server.url, tmp_path / "set.zip") == sha256(server.content)
    assert server.asked[-1][1] == 200


def test_a_part_that_is_the_whole_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(server.content)
    (tmp_path / "set.zip.part.version").write_text('"v1"')
    assert download(server.url, tmp_path / "set.zip") == sha256(server.content)
    assert server.asked == [(f"bytes={len(server.content)}-", 416)]


def test_a_part_longer_than_the_file_begins_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(server.content + b"x")
    (tmp_path / "set.zip.part.version").write_text('"v1"')
    assert download(server.url, tmp_path / "set.zip") == sha256(server.content)
    assert [status for _, status in server.asked] == [416, 200]


def test_a_wrong_digest_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DigestError, match=rf"sha256 {'0' * 64}, got {sha256(server.content)} \(1.0 MB\)"):
        download(server.url, tmp_path / "set.zip", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_and_a_dead_server_are_named(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(InputError, match=r"the server answered 404 Not Found"):
        download(server.url, tmp_path / "set.zip")
    with pytest.raises(InputError, match=r"cannot be reached: .*refused"):
        download("http://127.0.0.1:9/set.zip", tmp_path / "set.zip")
    with pytest.raises(InputError, match="cannot be reached: unknown url type"):
        download("set.zip", tmp_path / "set.zip")


# --- unpack


def zip_of(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members.items():
            z.writestr(name, data)
    return out.getvalue()


def test_one_folder_around_everything_is_taken_off(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(**{"set-main/metadata.csv": b"m", "set-main/images/a.png": b"a"}))
    assert unpack(tmp_path / "a.zip", tmp_path / "set") == 2
    assert {p.relative_to(tmp_path / "set").as_posix() for p in (tmp_path / "set").rglob("*.*")} == {
        "metadata.csv",
        "images/a.png",
    }


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil.txt", "set/../../evil.txt", "C:evil.txt", "set\\..\\..\\evil.txt"]
)
def test_a_member_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("ok.txt", b"x")
        info = zipfile.ZipInfo("x")
        info.filename = name
        z.writestr(info, b"evil")
    (tmp_path / "a.zip").write_bytes(out.getvalue())
    with pytest.raises(InputError, match="would land outside the folder; nothing was unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "in" / "set")
    assert [p.name for p in tmp_path.rglob("*")] == ["a.zip"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as z:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        z.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="'link' is a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "set")


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(**{"zeros.bin": bytes(1 << 22)}))
    monkeypatch.setattr(unpack_module, "_RATIO_FROM_BYTES", 1 << 20)
    with pytest.raises(InputError, match=r"would unpack to 0.0 GiB; it was not unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "set")
    monkeypatch.setattr(unpack_module, "_RATIO_FROM_BYTES", 1 << 30)
    monkeypatch.setattr(unpack_module, "MAX_MEMBERS", 0)
    with pytest.raises(InputError, match="has 1 files; at most 0"):
        unpack(tmp_path / "a.zip", tmp_path / "set")


def test_a_damaged_archive_leaves_nothing(tmp_path: Path) -> None:
    whole = zip_of(**{"a.bin": bytes(range(256)) * 100, "b.bin": b"y" * 50})
    broken = bytearray(whole)
    broken[60] ^= 0xFF
    for data in (b"not a zip", whole[:-40], bytes(broken)):
        (tmp_path / "a.zip").write_bytes(data)
        with pytest.raises(DamagedArchive):
            unpack(tmp_path / "a.zip", tmp_path / "set")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]
    (tmp_path / "a.zip").write_bytes(zip_of())
    with pytest.raises(InputError, match="is empty"):
        unpack(tmp_path / "a.zip", tmp_path / "set")


# --- fetch


def test_fetch_makes_the_folder_and_the_record(server: Server, tmp_path: Path) -> None:
    server.content = zip_of(**{"x-master/metadata.csv": b"m", "x-master/images/a.png": b"a"})
    done = fetch("cohen", tmp_path, url=server.url)
    assert (tmp_path / "cohen" / "images" / "a.png").read_bytes() == b"a"
    record = json.loads((tmp_path / "cohen.json").read_text())
    assert record == done.record
    assert record["archive_sha256"] == sha256(server.content)
    assert record["digest_was_checked"] is False
    assert "CC BY-NC-SA" in record["licence"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cohen", "cohen.json"]
    again = fetch("cohen", tmp_path, url=server.url)
    assert again.already
    assert len(server.asked) == 1


def test_fetch_checks_a_digest_and_keeps_the_zip_on_demand(server: Server, tmp_path: Path) -> None:
    server.content = zip_of(**{"a/b.png": b"a"})
    with pytest.raises(DigestError):
        fetch("cohen", tmp_path, url=server.url, sha256="1" * 64)
    done = fetch("cohen", tmp_path, url=server.url, sha256=sha256(server.content), keep_archive=True)
    assert done.record["digest_was_checked"] is True
    assert (tmp_path / "cohen.zip").read_bytes() == server.content


def test_fetch_unpacks_a_zip_that_was_brought_by_hand(tmp_path: Path) -> None:
    (tmp_path / "cohen.zip").write_bytes(zip_of(**{"a/b.png": b"a"}))
    fetch("cohen", tmp_path, url="http://127.0.0.1:9/never-asked.zip")
    assert (tmp_path / "cohen" / "b.png").is_file()


def test_fetch_removes_what_is_no_zip(server: Server, tmp_path: Path) -> None:
    server.content = b"<html>please sign in</html>"
    with pytest.raises(InputError, match=r"not a zip archive .*it was removed, try again"):
        fetch("cohen", tmp_path, url=server.url)
    assert list(tmp_path.iterdir()) == []


def test_fetch_offline_says_how_to_get_it_by_hand(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        fetch("cohen", tmp_path, url="http://127.0.0.1:9/set.zip")
    message = str(error.value)
    assert error.value.exit_code == 2
    assert "cannot be reached" in message
    assert "https://github.com/ieee8023/covid-chestxray-dataset" in message
    assert str(tmp_path / "cohen") in message


def test_fetch_does_not_touch_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "mooney").mkdir()
    with pytest.raises(InputError, match="is there already"):
        fetch("mooney", tmp_path)


def test_fetch_of_an_unknown_set() -> None:
    with pytest.raises(InputError, match="unknown public set 'moony'; did you mean 'mooney'"):
        fetch("moony", Path())


def test_kaggle_without_kagglehub_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hilum\[data\]'"):
        fetch("radiography", tmp_path)


def test_kaggle_that_refuses_says_how_to_get_it_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> str:
        raise ConnectionError("no way to api.kaggle.com\nand more")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=refuse))
    with pytest.raises(InputError) as error:
        fetch("radiography", tmp_path)
    message = str(error.value)
    assert "no way to api.kaggle.com\n" in message
    assert "and more" not in message
    assert "tawsifurrahman/covid19-radiography-database (sign in, then Download)" in message


def test_kaggle_puts_its_files_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache" / "versions" / "2"
    (cache / "chest_xray").mkdir(parents=True)
    (cache / "chest_xray" / "a.jpeg").write_bytes(b"a")
    asked: list[str] = []

    def give(handle: str) -> str:
        asked.append(handle)
        return str(cache)

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=give))
    done = fetch("mooney", tmp_path / "films")
    assert asked == ["paultimothymooney/chest-xray-pneumonia"]
    assert (done.folder / "chest_xray" / "a.jpeg").read_bytes() == b"a"
    assert done.record["fetched_from"] == "kaggle:paultimothymooney/chest-xray-pneumonia"
    assert sorted(p.name for p in (tmp_path / "films").iterdir()) == ["mooney", "mooney.json"]


def test_every_set_has_what_a_person_must_know() -> None:
    for s in public_sets().values():
        assert s.licence
        assert s.size
        assert s.citation
        assert s.page.startswith("https://")
        assert bool(s.archive) != bool(s.kaggle)
        assert public_set(s.name) is s

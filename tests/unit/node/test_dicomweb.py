"""DICOMweb against a server that misbehaves: nothing goes where it should not, and nothing that comes is taken on trust."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from certificates import server_context
from dicom_films import bytes_of
from hilum.core.errors import FilmError, InputError
from hilum.node.config import ArchiveTable, LimitsTable, PollTable, TlsTable
from hilum.node.deliveries import Delivery
from hilum.node.dicomweb import Poller, Web, WebArchive, first_part
from hilum.node.polling import Polling
from hilum.node.queue import Queue
from hilum.node.sender import Unreachable
from hilum.node.tls import of_listener, of_web
from needs import needed_module
from node_films import STUDY, files_of_at_most, film

needed_module("pynetdicom", "pip install -e '.[node]'")


class Server:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.status, self.headers, self.body = 200, {"Content-Type": "application/dicom+json"}, b"[]"
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                server.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
                self.send_response(server.status)
                for name, value in {**server.headers, "Content-Length": str(len(server.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(server.body)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.scheme = "https" if tls else "http"
        if tls is not None:
            self.http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that does not trust it
            self.http.socket = tls.wrap_socket(
                self.http.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.http.server_port}/dicom-web"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def delivery(tmp_path: Path) -> Delivery:
    (tmp_path / "object.dcm").write_bytes(b"an object")
    return Delivery(1, "1.2.840.10008.5.1.4.1.1.88.34", "2.25.1", tmp_path / "object.dcm", 0, 0.0)


def sent(server: Server, tmp_path: Path, **more: Any) -> list[str]:
    """What `done` was told."""
    told: list[str] = []
    archive = WebArchive(ArchiveTable(name="a", url=server.url, **more), 5.0)
    archive.send([delivery(tmp_path)], lambda _, why: told.append(why))
    return told


def failing(reason: int) -> bytes:
    return json.dumps(
        {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [reason]}}]}}
    ).encode()


STOW = {
    "taken": (200, b'{"00081199": {"vr": "SQ"}}', ""),
    "there already": (409, failing(0x0111), ""),
    "refused": (409, failing(0xA900), "STOW-RS was answered with 409"),
    "taken in part, but not this": (202, failing(0xC000), "STOW-RS was answered with 202"),
    "taken, with words that are no JSON": (200, b"<NativeDicomModel/>", ""),
    "taken, with words that are not the standard's": (200, b'{"00081198": {"vr": "SQ", "Value": null}}', ""),
    "more than it takes": (413, b"", "STOW-RS was answered with 413"),
    "an object that it stumbles over": (500, b"", "STOW-RS was answered with 500"),
}


@pytest.mark.parametrize(("status", "body", "why"), STOW.values(), ids=STOW)
def test_stow_is_read_as_the_standard_has_it(
    server: Server, tmp_path: Path, status: int, body: bytes, why: str
) -> None:
    server.status, server.body = status, body
    assert sent(server, tmp_path) == [why]
    ((method, path, headers, posted),) = server.asked
    assert (method, path) == ("POST", "/dicom-web/studies")
    assert headers["Content-Type"].startswith('multipart/related; type="application/dicom"; boundary=')
    assert first_part(posted, headers["Content-Type"]) == b"an object"


def test_a_redirection_is_not_followed_so_a_password_goes_nowhere_else(
    server: Server, tmp_path: Path
) -> None:
    other = Server()
    server.status, server.headers = 302, {"Location": f"{other.url}/studies"}
    (tmp_path / "password").write_text("secret\n")
    with pytest.raises(Unreachable, match="the archive answered 302"):
        sent(server, tmp_path, user="hilum", password_file=tmp_path / "password")
    assert server.asked[0][2]["Authorization"] == "Basic aGlsdW06c2VjcmV0"
    assert other.asked == []
    other.http.shutdown()
    other.http.server_close()


def test_no_proxy_of_the_environment_sees_a_film(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert sent(server, tmp_path) == [""]


@pytest.mark.parametrize(
    ("name", "authority", "why"),
    [
        ("peer", "ca", ""),
        ("peer", "", "SSLCertVerificationError"),  # the system knows nothing of our authority
        ("peer", "stranger", "SSLCertVerificationError"),
        ("stranger", "ca", "SSLCertVerificationError"),
        ("elsewhere", "ca", "SSLCertVerificationError"),
    ],
)
def test_https_reaches_only_an_archive_that_our_authority_vouches_for_and_a_password_no_other(
    certificates: Path, tmp_path: Path, name: str, authority: str, why: str
) -> None:
    server = Server(server_context(certificates, name))
    (tmp_path / "password").write_text("secret\n")
    of = {"authorities": certificates / f"{authority}.pem"} if authority else {}
    try:
        if not why:
            assert sent(server, tmp_path, user="hilum", password_file=tmp_path / "password", **of) == [""]
            assert server.asked[0][2]["Authorization"] == "Basic aGlsdW06c2VjcmV0"
            return
        with pytest.raises(Unreachable, match=f"the archive cannot be reached: {why}"):
            sent(server, tmp_path, user="hilum", password_file=tmp_path / "password", **of)
        assert server.asked == []
    finally:
        server.http.shutdown()
        server.http.server_close()


@pytest.mark.parametrize("status", [401, 404, 503])
def test_an_error_is_tried_again_later(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(Unreachable, match=f"the archive answered {status}"):
        sent(server, tmp_path)


def test_an_object_that_cannot_be_read_does_not_hold_up_the_others(server: Server, tmp_path: Path) -> None:
    gone = replace(delivery(tmp_path), path=tmp_path / "gone.dcm")
    told: list[str] = []
    archive = WebArchive(ArchiveTable(name="a", url=server.url), 5.0)
    archive.send([gone, delivery(tmp_path)], lambda _, why: told.append(why))
    assert told == ["the answer's file cannot be sent (FileNotFoundError)", ""]


def poller(server: Server, max_bytes: int = 1 << 20) -> Poller:
    return Poller(PollTable(name="p", url=server.url, modalities=["CR"]), 5.0, max_bytes)


def test_qidos_question_and_its_answer(server: Server) -> None:
    def row(study: str, sop_class: str) -> dict[str, Any]:
        uids = {"0020000D": study, "0020000E": "1.2", "00080018": "1.3", "00080016": sop_class}
        return {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}

    rows = [
        row("1.1", "1.2.840.10008.5.1.4.1.1.1"),
        row("1.4", "1.2.840.10008.5.1.4.1.1.88.34"),
        {"0020000D": {}},
        "no row",
    ]
    server.body = json.dumps(rows).encode()
    assert list(poller(server).films(date(2026, 1, 2))) == [("1.1", "1.2", "1.3")]
    assert (
        server.asked[0][1]
        == "/dicom-web/instances?StudyDate=20260101-20260102&Modality=CR&limit=100&offset=0&includefield=00080016"
    )


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe"])
def test_qido_that_is_not_answered_with_json_is_tried_again_later(server: Server, body: bytes) -> None:
    server.body = body
    with pytest.raises(Unreachable, match="QIDO-RS was not answered with JSON"):
        list(poller(server).films(date(2026, 1, 2)))


@pytest.mark.parametrize(("status", "body"), [(200, b'{"a": 1}'), (204, b"")])
def test_qido_without_films_gives_none(server: Server, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    assert list(poller(server).films(date(2026, 1, 2))) == []


def test_wado_gives_the_film_and_stops_at_the_limit(server: Server, tmp_path: Path) -> None:
    data = bytes_of(film())
    server.headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary="b-1"'}
    server.body = b"--b-1\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n--b-1--"
    poller(server).fetch(("1", "2", "3/../4"), tmp_path / "film.dcm")
    assert (tmp_path / "film.dcm").read_bytes() == data
    assert (
        server.asked[0][1] == "/dicom-web/studies/1/series/2/instances/3%2F..%2F4"
    )  # whatever a UID holds, it is one part of the path
    with pytest.raises(FilmError, match="the archive sends more than 0 MiB"):
        poller(server, 1000).fetch(("1", "2", "3"), tmp_path / "large.dcm")
    assert not (tmp_path / "large.dcm").exists()
    server.body = b"no part"
    with pytest.raises(FilmError, match="WADO-RS was not answered with a film"):
        poller(server).fetch(("1", "2", "3"), tmp_path / "none.dcm")


class ArchiveOfThree(Poller):
    """Has three films, and gives the second one when it is asked again."""

    def __init__(self, server: Server) -> None:
        super().__init__(PollTable(name="p", url=server.url, every_s=7), 5.0, 1 << 20)
        self.server, self.asked = server, []

    def films(self, today: date) -> Iterator[tuple[str, str, str]]:  # noqa: ARG002
        yield from (("1", "2", f"{STUDY}.1.{k}") for k in (1, 2, 3))

    def fetch(self, asked: tuple[str, str, str], to: Path) -> None:
        number = int(asked[2].rpartition(".")[2])
        self.asked.append(number)
        self.server.status = 500 if self.asked == [1, 2] else 200
        self.server.headers = {"Content-Type": "application/dicom"}
        self.server.body = bytes_of(film(number))
        super().fetch(asked, to)


def test_a_film_that_is_not_given_does_not_hold_up_the_others_and_is_asked_for_again(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive, queue = ArchiveOfThree(server), Queue(tmp_path / "state", ["a"])
    polling = Polling(
        archive, queue, LimitsTable(free_megabytes=0), "bundle", lambda: None, threading.Event()
    )
    assert polling.once() == 7
    assert (archive.asked, queue.films.waiting()) == ([1, 2, 3], 2)
    assert caplog.messages == ["poll p: a film was not given: the archive answered 500"]
    polling.once()
    polling.once()
    assert (archive.asked, queue.films.waiting()) == ([1, 2, 3, 2], 3)


def test_no_film_is_fetched_for_a_disk_that_is_nearly_full_or_takes_none(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive, queue = ArchiveOfThree(server), Queue(tmp_path / "state", ["a"])
    limits = LimitsTable(free_megabytes=1 << 40)
    polling = Polling(archive, queue, limits, "bundle", lambda: None, threading.Event())
    polling.once()
    assert (archive.asked, caplog.messages) == ([], ["poll p: the disk is nearly full; try later"])
    polling.limits = LimitsTable(free_megabytes=0)
    with files_of_at_most(10_000), pytest.raises(InputError, match="cannot be written: File too large"):
        polling.once()  # and the archive is not said to have stopped
    assert queue.counts() == {}
    assert list(queue.state.incoming.iterdir()) == []


def test_nobody_there_is_said() -> None:
    with pytest.raises(Unreachable, match="the archive cannot be reached: ConnectionRefusedError"):
        Web(PollTable(name="p", url="http://127.0.0.1:1/d"), 2.0).ask("instances", {})


def test_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(InputError, match=r"ca\.pem: expected certificates in PEM form"):
        of_web(tmp_path / "ca.pem")
    with pytest.raises(InputError, match=r"tls\.authorities: .*expected certificates in PEM form"):
        of_listener(TlsTable(certificate=tmp_path / "a", key=tmp_path / "b", authorities=tmp_path / "ca.pem"))

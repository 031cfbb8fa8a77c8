"""The node's ear and peers of every sort: each has the right status, nothing that was acknowledged is lost, and the node hears on.

The peers are dcmtk's programs where these can be asked, and else a peer made of pynetdicom or of bare sockets.
"""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicom_films import bytes_of
from hilum.node.config import Config
from hilum.node.queue import Queue
from hilum.node.source import CR, DX_FOR_PROCESSING, SECONDARY_CAPTURE
from needs import needed_module
from node_films import STUDY, files_of_at_most, film, phantom, write_film
from orthanc import dcmtk, free_port, wait_for

needed_module("pynetdicom", "pip install -e '.[node]'")
from pynetdicom import AE, _config  # noqa: E402

from hilum.node.listener import Listener  # noqa: E402

EXPLICIT = "1.2.840.10008.1.2.1"


def listening(folder: Path, **limits: Any) -> Listener:
    config = Config.model_validate(
        {
            "node": {"bundle": "b", "port": free_port()},
            "peer": [{"ae_title": t, "host": "127.0.0.1"} for t in ("STORESCU", "ECHOSCU", "PEER")],
            "archive": [
                {"name": "a", "ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 1, "commitment": True}
            ],
            "limits": {"free_megabytes": 0, "associations": 60, **limits},
        }
    )
    listener = Listener(config, Queue(folder / "state", ["a"]), "bundle", lambda: None)
    listener.start()
    return listener


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    made = listening(tmp_path)
    yield made
    made.stop()
    made.queue.close()


def associated(
    listener: Listener,
    title: str = "PEER",
    called: str = "HILUM",
    classes=(CR, SECONDARY_CAPTURE, DX_FOR_PROCESSING),
) -> Any:
    ae = AE(title)
    for sop_class in classes:
        ae.add_requested_context(sop_class, EXPLICIT)
    return ae.associate("127.0.0.1", listener.port, ae_title=called)


def stored(listener: Listener, sent: Any, title: str = "PEER") -> tuple[int, str]:
    """Status and Error Comment."""
    association = associated(listener, title)
    assert association.is_established
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = association.send_c_store(sent)
    if association.is_established:
        association.release()
    return int(status.get("Status", -1)), str(status.get("ErrorComment", ""))


def up(listener: Listener) -> bool:
    """Whether a good peer is heard."""
    done = subprocess.run(
        [dcmtk("echoscu"), "-aec", "HILUM", "127.0.0.1", str(listener.port)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def storescu(listener: Listener, *words: str) -> subprocess.CompletedProcess[str]:
    program = dcmtk("storescu")
    return subprocess.run(
        [program, "-v", "-aec", "HILUM", "127.0.0.1", str(listener.port), *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_dcmtk_stores_a_film_and_it_lies_on_the_disk_before_success(
    listener: Listener, tmp_path: Path
) -> None:
    done = storescu(listener, str(write_film(tmp_path / "film.dcm")))
    assert "Received Store Response (Success)" in done.stdout + done.stderr
    begun = listener.queue.films.next_film()
    assert begun is not None
    import pydicom

    assert pydicom.dcmread(begun.path).PixelData == film().PixelData
    assert list(listener.queue.state.incoming.iterdir()) == []


@pytest.mark.parametrize(("title", "called"), [("NOBODY", "HILUM"), ("PEER", "SOMEBODY")])
def test_an_unknown_title_is_rejected(listener: Listener, title: str, called: str) -> None:
    association = associated(listener, title, called)
    assert association.is_rejected
    assert up(listener)


def test_a_known_title_from_another_host_is_rejected_and_a_strange_host_is_closed_at_once(
    listener: Listener,
) -> None:
    listener.peers._known = {"PEER": frozenset({"192.0.2.1"}), "ECHOSCU": frozenset({"127.0.0.1"})}
    assert associated(listener).is_rejected
    assert up(listener)
    listener._server.hosts = frozenset({"192.0.2.1"})
    with socket.create_connection(("127.0.0.1", listener.port), timeout=5) as s:
        assert s.recv(1) == b""


def test_an_archive_that_may_only_answer_about_commitment_may_not_send_films(listener: Listener) -> None:
    assert stored(listener, film(), "ARCHIVE") == (0x0124, "this AE title may not send films")


WRONG = {
    "for processing": ({"SOPClassUID": DX_FOR_PROCESSING, "Modality": "DX"}, 0x0122, "DX for processing; send the film for presentation"),
    "a picture that is no film": ({"SOPClassUID": SECONDARY_CAPTURE, "Modality": "OT"}, 0xA900, "Modality is OT; expected CR or DX"),
    "no study": ({"StudyInstanceUID": ""}, 0xA900, "Study Instance UID is missing or no UID"),
}  # fmt: skip


@pytest.mark.parametrize(("tags", "status", "words"), WRONG.values(), ids=WRONG)
def test_what_is_no_film_is_refused_with_words(
    listener: Listener, tags: dict[str, Any], status: int, words: str
) -> None:
    assert stored(listener, film(**tags)) == (status, words)
    assert listener.queue.counts() == {}
    assert up(listener)


def test_a_sop_class_of_something_else_is_not_negotiated(listener: Listener) -> None:
    association = associated(listener, classes=("1.2.840.10008.5.1.4.1.1.2",))
    assert association.accepted_contexts == []
    association.abort()
    assert up(listener)


def test_the_same_film_again_is_success_and_another_under_its_uid_is_not(listener: Listener) -> None:
    assert stored(listener, film()) == (0, "")
    assert stored(listener, film()) == (0, "")
    assert stored(listener, film(pixels=phantom(9))) == (
        0xC000,
        "another film was sent under this SOP Instance UID",
    )
    assert listener.queue.counts() == {"film waiting": 1}


def cut_short(path: Path) -> None:
    """A film whose pixels end early, while its header promises all."""
    path.write_bytes(path.read_bytes()[:-20_000])


@pytest.mark.parametrize("sort", ["no chest film", "multi-frame", "truncated"])
def test_a_film_that_cannot_be_answered_is_taken_and_gets_a_report_later(
    listener: Listener, tmp_path: Path, sort: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256), np.uint8)
    sent = film(1, noise)
    if sort == "multi-frame":
        sent.NumberOfFrames, sent.PixelData = 2, sent.PixelData * 2
    path = tmp_path / "film.dcm"
    path.write_bytes(bytes_of(sent))
    if sort == "truncated":
        cut_short(path)
    done = storescu(listener, str(path)) if sort != "truncated" else None
    if done is None:
        _config.STORE_SEND_CHUNKED_DATASET = True  # the bytes as they are: dcmtk would not send them
        association = associated(listener)
        assert int(association.send_c_store(path).Status) == 0
        association.release()
    else:
        assert "Success" in done.stdout + done.stderr
    assert listener.queue.counts() == {"film waiting": 1}


def test_a_header_that_is_cut_short_is_refused_and_the_node_is_up(listener: Listener, tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.dcm")
    path.write_bytes(path.read_bytes()[:420])
    _config.STORE_SEND_CHUNKED_DATASET = True
    association = associated(listener)
    status = int(association.send_c_store(path).Status)
    association.release()
    assert status in (0xA900, 0xC000, 0x0122)
    assert listener.queue.counts() == {}
    assert up(listener)


def test_no_room_is_said_so_that_the_sender_tries_later(tmp_path: Path) -> None:
    listener = listening(tmp_path, waiting=1)
    assert stored(listener, film(1)) == (0, "")
    assert stored(listener, film(2)) == (0xA700, "1 films wait; try later")
    listener.stop()
    full = listening(tmp_path / "full", free_megabytes=1 << 40)
    assert stored(full, film(1)) == (0xA700, "the disk is nearly full; try later")
    full.stop()


def test_a_disk_that_is_full_while_a_film_comes_is_said_and_nothing_is_left(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    sent = film(pixels=np.zeros((1024, 1024), np.uint8))
    with files_of_at_most(300_000), caplog.at_level("ERROR", "hilum.node"):
        assert stored(listener, sent) == (0xA700, "the film could not be kept on the disk; try later")
    assert (
        "a film could not be kept: the disk of the node's state does not keep it: File too large"
        in caplog.messages
    )
    assert list(listener.queue.state.incoming.iterdir()) == []
    assert listener.queue.counts() == {}
    assert stored(listener, sent) == (0, "")


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), sqlite3.OperationalError("disk I/O error")]
)
def test_a_disk_that_fails_when_a_film_is_kept_is_no_fault_of_the_film(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("hilum.node.queue.shutil.copyfile", fails)
        assert stored(listener, film()) == (0xA700, "the film could not be kept on the disk; try later")
    assert list(listener.queue.state.films.iterdir()) == []
    assert stored(listener, film()) == (0, "")


def test_a_film_that_is_too_large_is_cut_off_and_leaves_nothing(tmp_path: Path) -> None:
    listener = listening(tmp_path, megabytes=1)
    pixels = np.zeros((2048, 2048), np.uint8)
    status, _ = stored(listener, film(pixels=pixels))
    assert status == -1  # no answer: aborted
    wait_for(lambda: not list(listener.queue.state.incoming.iterdir()), 5, "half a film was left")
    assert listener.queue.counts() == {}
    assert up(listener)
    assert stored(listener, film(1)) == (0, "")
    listener.stop()


def test_a_slow_peer_is_cut_off_though_it_sends_a_byte_now_and_then(tmp_path: Path) -> None:
    listener = listening(tmp_path, seconds=1.0)
    association = associated(listener)
    sock = association.dul.socket.socket
    start = time.monotonic()
    sock.sendall(b"\x04\x00\x00\x00\xff\x00")  # a PDU of 65 280 bytes that never comes whole
    with suppress(OSError):  # once it is cut off
        while time.monotonic() - start < 15:
            sock.sendall(b"\0")
            time.sleep(0.2)
    assert time.monotonic() - start < 10
    assert up(listener)
    wait_for(lambda: not listener._server.active_associations, 10, "its place was not given back")
    association.kill()
    listener.stop()


def test_an_interrupted_film_is_not_taken_and_the_whole_one_is_afterwards(listener: Listener) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as probe:
        probe.sendall(b"GET / HTTP/1.0\r\n\r\n")  # not DICOM at all
    association = associated(listener)
    half = threading.Thread(
        target=lambda: _quiet(association.send_c_store, film(pixels=np.zeros((4096, 4096), np.uint8))),
        daemon=True,
    )
    half.start()
    time.sleep(0.05)
    sock = association.dul.socket.socket
    sock.shutdown(socket.SHUT_RDWR)
    half.join(10)
    association.kill()
    sock.close()  # pynetdicom leaves it
    assert up(listener)
    assert stored(listener, film(1)) == (0, "")
    assert listener.queue.counts() == {"film waiting": 1}


def _quiet(call: Any, *values: Any) -> None:
    try:
        call(*values)
    except Exception:  # the connection was cut under it
        return


@pytest.mark.slow
def test_fifty_associations_at_once_lose_nothing(listener: Listener) -> None:
    films = [film(k, phantom(1)) for k in range(1, 51)]
    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(lambda f: stored(listener, f), films))
    assert statuses == [(0, "")] * 50
    assert listener.queue.films.waiting() == 50
    assert {k for k in range(1, 51) if listener.queue.films.knows(f"{STUDY}.1.{k}", "bundle")} == set(
        range(1, 51)
    )


def test_more_associations_than_allowed_are_told_to_come_back(tmp_path: Path) -> None:
    listener = listening(tmp_path, associations=2)
    held = [associated(listener) for _ in range(3)]
    assert [a.is_established for a in held] == [True, True, False]
    assert held[2].is_rejected
    held[0].release()

    def again() -> bool:
        held.append(associated(listener))
        return bool(held[-1].is_established)

    wait_for(again, 5, "the place was not given back")
    for a in held[1:]:
        a.abort()
    listener.stop()


def test_the_log_has_nothing_of_a_patient(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "hilum.node"):
        stored(listener, film())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored(listener, film(Modality="Doe^Jane"))
            stored(listener, film(2, StudyInstanceUID="Doe^Jane"))
    assert [r.getMessage() for r in caplog.records if r.name == "hilum.node"] == [
        "took a film from PEER",
        "refused a film of 'PEER' with A900: Modality is none; expected CR or DX",
        "refused a film of 'PEER' with A900: Study Instance UID is missing or no UID",
    ]
    ours = " ".join(r.getMessage() for r in caplog.records if r.name == "hilum.node")
    for word in ("Invented", "INVENTED", "ACC-77", "Doe", "1950", STUDY):
        assert word not in ours

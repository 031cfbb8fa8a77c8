"""Answers to archives of every sort: what was taken, what was not and why, and what is still due."""

import gc
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hilum.node.config import ArchiveTable, TlsTable
from hilum.node.deliveries import Delivery
from needs import needed_module
from node_films import film, write_film
from orthanc import dcmtk, free_port, listens, wait_for

needed_module("pynetdicom", "pip install -e '.[node]'")
from pynetdicom import AE, evt  # noqa: E402

from hilum.node.sender import DimseArchive, NotOffered, Unreachable  # noqa: E402
from hilum.node.source import CR  # noqa: E402
from hilum.node.tls import of_sender  # noqa: E402


@contextmanager
def archive(store: Callable[[Any], int], classes: tuple[str, ...] = (CR,)) -> Iterator[DimseArchive]:
    ae = AE("ARCHIVE")
    for sop_class in classes:
        ae.add_supported_context(sop_class)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    table = ArchiveTable(name="a", ae_title="ARCHIVE", host="127.0.0.1", port=server.server_address[1])
    try:
        yield DimseArchive(table, "HILUM", 5.0, None)
    finally:
        server.shutdown()


@pytest.fixture
def deliveries(tmp_path: Path) -> list[Delivery]:
    return [
        Delivery(k, CR, str(film(k).SOPInstanceUID), write_film(tmp_path / f"{k}.dcm", k), 0, 0.0)
        for k in (1, 2, 3)
    ]


def told(to: DimseArchive, deliveries: list[Delivery]) -> dict[int, str]:
    found: dict[int, str] = {}
    to.send(deliveries, lambda d, why: found.update({d.object: why}))
    return found


def test_the_bytes_that_lie_on_the_disk_are_the_bytes_that_go_out(deliveries: list[Delivery]) -> None:
    came: list[bytes] = []

    def store(event: Any) -> int:
        came.append(event.encoded_dataset(include_meta=False))
        return 0x0000

    with archive(store) as to:
        assert told(to, deliveries) == {1: "", 2: "", 3: ""}
    assert all(d.path.read_bytes().endswith(data) for d, data in zip(deliveries, came, strict=True))


def test_each_object_has_its_own_answer(deliveries: list[Delivery]) -> None:
    statuses = iter((0xA700, 0xB000, 0x0000))
    with archive(lambda _: next(statuses)) as to:
        assert told(to, deliveries) == {1: "C-STORE was answered with A700", 2: "", 3: ""}


def test_an_object_that_the_association_does_not_survive_does_not_hold_up_the_others(
    deliveries: list[Delivery],
) -> None:
    def store(event: Any) -> int:
        if str(event.request.AffectedSOPInstanceUID) == deliveries[1].sop_uid:
            event.assoc.abort()
        return 0x0000

    with archive(store) as to:
        assert told(to, deliveries) == {1: "", 2: "the association ended before an answer came"}
        assert told(to, deliveries[2:]) == {3: ""}


def test_an_object_that_cannot_be_read_does_not_hold_up_the_others(deliveries: list[Delivery]) -> None:
    deliveries[0].path.write_bytes(b"what a failing disk left of it")
    with archive(lambda _: 0x0000) as to:
        (why,) = told(to, deliveries).values()
        assert why.startswith("the answer's file cannot be sent (")
        assert told(to, deliveries[1:]) == {2: "", 3: ""}


def test_a_sop_class_that_is_not_taken_is_said(deliveries: list[Delivery]) -> None:
    other = replace(deliveries[0], object=4, sop_class="1.2.840.10008.5.1.4.1.1.66.4")
    with archive(lambda _: 0x0000) as to:
        assert told(to, [other, deliveries[1]]) == {4: "the archive does not take this SOP class", 2: ""}
        with pytest.raises(NotOffered, match="the archive offers none of what is asked of it"):
            told(to, [other])


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # pynetdicom drops the socket that found nobody
def test_an_archive_without_commitment_is_told_apart_from_one_that_is_away(
    deliveries: list[Delivery],
) -> None:
    with (
        archive(lambda _: 0x0000) as to,
        pytest.raises(NotOffered, match="the archive offers none of what is asked of it"),
    ):
        to.ask(deliveries, to.transaction())
    with pytest.raises(Unreachable, match="the archive cannot be reached"):
        to.ask(deliveries, to.transaction())


@contextmanager
def dcmtk_archive(certificates: Path, name: str, into: Path) -> Iterator[ArchiveTable]:
    """dcmtk's storescp with a certificate, which asks for one that our authority vouches for."""
    port, into = free_port(), into / name
    into.mkdir()
    own = [str(certificates / f"{name}.key"), str(certificates / f"{name}.pem")]
    words = ["+tls", *own, "+cf", str(certificates / "ca.pem"), "-od", str(into), str(port)]
    with subprocess.Popen(
        [dcmtk("storescp"), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as program:
        try:
            wait_for(lambda: listens(port), 10, "storescp does not start")
            yield ArchiveTable(name=name, ae_title="ARCHIVE", host="127.0.0.1", port=port, tls=True)
        finally:
            program.kill()


def of_node(certificates: Path, name: str = "node") -> TlsTable:
    return TlsTable(
        certificate=certificates / f"{name}.pem",
        key=certificates / f"{name}.key",
        authorities=certificates / "ca.pem",
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as above
def test_answers_go_through_tls_to_an_archive_that_our_authority_vouches_for_and_to_no_other(
    deliveries: list[Delivery], certificates: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "pynetdicom")  # a record of an error would hold its socket
    context = of_sender(of_node(certificates))
    with dcmtk_archive(certificates, "peer", tmp_path) as table:
        assert told(DimseArchive(table, "HILUM", 5.0, context), deliveries) == {1: "", 2: "", 3: ""}
        came = sorted((tmp_path / "peer").iterdir())
        assert [p.name for p in came] == [f"CR.{d.sop_uid}" for d in deliveries]
        with pytest.raises(Unreachable):  # the archive asks for a certificate of our authority too
            told(DimseArchive(table, "HILUM", 5.0, of_sender(of_node(certificates, "stranger"))), deliveries)
        assert sorted((tmp_path / "peer").iterdir()) == came
    for name in ("stranger", "elsewhere"):
        with dcmtk_archive(certificates, name, tmp_path) as table:
            with pytest.raises(Unreachable, match="the archive cannot be reached"):
                told(DimseArchive(table, "HILUM", 5.0, context), deliveries)
            assert list((tmp_path / name).iterdir()) == []
    gc.collect()  # the sockets that pynetdicom dropped, here and not in a later test

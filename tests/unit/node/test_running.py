"""A node without its network: what it does with films that end it, fail, or wait for archives that do not answer."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hilum.core import extras
from hilum.core.errors import MissingExtraError
from hilum.node import coded
from hilum.node.config import Config
from hilum.node.deliveries import Delivery
from hostile import GREEDY, HANGS, KILLS
from needs import needed_module
from node_films import write_film
from orthanc import free_port

pydicom = needed_module("pydicom")
needed_module("pynetdicom", "pip install -e '.[node]'")
needed_module("highdicom", "pip install -e '.[node]'")

from hilum.node.answering import Answering  # noqa: E402
from hilum.node.opening import Opening  # noqa: E402
from hilum.node.running import NOT_FROM, Node  # noqa: E402
from hilum.node.sender import DimseArchive, NotOffered, Unreachable  # noqa: E402
from hilum.node.state import NotKept  # noqa: E402


@pytest.fixture
def node(without_maps: Answering, opening: Opening, tmp_path: Path) -> Iterator[Node]:
    config = Config.model_validate(
        {
            "node": {
                "bundle": "b",
                "port": free_port(),
                "state": str(tmp_path / "state"),
                "heat_map": "none",
            },
            "peer": [{"ae_title": "PEER", "host": "127.0.0.1"}],
            "archive": [{"name": "a", "ae_title": "A", "host": "127.0.0.1", "port": 1, "commitment": True}],
            "retry": {"first_s": 10, "longest_s": 100},
        }
    )
    made = Node(config, without_maps, opening)
    made.queue.take(write_film(tmp_path / "film.dcm"), "1.2", without_maps.version, "PEER")
    yield made
    made.watch.close()
    made.queue.close()


def begun(node: Node, times: int) -> None:
    """As if the process had ended so often while it had the film."""
    for _ in range(times):
        assert node.queue.films.next_film() is not None


def why(node: Node) -> list[str]:
    """Codes of why the film that was answered last has no answer, in its one report."""
    delivery = node.queue.deliveries.due("a")[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = pydicom.dcmread(delivery.path)
    measurements = [i for i in made.ContentSequence if i.ValueType == "CONTAINER"][-1]
    found = measurements.ContentSequence[0].ContentSequence
    return [
        i.ConceptCodeSequence[0].CodeValue
        for i in found
        if i.ValueType == "CODE" and i.ConceptNameCodeSequence[0].CodeValue == "not.answered"
    ]


def test_a_film_is_answered(node: Node) -> None:
    assert node._work() == 0.0
    assert why(node) == []
    assert node.queue.films.waiting() == 0
    node.watch.flush()
    assert sum(node.watch.status().films.values()) == 1  # the node is watched as the service is


LOST = "cannot be opened"
HARM = [
    pytest.param(KILLS, LOST, "the film cannot be opened: it ended the process that read it", id="ends"),
    pytest.param(GREEDY, "too large", "", id="fills"),
    pytest.param(HANGS, LOST, "the film cannot be opened: it took more than 5 seconds", id="hangs", marks=pytest.mark.slow),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "code", "words"), HARM)
def test_a_film_that_ends_hangs_or_fills_the_process_that_opens_it_has_a_report(
    node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: bytes, code: str, words: str
) -> None:
    """The first time that it is opened, and the film after it is answered."""
    node._work()
    for number, more in ((2, {"StationName": harm.decode()}), (3, {})):
        path = write_film(tmp_path / "film.dcm", number, **more)
        node.queue.take(path, f"1.2.{number}", node.answering.version, "PEER")
        caplog.clear()
        node._work()
        assert why(node) == ([coded.own(code, code).value] if more else [])
        assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == (
            [f"film 2: {words}"] if more and words else []
        )
    assert node.queue.counts() == {"film answered": 3, "delivery due": 3}


def test_a_film_that_ended_the_node_ten_times_is_not_opened_any_more(node: Node, monkeypatch) -> None:
    begun(node, NOT_FROM)
    monkeypatch.setattr(node, "opening", None)
    node._work()
    assert why(node) == ["failed"]


def test_what_fails_is_tried_later_and_the_log_names_no_patient(
    node: Node, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("Invented^Patient")

    monkeypatch.setattr(node.answering, "objects", fails)
    with caplog.at_level(logging.INFO, "hilum.node"):
        node._work()
    assert caplog.messages == ["film 1 could not be answered (RuntimeError); tried again later"]
    assert node.queue.films.waiting() == 1
    assert node.queue.films.next_film() is None  # not yet


def test_a_disk_that_keeps_no_answer_counts_against_no_film_and_the_film_is_answered_when_it_does(
    node: Node, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise NotKept("the disk of the node's state does not keep it: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(node.queue, "answered", full)
        assert [node._work() for _ in range(NOT_FROM + 2)] == [10, 20, 40, *[60] * (NOT_FROM - 1)]
    assert caplog.messages[0] == (
        "film 1 waits 10 s: the disk of the node's state does not keep it: No space left on device; failures of the disk so far: 1"
    )
    assert node.disk_failures == NOT_FROM + 2
    assert node._work() == 0.0
    assert why(node) == []  # and not "failed"
    node.watch.flush()
    assert sum(node.watch.status().films.values()) == 1  # however often it was read


def test_a_film_that_the_disk_let_be_begun_is_put_back_before_another_is_begun(
    node: Node, monkeypatch
) -> None:
    def full(*_: Any) -> None:
        raise NotKept("full")

    with monkeypatch.context() as patch:
        patch.setattr(node.queue, "answered", full)
        patch.setattr(node.queue.films, "put_back", full)
        assert node._work() == 10
        for _ in range(NOT_FROM):
            with pytest.raises(NotKept, match="full"):
                node._work()
    begun = node.queue.films.next_film()
    assert begun is not None
    assert begun.tries == 1


def test_a_film_that_cannot_be_read_waits_alone_and_says_so(
    node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (first,) = node.queue.state.films.iterdir()
    first.unlink()
    node.queue.take(write_film(tmp_path / "film.dcm", 2), "1.3", node.answering.version, "PEER")
    assert node._work() == 0.0
    assert caplog.messages == [
        "film 1 waits 10 s: its file cannot be read (FileNotFoundError); failures of the disk so far: 1"
    ]
    assert node._work() == 0.0
    assert node.queue.counts() == {"film answered": 1, "film waiting": 1, "delivery due": 1}


class Archive(DimseArchive):
    """One that takes or refuses, and is asked for commitment."""

    def __init__(self, node: Node, refuses: str = "", commitment: Exception | None = None) -> None:
        super().__init__(node.config.archive[0], "HILUM", 1.0, None)
        self.refuses, self.commitment = refuses, commitment
        self.sent: list[str] = []

    def send(self, deliveries: Sequence[Delivery], done: Callable[[Delivery, str], None]) -> None:
        for delivery in deliveries:
            self.sent.append(delivery.sop_uid)
            done(delivery, self.refuses)

    def ask(self, deliveries: Sequence[Delivery], transaction: str) -> None:  # noqa: ARG002
        if self.commitment is not None:
            raise self.commitment


def test_an_answer_that_is_refused_waits_and_after_days_is_given_up_and_kept(
    node: Node, monkeypatch, caplog
) -> None:
    archive = node.delivering["a"].archive = Archive(node, "C-STORE was answered with A700")
    node._work()
    with caplog.at_level(logging.INFO, "hilum.node"):
        node.delivering["a"].once()
    assert caplog.messages == [
        "a: C-STORE was answered with A700; 1 answers wait 10 s"
    ]  # and not that it was sent
    assert node.queue.counts()["delivery due"] == 1
    assert node.queue.deliveries.due("a") == []
    now = node.queue.state._db.execute("SELECT max(since) FROM deliveries").fetchone()[0]
    for clock in ("hilum.node.deliveries.time", "hilum.node.delivering.time"):
        monkeypatch.setattr(clock, SimpleNamespace(time=lambda: now + 15 * 86_400))
    node.delivering["a"].once()
    assert node.queue.counts()["delivery given-up"] == 1
    assert "a: gave up 1 answers after 14 days; they are kept" in caplog.messages
    assert len(archive.sent) == 2


@pytest.mark.parametrize(
    ("commitment", "state"),
    [(None, "asked"), (NotOffered("the archive offers none"), "sent"), (Unreachable("away"), "sent")],
)
def test_commitment_is_asked_for_once_and_what_is_not_offered_keeps_nothing_from_ending(
    node: Node, commitment, state: str
) -> None:
    node.delivering["a"].archive = Archive(node, commitment=commitment)
    node._work()
    node.delivering["a"].once()
    assert node.queue.counts()["delivery sent"] == 1
    node.delivering["a"].once()
    assert node.queue.counts()[f"delivery {state}"] == 1
    assert node.queue.deliveries.to_ask_for("a") == []


def test_without_the_extra_the_command_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "highdicom" else object())
    with pytest.raises(
        MissingExtraError,
        match=r"this needs the package 'highdicom'; install it with: pip install 'hilum\[node\]'",
    ):
        extras.require_extra("node", "pydicom", "highdicom")

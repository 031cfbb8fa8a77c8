"""The queue: what was taken is there after any end of the process, is answered once and delivered once, and leaves when it is old."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from hilum.core.errors import InputError
from hilum.node.made import Made
from hilum.node.queue import Queue
from hilum.node.state import NotKept
from node_films import files_of_at_most, phantom, write_film


def made(uid: str, data: bytes = b"object") -> Made:
    return Made("report", "1.2.840.10008.5.1.4.1.1.88.34", uid, data)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.dcm")


def test_a_film_goes_through_its_states(tmp_path: Path, film: Path) -> None:
    queue = Queue(tmp_path / "state", ["a", "b"])
    assert queue.take(film, "1.2", "bundle", "PACS") == "new"
    film.unlink()
    begun = queue.films.next_film()
    assert begun is not None
    assert (begun.path.stat().st_size, begun.tries) == (pytest.approx(66_500, abs=2000), 0)
    queue.answered(begun, [made("2.25.1"), made("2.25.2")])
    assert queue.counts() == {"film answered": 1, "delivery due": 4}
    assert [d.sop_uid for d in queue.deliveries.due("a")] == ["2.25.1", "2.25.2"]
    queue.deliveries.sent("a", queue.deliveries.due("a")[0])
    queue.deliveries.failed("a", queue.deliveries.due("a"), "away", 60)
    assert queue.deliveries.due("a") == []
    assert len(queue.deliveries.due("b")) == 2
    assert queue.counts() == {"film answered": 1, "delivery due": 3, "delivery sent": 1}
    assert queue.films.next_film() is None


def test_the_same_film_again_is_taken_and_its_answers_are_sent_again_and_another_under_its_uid_is_not(
    tmp_path: Path, film: Path
) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    queue.take(film, "1.2", "bundle", "PACS")
    assert queue.take(film, "1.2", "bundle", "PACS") == "again"
    assert queue.films.waiting() == 1
    queue.answered(queue.films.next_film(), [made("2.25.1")])  # type: ignore[arg-type]
    queue.deliveries.sent("a", queue.deliveries.due("a")[0])
    with_other_header = write_film(tmp_path / "header.dcm", StationName="ELSEWHERE")
    assert queue.take(with_other_header, "1.2", "bundle", "PACS") == "again"
    assert [d.sop_uid for d in queue.deliveries.due("a")] == ["2.25.1"]
    other = write_film(tmp_path / "other.dcm", pixels=phantom(2))
    assert queue.take(other, "1.2", "bundle", "PACS") == "other"
    assert queue.take(film, "1.2", "the next bundle", "PACS") == "new"


def test_a_film_that_ended_the_process_is_begun_again_and_counted(tmp_path: Path, film: Path) -> None:
    for tries in range(3):
        queue = Queue(tmp_path / "state", ["a"])
        queue.take(film, "1.2", "bundle", "PACS")
        begun = queue.films.next_film()
        assert begun is not None
        assert begun.tries == tries
        queue.close()


def test_files_that_no_row_names_are_removed_at_the_start(tmp_path: Path, film: Path) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    queue.take(film, "1.2", "bundle", "PACS")
    queue.close()
    for name in ("films/half.part", "objects/never-committed.dcm", "incoming/begun.dcm"):
        (tmp_path / "state" / name).write_bytes(b"x")
    Queue(tmp_path / "state", ["a"])
    left = [p.relative_to(tmp_path / "state").parts[0] for p in (tmp_path / "state").rglob("*.dcm")]
    assert left == ["films"]
    assert not (tmp_path / "state" / "films" / "half.part").exists()


def test_two_nodes_cannot_have_one_state(tmp_path: Path) -> None:
    first = Queue(tmp_path / "state", ["a"])
    with pytest.raises(
        InputError, match="state of a node is in use by another process; stop that, or name another"
    ):
        Queue(tmp_path / "state", ["a"])
    first.close()
    Queue(tmp_path / "state", ["a"]).close()


def test_what_waits_for_an_old_bundle_is_for_the_new_one(tmp_path: Path, film: Path) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    queue.take(film, "1.2", "old", "PACS")
    queue.films.adopt("new")
    assert queue.films.knows("1.2", "new")
    assert not queue.films.knows("1.2", "old")


def test_commitment_is_only_of_the_transaction_that_asked(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    queue.take(film, "1.2", "bundle", "PACS")
    queue.answered(queue.films.next_film(), [made("2.25.1"), made("2.25.2")])  # type: ignore[arg-type]
    for delivery in queue.deliveries.due("a"):
        queue.deliveries.sent("a", delivery)
    queue.deliveries.asked("a", queue.deliveries.to_ask_for("a"), "2.25.99", 60)
    assert queue.deliveries.to_ask_for("a") == []
    assert queue.deliveries.committed("2.25.98", ["2.25.1", "2.25.2"], [], 0) == (0, 0)
    assert queue.deliveries.committed("2.25.99", ["2.25.1"], ["2.25.2"], 60) == (1, 1)
    assert queue.counts() == {"film answered": 1, "delivery committed": 1, "delivery due": 1}
    assert queue.deliveries.due("a") == []  # not yet
    later = time.time() + 60
    monkeypatch.setattr("hilum.node.deliveries.time", SimpleNamespace(time=lambda: later))
    assert [(d.sop_uid, d.tries) for d in queue.deliveries.due("a")] == [("2.25.2", 1)]


def test_only_what_was_delivered_is_forgotten(tmp_path: Path, film: Path) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    queue.take(film, "1.2", "bundle", "PACS", now=1000.0)
    queue.answered(queue.films.next_film(), [made("2.25.1")])  # type: ignore[arg-type]
    assert queue.forget(time.time()) == 0
    queue.deliveries.sent("a", queue.deliveries.due("a")[0])
    assert queue.forget(999.0) == 0
    assert queue.forget(1001.0) == 1
    assert list((tmp_path / "state").rglob("*.dcm")) == []
    assert queue.counts() == {}


def test_what_was_given_up_is_tried_again_when_the_node_starts(tmp_path: Path, film: Path) -> None:
    queue = Queue(tmp_path / "state", ["a", "gone"])
    queue.take(film, "1.2", "bundle", "PACS")
    queue.answered(queue.films.next_film(), [made("2.25.1")])  # type: ignore[arg-type]
    queue.deliveries.given_up("a", queue.deliveries.due("a"))
    assert queue.counts()["delivery given-up"] == 1
    queue.close()
    again = Queue(tmp_path / "state", ["a"])
    assert len(again.deliveries.due("a")) == 1
    assert again.deliveries.stranded() == 1


KILLED = """
import sys
from pathlib import Path
from hilum.node.queue import Queue
queue = Queue(Path(sys.argv[1]), ["a"])
for k in range(10_000):
    if queue.take(Path(sys.argv[2]), f"1.2.{k}", "bundle", "PACS") == "new":
        print(k, flush=True)  # acknowledged
"""


def test_whatever_was_acknowledged_survives_kill_9(tmp_path: Path, film: Path) -> None:
    state = tmp_path / "state"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(state), str(film)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(30)]
        os.kill(child.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout.read().split()]
    queue = Queue(state, ["a"])
    assert all(queue.films.knows(f"1.2.{k}", "bundle") for k in acknowledged)
    assert queue.films.waiting() - len(acknowledged) in (0, 1)
    while (begun := queue.films.next_film()) is not None:
        assert begun.path.read_bytes() == film.read_bytes()
        queue.answered(begun, [])


def no_more_pages(queue: Queue) -> None:
    """The disk under the database is full."""
    with queue.state.reading() as db:
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")


def room_again(queue: Queue) -> None:
    with queue.state.reading() as db:
        db.execute("PRAGMA max_page_count = 1000000")


def files(queue: Queue, of: str = "films") -> list[Path]:
    return sorted((queue.state.folder / of).iterdir())


def test_a_full_database_keeps_nothing_of_a_film_and_takes_it_when_there_is_room(
    tmp_path: Path, film: Path
) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    no_more_pages(queue)
    taken: list[str] = []

    def take_until_it_is_full() -> None:
        while True:
            taken.append(queue.take(film, f"1.2.{len(taken)}", "bundle", "PACS"))

    with pytest.raises(
        NotKept, match="the disk of the node's state does not keep it: database or disk is full"
    ):
        take_until_it_is_full()
    assert (set(taken), queue.films.waiting(), len(files(queue))) == ({"new"}, len(taken), len(taken))
    room_again(queue)
    assert queue.take(film, f"1.2.{len(taken)}", "bundle", "PACS") == "new"
    assert queue.films.waiting() == len(files(queue)) == len(taken) + 1


def test_a_transaction_that_cannot_end_is_undone_and_the_next_one_is_done(tmp_path: Path, film: Path) -> None:
    queue = Queue(tmp_path / "state", ["a"])

    def cannot_end() -> None:
        with queue.state.writing() as db:
            db.execute("PRAGMA defer_foreign_keys = ON")  # so that it is the end of it that fails
            db.execute("INSERT INTO deliveries (object, archive, state, since) VALUES (7, 'a', 'due', 0)")

    with pytest.raises(NotKept, match="FOREIGN KEY"):
        cannot_end()
    assert queue.counts() == {}
    assert queue.take(film, "1.2", "bundle", "PACS") == "new"


def test_a_disk_that_does_not_write_keeps_nothing_of_a_film_and_of_its_answers(
    tmp_path: Path, film: Path
) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    with files_of_at_most(10_000), pytest.raises(NotKept, match="File too large"):
        queue.take(film, "1.2", "bundle", "PACS")
    assert (queue.counts(), files(queue)) == ({}, [])
    assert queue.take(film, "1.2", "bundle", "PACS") == "new"
    begun = queue.films.next_film()
    assert begun is not None
    with files_of_at_most(100_000), pytest.raises(NotKept, match="File too large"):
        queue.answered(begun, [made("2.25.1"), made("2.25.2", bytes(200_000))])
    assert queue.counts() == {"film waiting": 1}
    queue.films.put_back(begun, 0)
    again = queue.films.next_film()
    assert again == begun  # tries and all
    queue.answered(begun, [made("2.25.1"), made("2.25.2", bytes(200_000))])
    assert queue.counts() == {"film answered": 1, "delivery due": 2}
    assert len(files(queue, "objects")) == 2


def test_of_two_films_under_one_uid_that_come_at_once_one_is_taken_and_the_other_is_told(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    other = write_film(tmp_path / "other.dcm", pixels=phantom(2))
    copy = shutil.copyfile
    meanwhile = iter((film, film))

    def while_it_is_copied(source: Path, to: Path) -> None:
        """The other connection was faster."""
        if (faster := next(meanwhile, None)) is not None and source != faster:
            assert queue.take(faster, "1.2", "bundle", "PACS") == "new"
        copy(source, to)

    monkeypatch.setattr("hilum.node.queue.shutil.copyfile", while_it_is_copied)
    assert queue.take(other, "1.2", "bundle", "PACS") == "other"
    assert queue.films.waiting() == 1
    (kept,) = files(queue)
    assert kept.read_bytes() == film.read_bytes()


def test_a_film_that_comes_again_while_it_is_forgotten_keeps_its_file(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    queue.take(film, "1.2", "bundle", "PACS", now=1000.0)
    queue.answered(queue.films.next_film(), [made("2.25.1")])  # type: ignore[arg-type]
    queue.deliveries.sent("a", queue.deliveries.due("a")[0])
    remove = Path.unlink

    def between_rows_and_files(path: Path, missing_ok: bool = False) -> None:
        monkeypatch.setattr(Path, "unlink", remove)
        assert queue.take(film, "1.2", "bundle", "PACS") == "new"
        queue.answered(queue.films.next_film(), [made("2.25.1")])  # type: ignore[arg-type]
        remove(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", between_rows_and_files)
    assert queue.forget(time.time() - 1) == 1
    assert queue.counts() == {"film answered": 1, "delivery due": 1}
    assert [d.path.read_bytes() for d in queue.deliveries.due("a")] == [b"object"]
    assert [p.read_bytes() for p in files(queue)] == [film.read_bytes()]


def test_a_film_whose_file_the_disk_lost_is_taken_anew_when_it_comes_again(
    tmp_path: Path, film: Path
) -> None:
    queue = Queue(tmp_path / "state", ["a"])
    queue.take(film, "1.2", "bundle", "PACS")
    files(queue)[0].unlink()
    assert queue.take(film, "1.2", "bundle", "PACS") == "new"
    assert queue.films.waiting() == 1
    begun = queue.films.next_film()
    assert begun is not None
    assert begun.path.read_bytes() == film.read_bytes()


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "queue.db").write_bytes(b"something else, and long enough to be looked at" * 10)
    with pytest.raises(
        InputError, match=r"queue\.db: cannot be used as a node's queue: file is not a database"
    ):
        Queue(tmp_path / "state", ["a"])

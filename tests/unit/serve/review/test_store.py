"""The store: nothing can be changed, replaced or deleted; what was kept outlives a killed writer."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.serve.review.records import Item, Queue, QueueAsked, Region, Said, reader_name
from hilum.serve.review.store import ReviewStore

KEY = "0123456789abcdef"


def item(n: int = 1) -> Item:
    shares = {"covid": 0.4, "normal": 0.6}
    return Item(
        n=n,
        image_id=f"a/{n}",
        label="covid",
        unit=f"film a/{n}",
        said="normal",
        probabilities=shares,
        votes={"normal": 2},
    )


@pytest.fixture
def store(tmp_path: Path) -> ReviewStore:
    made = ReviewStore(tmp_path / "reviews.db")
    asked = QueueAsked(name="q", run="r", cell="c", kind="random", films=2)
    made.make_queue(asked, [item(1), item(2)], ("covid", "normal"), "covid", "maker")
    return made


def queue_of(store: ReviewStore) -> Queue:
    found = store.queue(1)
    assert found is not None
    return found


def test_what_is_kept_comes_back(store: ReviewStore) -> None:
    region = Region(kind="polygon", points=((0.1, 0.2), (0.5, 0.25), (1, 1)))
    kept = store.add(
        queue_of(store),
        item(),
        "A",
        True,
        Said(key=KEY, verdict="cannot tell", regions=(region,), comment="–"),
    )
    assert store.answers(1) == [kept]
    assert (kept.reading, kept.regions, kept.known, kept.informed) == ("cannot tell", (region,), True, False)
    assert kept.at.endswith("+00:00")
    assert (queue_of(store).n_items, queue_of(store).classes, store.item(1, 2)) == (
        2,
        ("covid", "normal"),
        item(2),
    )
    assert store.item(1, 3) is None
    assert store.queue(2) is None


@pytest.mark.parametrize("table", ["queues", "items", "openings", "answers"])
def test_a_row_can_be_neither_changed_nor_deleted_nor_replaced(store: ReviewStore, table: str) -> None:
    store.note_opening(1, 1, "A")
    store.add(queue_of(store), item(), "A", False, Said(key=KEY, verdict="label", label="covid"))
    db = sqlite3.connect(store.path, isolation_level=None)
    before = db.execute(f"SELECT * FROM {table}").fetchall()
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    change = ", ".join(f"{c} = {c}" for c in columns if c != "id")
    marks = ", ".join("?" * len(columns))
    row = before[0]
    for order, values in (
        (f"UPDATE {table} SET {change}", ()), (f"DELETE FROM {table}", ()), (f"REPLACE INTO {table} VALUES ({marks})", row),
        (f"INSERT OR REPLACE INTO {table} VALUES ({marks})", (None, *row[1:]) if table != "queues" else row),
    ):  # fmt: skip
        with pytest.raises(sqlite3.IntegrityError, match="reviews are only added to"):
            db.execute(order, values)
    assert db.execute(f"SELECT * FROM {table}").fetchall() == before
    db.close()


def test_an_answer_sent_again_is_kept_once_and_a_later_one_stands_beside_it(store: ReviewStore) -> None:
    first = Said(key=KEY, verdict="label", label="covid")
    assert store.add(queue_of(store), item(), "A", False, first) == store.add(
        queue_of(store), item(), "A", False, first
    )
    store.add(queue_of(store), item(), "A", False, Said(key=KEY + "2", verdict="agree"))
    assert [a.reading for a in store.answers(1)] == ["covid", "normal"]
    with pytest.raises(InputError, match="this key was used for another answer"):
        store.add(queue_of(store), item(), "A", False, Said(key=KEY, verdict="label", label="normal"))
    with pytest.raises(InputError, match="this key was used for another answer"):
        store.add(queue_of(store), item(2), "A", False, first)
    store.add(queue_of(store), item(), "B", False, first)
    assert len(store.answers(1)) == 3


def test_a_queue_is_unfinished_from_the_first_film_to_the_last_answer(store: ReviewStore) -> None:
    assert store.unfinished("A") == []
    store.note_opening(1, 1, "A")
    store.note_opening(1, 1, "A")
    assert [q.id for q in store.unfinished("A")] == [1]
    assert store.unfinished("B") == []
    for n in (1, 2):
        store.add(queue_of(store), item(n), "A", False, Said(key=f"{KEY}{n}", verdict="cannot tell"))
    assert store.unfinished("A") == []
    assert store.answered(1, "A") == {1, 2}


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "x" * 61])
def test_a_name_is_something_that_can_be_read(name: str) -> None:
    with pytest.raises(InputError, match="expected a name of 1 to 60 characters"):
        reader_name(name)
    assert reader_name("A\n\u202eB") == "A B"


WRITER = """
import sys
from pathlib import Path
from hilum.serve.review.records import Said
from hilum.serve.review.store import ReviewStore
store = ReviewStore(Path(sys.argv[1]))
queue, item = store.queue(1), store.item(1, 1)
for k in range(int(sys.argv[3])):
    kept = store.add(queue, item, sys.argv[2], False, Said(key=f"{k:08d}", verdict="label", label="covid", comment=str(k)))
    print(kept.id, flush=True)
"""


def writer(store: ReviewStore, reader: str, n: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(store.path), reader, str(n)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def test_what_a_killed_writer_was_told_is_kept(store: ReviewStore) -> None:
    process = writer(store, "A", 100000)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().splitlines() if line]
    process.wait()
    process.stdout.close()
    kept = ReviewStore(store.path).answers(1)
    assert set(told) <= {a.id for a in kept}
    assert len(kept) - len(told) <= 1
    assert [int(a.comment) for a in kept] == list(range(len(kept)))


@pytest.mark.slow
def test_twenty_processes_lose_nothing(store: ReviewStore) -> None:
    processes = [writer(store, f"reader {k}", 25) for k in range(20)]
    told = [p.communicate()[0].split() for p in processes]
    assert [p.returncode for p in processes] == [0] * 20
    kept = store.answers(1)
    assert len(kept) == 500
    assert sorted(int(i) for ids in told for i in ids) == [a.id for a in kept]
    assert {(a.reader, a.comment) for a in kept} == {
        (f"reader {k}", str(n)) for k in range(20) for n in range(25)
    }

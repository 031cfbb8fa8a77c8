"""A watch stores what was answered, looks at windows as it goes, and never keeps an answer waiting."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from hilum.artifacts.bundle import REFERENCE, Bundle, bundle_version
from hilum.core.errors import DigestError, InputError
from hilum.monitor import store
from hilum.monitor.reference import Reference
from hilum.monitor.seen import PROPERTIES, properties_of, seen_of
from hilum.monitor.status import status_of
from hilum.monitor.watch import Watch
from hilum.monitor.words import status_words
from watched_films import reading, refused, unreadable, write_bundle, write_reference


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "bundle"
    write_reference(folder, write_bundle(folder))
    return folder


@pytest.fixture
def bundle(tmp_path: Path, made: Path) -> Bundle:
    shutil.copytree(made, tmp_path / "bundle")
    return Bundle.described(made)[0]


@pytest.fixture
def watch(tmp_path: Path, bundle: Bundle) -> Iterator[Watch]:
    assert bundle.positive == "covid"
    watching = Watch(tmp_path / "monitor.db", tmp_path / "bundle", "chest", a_second=1e9)
    yield watching
    watching.close()


def test_counts_seconds_and_reasons_are_those_of_the_films(watch: Watch, bundle) -> None:
    for k in range(20):
        watch.saw(f"r{k}", reading(bundle, k), 0.010 * (k + 1))
    for k in range(5):
        watch.saw(f"s{k}", refused(reading(bundle, 100 + k)), 0.5)
    for k in range(3):
        watch.saw(f"t{k}", unreadable(bundle), 0.001)
    watch.flush()
    status = watch.status()
    assert status.films == {"answered": 20, "abstained": 5, "failed": 3}
    assert status.why == {"not-frontal": 5, "truncated": 3}
    assert sum(status.classes.values()) == 25
    seconds = [0.010 * (k + 1) for k in range(20)] + [0.5] * 5 + [0.001] * 3
    assert status.seconds["p95"] == pytest.approx(np.percentile(seconds, 95))
    assert status.window == 25
    assert len(status.checks) == 3 + len(PROPERTIES) + 1  # no gate
    assert status.alarms == ()
    assert status.history == (0,)


def test_a_shift_of_the_answers_is_an_alarm_and_nothing_else_is(watch: Watch, bundle) -> None:
    for k in range(100):
        watch.saw(f"r{k}", reading(bundle, k, shift=2.0), 0.01)
    watch.flush()
    status = watch.status()
    assert {c.group for c in status.alarms} == {"scores"}
    assert len(status.history) == 4
    reference = Reference.of_bundle(watch.bundle.folder)
    assert reference is not None
    odds = [reading(bundle, k, shift=2.0).scored.logits[0] for k in range(100)]
    theirs = stats.ks_2samp(odds, reference.logits[:, 0])
    first = status.checks[0]
    assert first.value == pytest.approx(theirs.statistic, abs=1e-12)
    assert theirs.pvalue < 1e-4


def test_inverted_films_are_an_alarm_in_the_first_window(watch: Watch, bundle) -> None:
    for k in range(25):
        watch.saw(f"r{k}", reading(bundle, k, change=lambda film, _: 255 - film), 0.01)
    watch.flush()
    assert {c.group for c in watch.status().alarms} >= {"films", "shape"}


def test_no_pixel_no_name_and_no_patient_is_stored(watch: Watch, bundle, tmp_path: Path) -> None:
    watch.saw("r", reading(bundle, 1), 0.01, "ab" * 32)
    watch.flush()
    with sqlite3.connect(tmp_path / "monitor.db") as c:
        (row,) = c.execute("SELECT * FROM films").fetchall()
        columns = [d[0] for d in c.execute("SELECT * FROM films").description]
    assert not any("secret" in str(value) or value == "film" for value in row)
    assert len(row[columns.index("shape")]) == 768 * 2
    assert "pixels" not in columns


def test_saw_takes_less_than_a_third_of_a_millisecond(watch: Watch, bundle) -> None:
    one = reading(bundle, 1)
    took = []
    for k in range(200):
        start = time.perf_counter()
        watch.saw(f"r{k}", one, 0.01)
        took.append(time.perf_counter() - start)
    assert np.median(took) < 0.0003
    watch.flush()
    assert sum(watch.status().films.values()) + watch.status().dropped == 200


def test_films_from_many_threads_are_all_stored_once(watch: Watch, bundle, tmp_path: Path) -> None:
    films = [reading(bundle, k) for k in range(5)]

    def send(n: int) -> None:
        for k in range(40):
            watch.saw(f"{n}-{k}", films[k % 5], 0.01)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    watch.flush()
    with sqlite3.connect(tmp_path / "monitor.db") as c:
        assert c.execute("SELECT COUNT(*), COUNT(DISTINCT request) FROM films").fetchone() == (320, 320)


def test_a_full_queue_drops_films_and_says_how_many(
    bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hilum.monitor.watch._WAITING", 100)
    hold, started = threading.Event(), threading.Event()
    watch = Watch(tmp_path / "monitor.db", tmp_path / "bundle", a_second=1e9)
    keep = watch._keep

    def slow(films) -> None:
        if films:
            started.set()
            hold.wait(20)
        keep(films)

    monkeypatch.setattr(watch, "_keep", slow)
    one = reading(bundle, 1)
    watch.saw("first", one, 0.01)
    assert started.wait(20)
    for k in range(130):
        watch.saw(f"r{k}", one, 0.01)
    hold.set()
    watch.close()
    status = watch.status()
    assert status.dropped == 30
    assert status.films["answered"] == 101


@pytest.mark.parametrize("error", [OSError("disk full"), sqlite3.OperationalError("full"), ValueError("odd")])
def test_films_that_cannot_be_stored_are_counted_for_themselves_and_the_next_ones_are_stored(
    watch: Watch, bundle, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("hilum.monitor.watch.films.add_films", fails)
        watch.saw("lost", reading(bundle, 1), 0.01)
        watch.flush()
    watch.saw("stored", reading(bundle, 1), 0.01)
    watch.flush()
    status = watch.status()
    assert (status.unstored, status.dropped, status.films["answered"]) == (1, 0, 1)
    assert "not stored, the disk did not take them: 1 film" in status_words(status)


def test_labels_of_readers_give_sensitivity_and_the_last_label_counts(watch: Watch, bundle) -> None:
    for k in range(40):
        watch.saw(f"r{k}", reading(bundle, k, label="covid" if k < 20 else "normal"), 0.01, f"{k:064x}")
    watch.flush()
    truth = [
        (reading(bundle, k, label="covid" if k < 20 else "normal").answer.called_positive) for k in range(40)
    ]
    for k in range(40):
        watch.feedback("covid" if k < 20 else "normal", "reader one", request_id=f"r{k}")
    watch.feedback("normal", "reader two", sha256=f"{0:064x}")  # a change of mind about the first
    sensitivity, specificity = watch.status().rates
    assert (sensitivity.k, sensitivity.n) == (sum(truth[1:20]), 19)
    assert (specificity.k, specificity.n) == (20 - sum(truth[20:]) + (not truth[0]), 21)
    low, high = stats.binomtest(sensitivity.k, 19).proportion_ci(0.95, "exact")
    assert (sensitivity.low, sensitivity.high) == (pytest.approx(low), pytest.approx(high))


def test_feedback_has_to_name_a_film(watch: Watch, bundle) -> None:
    for k in range(2):
        watch.saw("twice", reading(bundle, k), 0.01, f"{k:064x}")
    with pytest.raises(InputError, match="request 'twice' had several films; name the sha256"):
        watch.feedback("covid", "a", request_id="twice")
    watch.feedback("covid", "a", request_id="twice", sha256=f"{1:064x}")
    with pytest.raises(InputError, match="no film with scores is stored for request 'other'"):
        watch.feedback("covid", "a", request_id="other")
    with pytest.raises(InputError, match="no film with scores"):
        watch.feedback("covid", "a")


def test_two_watches_share_a_store(watch: Watch, bundle, tmp_path: Path) -> None:
    other = write_bundle(tmp_path / "other", threshold=0.3)
    second = Watch(tmp_path / "monitor.db", tmp_path / "other", "second", a_second=1e9)
    watch.saw("r", reading(bundle, 1), 0.01)
    second.saw("r", reading(other, 1), 0.01)
    watch.flush()
    second.close()
    assert watch.status().films["answered"] == second.status().films["answered"] == 1
    assert second.status().note == (
        f"the bundle has no {REFERENCE}, so drift is not looked for; make one: hilum drift {tmp_path / 'other'} --make-reference"
    )
    with store.opened(tmp_path / "monitor.db") as c:
        assert [b.name for b in store.bundles(c)] == ["chest", "second"]


def test_what_is_older_than_the_retention_is_deleted(bundle, tmp_path: Path) -> None:
    watching = Watch(tmp_path / "monitor.db", tmp_path / "bundle", keep_days=30, a_second=1e9)
    watching.saw("old", reading(bundle, 1), 0.01)
    watching.flush()
    watching.feedback("covid", "a", request_id="old")
    watching.close()
    with sqlite3.connect(tmp_path / "monitor.db") as c:
        c.execute("UPDATE films SET at = at - 31 * 86400")
    watching = Watch(tmp_path / "monitor.db", tmp_path / "bundle", keep_days=30, a_second=1e9)
    watching.saw("new", reading(bundle, 2), 0.01)
    watching.close()
    with sqlite3.connect(tmp_path / "monitor.db") as c:
        assert [r[0] for r in c.execute("SELECT request FROM films")] == ["new"]
        assert c.execute("SELECT COUNT(*) FROM feedback").fetchone() == (0,)


def test_a_window_of_another_size_is_looked_at_when_asked(watch: Watch, bundle) -> None:
    from hilum.monitor.drift import Checker

    for k in range(60):
        watch.saw(f"r{k}", reading(bundle, k), 0.01)
    watch.flush()
    reference = Reference.of_bundle(watch.bundle.folder)
    assert reference is not None
    with store.opened(watch.path) as c:
        assert status_of(c, watch.bundle, Checker(reference), 40).window == 40
        assert status_of(c, watch.bundle).window == 50


@pytest.mark.usefixtures("bundle")
def test_a_store_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text(
        "no database at all, but a text that is long enough to be read as a header of one" * 20
    )
    with pytest.raises(InputError, match="cannot be used as a store of the monitor"):
        Watch(tmp_path / "no.db", tmp_path / "bundle")
    with pytest.raises(InputError, match=r"no monitor\.db here"), store.opened(tmp_path / "gone.db"):
        pass


@pytest.mark.usefixtures("bundle")
def test_a_reference_of_another_bundle_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "other", threshold=0.25)
    (tmp_path / "other" / REFERENCE).write_bytes((tmp_path / "bundle" / REFERENCE).read_bytes())
    with pytest.raises(
        DigestError, match=r"it is of the bundle .*; make it again: hilum drift .* --make-reference"
    ):
        Watch(tmp_path / "monitor.db", tmp_path / "other")


def test_a_reference_does_not_change_the_bundles_version(tmp_path: Path) -> None:
    made = write_bundle(tmp_path / "bundle")
    before = bundle_version(tmp_path / "bundle")
    written = write_reference(tmp_path / "bundle", made, 40)
    read = Reference.of_bundle(tmp_path / "bundle")
    assert bundle_version(tmp_path / "bundle") == before
    assert read is not None
    assert np.array_equal(read.logits, written.logits)
    assert np.array_equal(read.shapes, written.shapes)


def test_properties_are_what_numpy_says(bundle) -> None:
    film = reading(bundle, 3).scored.prepared
    assert film is not None
    found = dict(zip(PROPERTIES, properties_of(film, (512, 384)).tolist(), strict=True))
    grey = film / 255
    assert found["mean grey"] == pytest.approx(grey.mean(), abs=1e-6)
    assert found["spread of greys"] == pytest.approx(grey.std(), abs=1e-6)
    assert found["entropy of greys"] == pytest.approx(
        stats.entropy(np.bincount(film.ravel()), base=2), abs=1e-5
    )
    assert found["shorter side, px"] == 384
    assert found["width / height"] == 0.75


def test_a_film_without_scores_is_not_seen(bundle) -> None:
    assert seen_of(unreadable(bundle)) is None


KILLED = """
import sys
from pathlib import Path
from hilum.artifacts.bundle import Bundle
from hilum.monitor.watch import Watch
from hilum.monitor.words import status_words
from watched_films import reading
folder = Path(sys.argv[1])
watch, one = Watch(folder / "monitor.db", folder / "bundle", a_second=1e9), reading(Bundle.described(folder / "bundle")[0], 1)
for k in range(10**6):
    watch.saw(f"r{k}", one, 0.01)
    if k == 100:
        watch.flush()
        print("stored", flush=True)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("bundle")
def test_what_was_stored_survives_kill_9(tmp_path: Path) -> None:
    tests = Path(__file__).parents[2]
    paths = os.pathsep.join([str(tests), *sys.path])
    running = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline() == "stored\n"
    running.kill()
    running.wait(20)
    running.stdout.close()
    with sqlite3.connect(tmp_path / "monitor.db") as c:
        assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert c.execute("SELECT COUNT(*) FROM films").fetchone()[0] >= 101
    again = Watch(tmp_path / "monitor.db", tmp_path / "bundle", a_second=1e9)
    assert again.status().films["answered"] >= 101
    again.close()


def test_under_load_every_film_is_counted_and_some_are_looked_at(tmp_path):
    bundle = write_bundle(tmp_path / "bundle")
    watch = Watch(tmp_path / "monitor.db", tmp_path / "bundle", a_second=0.5)
    for k in range(20):
        watch.saw(f"r{k}", reading(bundle, k), 0.01, f"{k:064x}")
    watch.feedback("covid", "Dr A", request_id="r19")
    with store.opened(tmp_path / "monitor.db") as connection:
        looked = connection.execute("SELECT COUNT(*) FROM films WHERE logits IS NOT NULL").fetchone()[0]
    assert sum(watch.status().films.values()) == 20
    assert 1 <= looked < 20
    watch.close()

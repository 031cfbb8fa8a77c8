"""Every artefact is written beside its place: a process that dies in the middle of a write leaves what was there, to the byte.

The process is killed by the kernel (SIGXFSZ) as soon as a file that it writes grows beyond a size, so wherever the writing is done. What
a reader finds then is what a reader beside a writer that lives finds at that moment.
"""

import multiprocessing
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureRows, FeatureSpec, FeatureStore
from hilum.artifacts.header import Header, write_json, write_rows
from hilum.artifacts.history import EpochRecord
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.prepared import PreparedRow, PreparedStore, Wanted
from hilum.artifacts.split import Split
from hilum.training.trial import write_trial

SPEC = FeatureSpec("net", "tap", "0", (0.5,), (0.5,), "fp32", 4, (8, 8), "cpu", 1, {}, "float32")
LIMIT_BYTES = 4096
N = 300
IDS = tuple(f"film-{k:03d}" for k in range(N))
NOTHING = ("",) * N


def digests(n: int) -> list[str]:
    return [f"{k:064x}" for k in range(n)]


def features(folder: Path, k: int, n: int, width: int) -> None:
    FeatureStore(folder, SPEC).write("one", digests(n), np.full((n, width), k), seconds=k)


def prepared(folder: Path, k: int, n: int, side: int) -> None:
    rows = [PreparedRow(f"film-{i}", Wanted("p", "train", k), d, []) for i, d in enumerate(digests(n))]
    films = {d: np.full((side, side), k, np.uint8) for d in digests(n)}
    PreparedStore(folder).write("k" * 16, Header("prepared"), rows, films, float(k))


def template(words: int = 1) -> Bundle:
    return Bundle(
        ("a", "b"), "a", "net", {}, "0", "fp32", 4, {"name": "p" * words}, "linear", {}, {"temperature": 1.0}, {}
    )  # fmt: skip


def bundle(folder: Path, k: int, words: int, width: int) -> None:
    template(words).write(folder, Header("bundle", seed=k), {"weight": np.full(width, k, np.float32)})


def trial(folder: Path, k: int) -> None:
    state = {"weight": np.full(4000, k, np.float32)}
    write_trial(
        folder / "trial",
        template(),
        Header("bundle", seed=k),
        state,
        [EpochRecord(k, 1.0, 1.0, 0.1)],
        {"train.json": {}},
    )


def predictions(folder: Path, k: int) -> None:
    p = np.full((N, 2), 0.5)
    Predictions(
        IDS, NOTHING, ("test",) * N, ("a",) * N, p, ("a", "b"), NOTHING, NOTHING, NOTHING, Header("predictions", seed=k)
    ).write(folder / "predictions.csv")  # fmt: skip


def manifest(folder: Path, k: int) -> None:
    rows = [FilmRow(i, f"s:{k}", "", i, i, "a", "s") for i in IDS]
    Manifest(rows, Header("manifest", seed=k)).write(folder / "manifest.csv")


def split(folder: Path, k: int) -> None:
    Split({"train": IDS}, {i: f"{i} {k}" for i in IDS}, Header("split", seed=k)).write(folder / "split.json")


def duplicates(folder: Path, k: int) -> None:
    Duplicates([], dict.fromkeys(IDS, f"{k:016x}"), Header("duplicates")).write(folder / "duplicates.json")


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "features": lambda folder, k: features(folder, k, 4, 4000),
    "digests of features": lambda folder, k: features(folder, k, N, 1),
    "prepared films": lambda folder, k: prepared(folder, k, 2, 200),
    "index of prepared films": lambda folder, k: prepared(folder, k, N, 2),
    "weights of a bundle": lambda folder, k: bundle(folder, k, 1, 4000),
    "bundle.json": lambda folder, k: bundle(folder, k, 9000, 1),
    "predictions": predictions,
    "manifest": manifest,
    "split": split,
    "duplicates": duplicates,
    "json": lambda folder, k: write_json(folder / "run.json", {"many": [k] * 5000}),
}


def _die_writing(write: Callable[[Path, int], None], folder: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    write(folder, 2)


def killed_while_writing(write: Callable[[Path, int], None], folder: Path) -> None:
    """Write the second version in a process that is killed when a file has `LIMIT_BYTES`."""
    process = multiprocessing.get_context("fork").Process(target=_die_writing, args=(write, folder))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGXFSZ


def seen(folder: Path) -> dict[str, bytes]:
    """Files that count: a name that begins with a dot is nobody's."""
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if not p.name.startswith(".")}


@pytest.mark.parametrize("what", WRITERS)
def test_a_process_that_dies_in_a_write_leaves_the_old_files(tmp_path: Path, what: str) -> None:
    WRITERS[what](tmp_path, 1)
    before = seen(tmp_path)
    large = {name for name, data in before.items() if len(data) > LIMIT_BYTES}
    assert large
    killed_while_writing(WRITERS[what], tmp_path)
    after = seen(tmp_path)
    assert {name: after[name] for name in large} == {name: before[name] for name in large}


@pytest.mark.parametrize("what", WRITERS)
def test_a_process_that_dies_in_its_first_write_leaves_nothing_that_counts(tmp_path: Path, what: str) -> None:
    killed_while_writing(WRITERS[what], tmp_path)
    assert {name for name, data in seen(tmp_path).items() if len(data) >= LIMIT_BYTES} == set()
    assert FeatureStore(tmp_path, SPEC).missing(digests(2)) == digests(2)
    assert not PreparedStore(tmp_path).has("k" * 16)
    assert not (tmp_path / "bundle.json").exists()


def test_a_trial_that_dies_in_its_writing_is_not_there(tmp_path: Path) -> None:
    killed_while_writing(trial, tmp_path)
    assert not (tmp_path / "trial").exists()
    trial(tmp_path, 1)  # the next one is not in its way
    assert Bundle.read(tmp_path / "trial" / "bundle")[1].seed == 1


def test_who_reads_a_shard_keeps_what_he_opened_while_another_writes_it_again(tmp_path: Path) -> None:
    features(tmp_path, 1, 4, 50)
    store = FeatureStore(tmp_path, SPEC)
    rows = FeatureRows(store.locations(digests(4)))
    features(tmp_path, 2, 4, 50)
    assert np.array_equal(rows.take(slice(None)), np.full((4, 50), 1))
    assert np.array_equal(FeatureRows(store.locations(digests(4))).take(slice(None)), np.full((4, 50), 2))


def test_who_reads_prepared_films_keeps_what_he_opened(tmp_path: Path) -> None:
    prepared(tmp_path, 1, 3, 20)
    store = PreparedStore(tmp_path)
    store.read("k" * 16)
    films = FeatureRows(store.locations(digests(3)))
    prepared(tmp_path, 2, 3, 20)
    assert set(films.take(slice(None)).ravel().tolist()) == {1}


def test_comparisons_are_whole_or_not_there(tmp_path: Path) -> None:
    def write(folder: Path, k: int) -> None:
        many = {str(i): i for i in range(2000)}
        write_rows(folder / "comparisons.json", [], Header("comparisons", options=many, seed=k))

    write(tmp_path, 1)
    before = seen(tmp_path)
    killed_while_writing(write, tmp_path)
    assert seen(tmp_path) == before

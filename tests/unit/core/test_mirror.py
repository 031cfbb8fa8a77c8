"""A mirror follows its address: what is written is there first, what is there is brought, and a killed put is not taken for a whole one."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from hilum.core import files, mirror
from hilum.core.address import Address
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.core.mirror import UNFINISHED, Mirror, at_hand, brought, mirrored
from s3_server import BUCKET, s3_server

MIB = 2**20


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(params=["s3", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        request.getfixturevalue("server")
    return f"s3://{BUCKET}/{tmp_path.name}" if request.param == "s3" else f"file://{tmp_path}/far"


def of(url: str, root: Path, bound_mib: float = 1024) -> Mirror:
    root.mkdir(exist_ok=True)
    return Mirror(root.resolve(), url, int(bound_mib * MIB))


@pytest.fixture
def one(url: str, tmp_path: Path) -> Mirror:
    return of(url, tmp_path / "one")


@pytest.fixture
def other(url: str, tmp_path: Path) -> Mirror:
    """Another machine's mirror of the same address."""
    return of(url, tmp_path / "other")


def write(m: Mirror, name: str, text: str) -> Path:
    with mirrored(m):
        files.write_text(m.root / name, text)
    return m.root / name


def write_large(m: Mirror, name: str, mib: float) -> Path:
    with mirrored(m):
        files.write_bytes(m.root / name, os.urandom(int(mib * MIB)))
    return m.root / name


def test_nothing_happens_where_none_is_in_force(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a", "x")
    assert at_hand(tmp_path / "b") == tmp_path / "b"
    brought(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"a"}
    assert mirror.in_force() == ()


def test_what_is_written_is_there_and_comes_to_the_other_machine(one: Mirror, other: Mirror) -> None:
    write(one, "runs/r/run.json", "first")
    with mirrored(other):
        brought(other.root / "runs")
        assert (other.root / "runs/r/run.json").read_text() == "first"
        files.write_text(other.root / "runs/r/run.json", "second")
    with mirrored(one):
        assert (one.root / "runs/r/run.json").read_text() == "first"
        brought(one.root / "runs" / "r")
        assert (one.root / "runs/r/run.json").read_text() == "second"
        assert at_hand(one.root / "nothing") == one.root / "nothing"


def test_what_is_unchanged_stays_as_it_is(one: Mirror) -> None:
    path = write(one, "runs/r/run.json", "text")
    before = path.stat()
    with mirrored(one):
        brought(one.root)
        files.write_text(path, "text")
        brought(one.root)
        (one.root / ".mirror.sqlite").unlink()
        after = path.stat()
        brought(one.root)
    assert (before.st_mtime_ns, before.st_ino) != (after.st_mtime_ns, after.st_ino)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (after.st_mtime_ns, after.st_ino)


def test_who_creates_first_wins(one: Mirror, other: Mirror) -> None:
    """Neither has brought anything: the second takes what the first made, and replaces it afterwards only on purpose."""
    write(one, "features/a.json", "one")
    assert write(other, "features/a.json", "other").read_text() == "one"
    assert at_address(one) == {"features/a.json"}


@pytest.mark.parametrize("name", ["runs/r/report.html", "trials/.t.checkpoint.best", "workspace.json"])
def test_what_is_not_named_by_a_digest_is_replaced(one: Mirror, other: Mirror, name: str) -> None:
    """Though the second has never seen the first."""
    write(one, name, "one")
    assert write(other, name, "other").read_text() == "other"
    with mirrored(one):
        assert at_hand(one.root / name, fresh=True).read_text() == "other"


def at_address(m: Mirror) -> set[str]:
    return set(Address(m.url).listing(""))


def test_what_is_taken_away_goes_everywhere(one: Mirror, other: Mirror) -> None:
    write(one, "a", "x")
    with mirrored(other):
        brought(other.root)
        assert (other.root / "a").is_file()
        files.removed(other.root / "a")
    with mirrored(one):
        brought(one.root)
    assert not (one.root / "a").exists()
    assert at_address(one) == set()


def test_a_file_that_cannot_be_put_is_not_there(one: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(type(Address(one.url)._fs), "put_file", refused)
    with pytest.raises(InputError, match="cannot be reached"):
        write(one, "runs/a", "x")
    assert list(one.root.rglob("a*")) == []


def folder_written(m: Mirror, name: str, values: dict[str, str]) -> Path:
    with mirrored(m), files.writing_folder(m.root / name) as part:
        for n, text in values.items():
            files.write_text(part / n, text)
    return m.root / name


def test_a_folder_is_there_as_a_whole(one: Mirror, other: Mirror) -> None:
    folder_written(one, "trials/t", {"bundle/bundle.json": "b", "train.json": "t"})
    assert at_address(one) == {"trials/t/bundle/bundle.json", "trials/t/train.json"}
    with mirrored(other):
        brought(other.root / "trials" / "t")
    assert (other.root / "trials/t/bundle/bundle.json").read_text() == "b"


def test_of_two_equal_folders_the_first_stays(one: Mirror, other: Mirror) -> None:
    folder_written(one, "trials/t", {"train.json": "one's seconds"})
    path = folder_written(other, "trials/t", {"train.json": "other's seconds"})
    assert (path / "train.json").read_text() == "one's seconds"


KILLED = """
import os, signal, sys
from pathlib import Path
from hilum.core import files
from hilum.core.address import Address
from hilum.core.mirror import Mirror, mirrored

put, done = Address.put, []
def killing(self, path, name, create):
    if len(done) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(name)
    return put(self, path, name, create)
Address.put = killing
root = Path(sys.argv[1])
with mirrored(Mirror(root, sys.argv[2], 2**30)), files.writing_folder(root / "trials" / "t") as part:
    for name in ("a.json", "b.json", "c.json"):
        files.write_text(part / name, name)
"""


def test_a_folder_whose_put_was_killed_is_not_there_and_is_put_again(one: Mirror, other: Mirror) -> None:
    for n in (0, 2):
        done = subprocess.run([sys.executable, "-c", KILLED, str(one.root), one.url, str(n)], check=False)
        assert done.returncode == -9
        assert f"trials/t/{UNFINISHED}" in at_address(one)
        with mirrored(other):
            brought(other.root, large=True)
        assert not (other.root / "trials").exists()
    assert len(at_address(one)) == 3
    folder_written(other, "trials/t", {n: n for n in ("a.json", "b.json", "c.json")})
    assert at_address(one) == {f"trials/t/{n}.json" for n in "abc"}
    with mirrored(one):
        brought(one.root / "trials" / "t")
    assert {p.name for p in (one.root / "trials" / "t").iterdir()} == {"a.json", "b.json", "c.json"}


def test_a_large_page_comes_with_its_folder(one: Mirror, other: Mirror) -> None:
    write_large(one, "runs/r/report.html", 1.5)
    with mirrored(other):
        brought(other.root / "runs")
    assert (other.root / "runs/r/report.html").is_file()


def test_large_arrays_come_when_they_are_opened(one: Mirror, other: Mirror) -> None:
    data = write_large(one, "prepared/s.npy", 1.5).read_bytes()
    write(one, "prepared/s.json", "index")
    with mirrored(other):
        brought(other.root / "prepared")
        assert {p.name for p in (other.root / "prepared").iterdir()} == {"s.json"}
        assert at_hand(other.root / "prepared" / "s.npy").read_bytes() == data


def test_the_bound_holds_and_the_longest_unused_goes(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "IN_USE_S", 0.0)
    m = of(url, tmp_path / "small", bound_mib=4)
    paths = [write_large(m, f"prepared/{k}.npy", 1.25) for k in range(3)]
    with mirrored(m):
        at_hand(paths[0])
        write_large(m, "prepared/3.npy", 1.25)
        assert [p.exists() for p in paths] == [True, False, True]
        assert at_hand(paths[1]).is_file()
        assert [p.exists() for p in paths] == [True, True, False]
        held = sum(p.stat().st_size for p in (m.root / "prepared").glob("*.npy"))
        assert held <= 4 * MIB
        assert held == m.ledger.large_bytes()
    assert len(at_address(m)) == 4


def test_what_was_just_asked_for_stays_beyond_the_bound(url: str, tmp_path: Path) -> None:
    m = of(url, tmp_path / "small", bound_mib=1)
    paths = [write_large(m, f"{k}.npy", 1.25) for k in range(2)]
    assert all(p.exists() for p in paths)


def test_large_files_that_another_machine_changed_are_brought_anew(one: Mirror, other: Mirror) -> None:
    write_large(one, "a.checkpoint", 1.5)
    with mirrored(other):
        at_hand(other.root / "a.checkpoint")
    newer = write_large(one, "a.checkpoint", 1.5).read_bytes()
    with mirrored(other):
        assert at_hand(other.root / "a.checkpoint").read_bytes() != newer
        assert at_hand(other.root / "a.checkpoint", fresh=True).read_bytes() == newer
        write_large(one, "a.checkpoint", 1.25)
        brought(other.root)
        assert not (other.root / "a.checkpoint").exists()


def test_notes_of_this_machine_stay_here(one: Mirror) -> None:
    write(one, "finished/x.json", "stamps")
    assert at_address(one) == set()


def test_scratch_files_are_at_the_address_as_long_as_they_are_used(one: Mirror) -> None:
    with mirrored(one):
        with files.scratch_folder(one.root / "prepared", "tasks") as folder:
            files.write_text(folder / "c.json", "chunk")
            assert at_address(one) == {f"prepared/{folder.name}/c.json"}
        assert at_address(one) == set()


def test_what_needs_one_owner_is_refused(one: Mirror) -> None:
    needs = "the node's state needs one owner, and .* is an address, where no lock holds; name a folder"
    with (
        mirrored(one),
        pytest.raises(InputError, match=needs),
        files.lock_at_once(one.root / ".lock", "the node's state"),
    ):
        pass


def test_a_mirror_is_in_force_in_the_engines_processes(one: Mirror) -> None:
    with mirrored(one):
        list(Local(2).map(partial(files.write_text, text="x"), [one.root / "a", one.root / "b"]))
        assert pickle.loads(pickle.dumps(one)) == one
    assert at_address(one) == {"a", "b"}
    assert mirror.in_force() == ()


def test_what_a_former_workspace_left_here_goes(one: Mirror) -> None:
    path = write(one, "trials/a", "x")
    one.empty()
    assert not path.exists()
    assert one.ledger.below("") == {}

"""The file of a film that comes: what the disk takes is in it, and what it does not take ends nothing."""

from pathlib import Path

from hilum.node.incoming import Incoming
from node_films import files_of_at_most


def test_what_comes_is_in_the_file(tmp_path: Path) -> None:
    file = Incoming(tmp_path)
    assert (file.write(b"a film"), file.failed) == (6, None)
    file.file.flush()
    assert Path(file.name).read_bytes() == b"a film"
    file.close()
    assert [str(p) for p in tmp_path.iterdir()] == [file.name]


def test_what_the_disk_does_not_take_is_let_go_and_said(tmp_path: Path) -> None:
    file = Incoming(tmp_path)
    with files_of_at_most(100):
        for _ in range(3):
            assert file.write(bytes(1000)) == 1000
            file.flush()
    assert file.failed is not None
    assert file.failed.strerror == "File too large"
    file.close()
    assert list(tmp_path.iterdir()) == []  # room for others


def test_a_file_that_cannot_be_made_is_said_too(tmp_path: Path) -> None:
    file = Incoming(tmp_path / "gone")
    assert file.write(b"a film") == 6
    file.flush()
    file.close()
    assert isinstance(file.failed, FileNotFoundError)

"""Films of a manifest are read from the workspace's address where their folder is not, by digest, and are what they were."""

from pathlib import Path

import pytest

from hilum.artifacts.manifest import FilmRow
from hilum.core.digests import sha256_bytes
from hilum.core.errors import FilmError
from hilum.core.mirror import Mirror, mirrored
from hilum.imaging.as_ingested import bytes_as_ingested
from hilum.imaging.kept_films import keep_films, kept_digests


def rows(folder: Path, n: int) -> list[FilmRow]:
    found = []
    for k in range(n):
        (folder / f"{k}.png").write_bytes(data := bytes([k]) * 100)
        found.append(FilmRow(f"f{k}", "p", str(folder / f"{k}.png"), sha256_bytes(data), "", "covid", "s"))
    return found


def test_a_machine_without_the_folder_reads_them_from_the_address(tmp_path: Path) -> None:
    films, url = rows(tmp_path, 3), f"file://{tmp_path}/far"
    with mirrored(Mirror(tmp_path / "one", url, 2**30)) as one:
        assert keep_films(films[:2], one.root) == 2
        assert keep_films(films, one.root) == 1
    for f in films:
        Path(f.path).unlink()
    with mirrored(Mirror(tmp_path / "other", url, 2**30)) as other:
        assert kept_digests(other.root) == {f.sha256 for f in films}
        assert [bytes_as_ingested(f.image_id, f.path, f.sha256) for f in films] == [
            bytes([k]) * 100 for k in range(3)
        ]
    assert all(
        p.name == sha256_bytes(p.read_bytes()) for p in (tmp_path / "far" / "films").rglob("*") if p.is_file()
    )
    with pytest.raises(FilmError, match=r"0\.png: No such file"):
        bytes_as_ingested("f0", films[0].path, films[0].sha256)


def test_a_film_that_changed_is_not_put_and_not_taken(tmp_path: Path) -> None:
    films, url = rows(tmp_path, 2), f"file://{tmp_path}/far"
    Path(films[0].path).write_bytes(b"another")
    with mirrored(Mirror(tmp_path / "one", url, 2**30)) as one:
        assert keep_films(films, one.root) == 1
        place = next(p for p in (one.root / "films").rglob("*") if p.is_file())
        place.write_bytes(b"spoiled")
        Path(films[1].path).unlink()
        with pytest.raises(FilmError, match="film 'f1' is not what it was"):
            bytes_as_ingested("f1", films[1].path, films[1].sha256)


def test_a_workspace_in_a_folder_keeps_none(tmp_path: Path) -> None:
    assert keep_films(rows(tmp_path, 1), tmp_path) == 0
    assert kept_digests(tmp_path) == set()

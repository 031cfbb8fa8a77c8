"""The stage on files: the three kinds of copies, unreadable films, any number of workers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import hilum.stages.duplicates as stage
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import pixels_sha256, sha256_file
from hilum.core.engine import Local
from hilum.core.errors import DigestError, InputError
from hilum.core.seeding import generator
from hilum.imaging.decode import decode_file
from hilum.models.machine import threads
from hilum.stages.duplicates import exact_duplicates, find_duplicates
from hilum.synthetic.phantom import LABELS, draw


def row(path: Path) -> FilmRow:
    pixels = pixels_sha256(decode_file(path).pixels)
    return FilmRow(f"made/{path.stem}", "", str(path), sha256_file(path), pixels, "x", "made")


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    for k in range(12):
        film = draw(LABELS[k % 4], generator(3, k), 192).pixels
        Image.fromarray(film).save(tmp_path / f"film{k:02d}.png")
        if k == 0:
            (tmp_path / "same-bytes.png").write_bytes((tmp_path / "film00.png").read_bytes())
        if k == 1:
            Image.fromarray(film).save(tmp_path / "same-pixels.bmp")
        if k in (0, 2):
            Image.fromarray(film).resize((150, 170)).save(tmp_path / f"near{k:02d}.jpg", quality=70)
    options = {"no_patient_ids": ["made"]}
    return Manifest(map(row, sorted(tmp_path.iterdir())), Header("manifest", options=options))


def test_three_kinds_of_copies(manifest: Manifest, tmp_path: Path) -> None:
    found = find_duplicates(manifest, Local(1))
    assert [(p.first, p.second, p.kind) for p in found.pairs] == [
        ("made/film00", "made/near00", "near"),
        ("made/film00", "made/same-bytes", "exact-bytes"),
        ("made/film01", "made/same-pixels", "exact-pixels"),
        ("made/film02", "made/near02", "near"),
    ]
    assert found.groups == (
        ("made/film00", "made/near00", "made/same-bytes"),
        ("made/film01", "made/same-pixels"),
        ("made/film02", "made/near02"),
    )
    near = [p for p in found.pairs if p.kind == "near"]
    assert all(0.99 <= p.correlation <= 1 and 0.96 <= p.detail <= 1 for p in near)
    assert found.header.inputs == {"manifest": manifest.digest}
    found.check(manifest)
    found.write(tmp_path / "out" / "duplicates.json")
    again = Duplicates.read(tmp_path / "out" / "duplicates.json")
    assert (again.pairs, again.films, again.header) == (found.pairs, found.films, found.header)


def test_processes_and_row_order_change_nothing(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = find_duplicates(manifest, Local(1))
    monkeypatch.setattr(stage, "_HERE_BELOW", 2)
    monkeypatch.setattr(stage, "_CHUNK_FILMS", 3)
    monkeypatch.setattr(stage, "_CHUNK_PAIRS", 7)
    two = find_duplicates(Manifest(reversed(manifest.films), manifest.header), Local(2))
    alone.write(tmp_path / "a.json")
    two.write(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_exact_only_reads_no_film(manifest: Manifest) -> None:
    gone = Manifest((replace(f, path="/nowhere.png") for f in manifest.films), manifest.header)
    assert {p.kind for p in exact_duplicates(gone).pairs} == {"exact-bytes", "exact-pixels"}
    assert len(exact_duplicates(gone).pairs) == 2


def test_copies_are_of_the_films_as_they_were(manifest: Manifest) -> None:
    """A film that has other pixels now, or is new, was not looked at; fewer films are no harm."""
    found = exact_duplicates(manifest)
    first, *others = manifest.films
    found.check(Manifest(others, manifest.header))
    changed = Manifest([replace(first, pixels_sha256="0" * 64), *others], manifest.header)
    for films in (changed, Manifest([*manifest.films, replace(first, image_id="made/new")], manifest.header)):
        with pytest.raises(
            DigestError,
            match=r"^1 films? of the manifest.*not looked at for copies, or ha(s|ve) changed since",
        ):
            found.check(films)


def test_all_films_that_cannot_be_read_are_named(manifest: Manifest) -> None:
    Path(manifest.films[3].path).write_bytes(b"")
    Path(manifest.films[5].path).unlink()
    with pytest.raises(
        InputError, match=r"2 films of the manifest cannot be used(?s:.*)film03: (?s:.*)film05"
    ):
        find_duplicates(manifest, Local(1))


def test_no_films() -> None:
    assert find_duplicates(Manifest([], Header("manifest")), Local(2)).pairs == ()


def test_a_workers_imports_hold_no_torch() -> None:
    code = "import sys, hilum.stages.duplicates; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_torch_has_its_threads_after_a_search_in_the_same_process() -> None:
    """Faiss and torch may have one OpenMP, and faiss is told to take one thread."""
    with threads(2):
        stage.near_copies(["a", "b", "c"], np.eye(64, dtype=np.uint8)[None].repeat(3, 0) * 200, Local(0))
        assert torch.get_num_threads() == 2


def test_a_film_that_changed_since_ingest_is_refused_by_name(tmp_path: Path) -> None:
    rows = []
    for k in range(3):
        Image.fromarray(np.eye(64, dtype=np.uint8) * (40 + 40 * k)).save(tmp_path / f"{k}.png")
        rows.append(row(tmp_path / f"{k}.png"))
    shutil.copy(tmp_path / "0.png", tmp_path / "2.png")
    with pytest.raises(InputError, match="1 film of the manifest cannot be used; ingest again") as refused:
        find_duplicates(Manifest(rows, Header("manifest", options={"no_patient_ids": ["made"]})), Local(2))
    assert "made/2: changed since ingest: film 'made/2' is not what it was" in str(refused.value)

"""Folders that commands list: the same films for every command, and a reason for everything else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.sources.layout import IngestOptions
from hilum.sources.named_films import named_films
from hilum.sources.places import unique_tails
from hilum.sources.tree import films_in
from hilum.stages.ingest import ingest

APPLE_DOUBLE = b"\0\5\x16\7\0\2\0\0Mac OS X        "


def film(path: Path, ending: str = "png") -> Path:
    """A film; no two alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(map(ord, str(path)))
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20), np.uint8)).save(path, ending)
    return path


@pytest.fixture
def cluttered(tmp_path: Path) -> Path:
    """A folder of films with what systems and people leave beside them."""
    root = tmp_path / "F"
    for name in ("covid/images/IM0001", "covid/images/c1.png", "covid/masks/c1.png", "covid/masks/gone.png"):
        film(root / name)
    for name in ("normal/images/1.2.840.7", "normal/images/n1.jpeg", "normal/masks/n1_mask.png"):
        film(root / name)
    for name in (".trash/a.png", "covid/images/.c1.png", "__MACOSX/covid/c1.png", "@eaDir/c1.png"):
        film(root / name)
    (root / "covid/images/._c1.png").write_bytes(APPLE_DOUBLE)
    for name in ("Thumbs.db", ".DS_Store", "DICOMDIR", "read.me", "notes.txt"):
        (root / name).write_bytes(b"\0" * 128 + b"DICM" if name == "DICOMDIR" else b"text")
    film(tmp_path / "elsewhere" / "l1.png")
    (root / "normal" / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "normal" / "loop").symlink_to(root)
    (root / "normal" / "gone.png").symlink_to(tmp_path / "gone.png")
    (root / "normal" / "self.png").symlink_to("self.png")
    return root


FILMS = {
    "covid/images/IM0001",
    "covid/images/c1.png",
    "normal/images/1.2.840.7",
    "normal/images/n1.jpeg",
    "normal/linked/l1.png",
}
REASONS = {
    ".DS_Store": "not a film file",
    ".trash/": "not a film file",
    "@eaDir/": "not a film file",
    "DICOMDIR": "not a film file",
    "Thumbs.db": "not a film file",
    "__MACOSX/": "not a film file",
    "covid/images/._c1.png": "not a film file",
    "covid/images/.c1.png": "not a film file",
    "covid/masks/c1.png": "lung mask",
    "covid/masks/gone.png": "lung mask",
    "normal/gone.png": "no such file",
    "normal/self.png": "no such file",
    "normal/loop/": "folder loop",
    "normal/masks/n1_mask.png": "lung mask",
    "notes.txt": "not a film file",
    "read.me": "not a film file",
}


def test_every_file_of_a_folder_is_a_film_or_has_a_reason(cluttered: Path) -> None:
    listed, others = films_in(cluttered)
    assert set(listed) == FILMS
    assert {o.path: o.reason for o in others} == REASONS
    details = {o.path: o.detail for o in others}
    assert "AppleDouble" in details["covid/images/._c1.png"]
    assert details["covid/masks/gone.png"] == "no film has its name"


def test_ingest_and_the_other_commands_list_the_same_films(cluttered: Path, tmp_path: Path) -> None:
    done = ingest([str(cluttered)], tmp_path / "m.csv", IngestOptions(["F"]), engine=Local(0))
    assert {os.path.relpath(f.path, cluttered) for f in done.manifest.films} == FILMS
    masks = {os.path.relpath(f.lung_mask, cluttered) for f in done.manifest.films if f.lung_mask}
    assert masks == {"covid/masks/c1.png", "normal/masks/n1_mask.png"}
    without_masks = {p: r for p, r in REASONS.items() if p not in masks}
    assert {e.path: e.reason for e in done.exclusions} == {
        **without_masks,
        "covid/masks/gone.png": "mask without a film",
    }

    named = named_films([cluttered])
    assert {r.image_id for r in named.rows} == FILMS
    assert {p: r for r, files in named.left_out.items() for p in files} == REASONS
    assert named.notes() == [
        "left out, folder loop: 1 (normal/loop/)",
        "left out, lung mask: 3 (covid/masks/c1.png, covid/masks/gone.png, normal/masks/n1_mask.png)",
        "left out, no such file: 2 (normal/gone.png, normal/self.png)",
        "left out, not a film file: 10 (.DS_Store, .trash/, @eaDir/, ...)",
    ]


def test_films_are_named_apart_without_the_machines_folders(tmp_path: Path) -> None:
    for name in ("a/covid/1.png", "b/covid/1.png", "b/covid/2.png"):
        film(tmp_path / name)
    one = named_films([tmp_path / "a", tmp_path / "a/covid/1.png"])
    assert [r.image_id for r in one.rows] == ["covid/1.png"]
    both = named_films([tmp_path / "a", tmp_path / "b"])
    assert [r.image_id for r in both.rows] == ["a/covid/1.png", "b/covid/1.png", "b/covid/2.png"]
    row = FilmRow("a/covid/1.png", "", str(tmp_path / "b/covid/2.png"), "", "", "covid", "s")
    Manifest([row], Header("manifest", options={"no_patient_ids": ["s"]})).write(tmp_path / "m.CSV")
    mixed = named_films([tmp_path / "m.CSV", tmp_path / "a/covid/1.png", tmp_path / "b/covid/1.png"])
    assert mixed.rows[0].image_id == "a/covid/1.png"
    assert len({r.image_id for r in mixed.rows}) == 3
    assert unique_tails([], ()) == []


def test_what_cannot_be_listed_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: no such film, folder or manifest"):
        named_films([tmp_path / "gone"])
    (tmp_path / "F").mkdir()
    (tmp_path / "F" / "a.txt").write_text("x")
    with pytest.raises(InputError, match=r"F: no film in this folder .*; it holds 1 other file or folder"):
        named_films([tmp_path / "F"])


def test_every_row_of_a_manifest_counts(tmp_path: Path) -> None:
    one, two = film(tmp_path / "1.png"), film(tmp_path / "2.png")
    header = Header("manifest", options={"no_patient_ids": ["s"]})
    rows = [FilmRow(f"s/{k}", "", str(one), "", "", "covid", "s") for k in range(2)]
    Manifest(rows, header).write(tmp_path / "m.csv")
    named = named_films([one, tmp_path / "m.csv", one, two, tmp_path / "m.csv"])
    assert [r.image_id for r in named.rows] == ["s/0", "s/1", "2.png"]
    Manifest([FilmRow("s/0", "", str(two), "", "", "covid", "s")], header).write(tmp_path / "n.csv")
    with pytest.raises(
        InputError, match=r"different films of one image_id: 's/0' \(1 ids\); give one manifest"
    ):
        named_films([tmp_path / "m.csv", tmp_path / "n.csv"])

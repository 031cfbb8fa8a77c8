"""A known truth for near copies: Normal-63 ... Normal-1403 of the Radiography Database are the 1341 training normals
of Chest X-Ray Images (Pneumonia), in the order of their names. Needs HILUM_FILMS."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import pixels_sha256, sha256_file
from hilum.core.engine import Local
from hilum.imaging.decode import decode_file
from hilum.imaging.duplicates import CORRELATION, DETAIL, align, propose, sketch
from hilum.stages.duplicates import find_duplicates

FIRST, N_KNOWN = 63, 1341


@pytest.fixture(scope="module")
def folder() -> Path:
    named = os.environ.get("HILUM_FILMS")
    if not named:
        pytest.skip("set HILUM_FILMS to the folder of the real films")
    folder = Path(named)
    if not (folder / "radiography").is_dir() or not (folder / "mooney").is_dir():
        pytest.skip("HILUM_FILMS has no radiography and mooney")
    return folder


def mooney_normals(folder: Path) -> list[Path]:
    found = (folder / "mooney" / "chest_xray" / "train" / "NORMAL").iterdir()
    return sorted(found, key=lambda p: p.stem)  # by stem: "IM-0429-0001" comes before "IM-0429-0001-0001"


def radiography_normal(folder: Path, number: int) -> Path:
    return (
        folder / "radiography" / "COVID-19_Radiography_Dataset" / "Normal" / "images" / f"Normal-{number}.jpg"
    )


def row(path: Path, image_id: str) -> FilmRow:
    sha = pixels_sha256(decode_file(path).pixels)
    return FilmRow(image_id, "", str(path), sha256_file(path), sha, "normal", image_id.split("/")[0])


def measured(pairs: set[tuple[str, str]], known: set[tuple[str, str]]) -> tuple[float, float]:
    """Recall, and precision of pairs across the two sources."""
    across = {p for p in pairs if p[0].split("/")[0] != p[1].split("/")[0]}
    return len(pairs & known) / len(known), len(across & known) / len(across)


def search(folder: Path, known_numbers: range, others: range) -> tuple[float, float, int]:
    normals = mooney_normals(folder)
    assert len(normals) == N_KNOWN
    films = [row(radiography_normal(folder, k), f"radiography/Normal-{k}") for k in [*known_numbers, *others]]
    films += [row(normals[k - FIRST], f"mooney/{normals[k - FIRST].stem}") for k in known_numbers]
    options = {"no_patient_ids": ["radiography", "mooney"]}
    found = find_duplicates(Manifest(films, Header("manifest", options=options)), Local(2))
    in_group = {tuple(sorted((a, b))) for g in found.groups for a in g for b in g if a < b}
    known = {
        tuple(sorted((f"mooney/{normals[k - FIRST].stem}", f"radiography/Normal-{k}"))) for k in known_numbers
    }
    recall, precision = measured(in_group, known)  # type: ignore[arg-type]
    return recall, precision, max(len(g) for g in found.groups)


def test_some_known_pairs(folder: Path) -> None:
    recall, precision, largest = search(folder, range(63, 213), range(2000, 2150))
    assert recall == 1.0
    assert precision == 1.0
    assert largest == 2


def test_all_known_pairs_among_4000_films(folder: Path) -> None:
    """The few other pairs across the sources are links through films that are in one source twice."""
    recall, precision, largest = search(folder, range(FIRST, FIRST + N_KNOWN), range(2000, 3400))
    assert recall == 1.0
    assert precision >= 0.99
    assert largest <= 5


def test_planted_copies_of_real_films(folder: Path) -> None:
    """Each of 100 films is stored once more in one of five ways; all are found."""
    paths = [radiography_normal(folder, k) for k in range(3000, 3300)]
    films = [decode_file(p).pixels for p in paths]
    rng = np.random.default_rng(0)
    sketches = [sketch(f) for f in films]
    for k in range(100):
        image = Image.fromarray(films[k])
        match k % 5:
            case 0:
                image = image.resize((150, 190), Image.Resampling.BICUBIC)
            case 1:
                left, top, right, bottom = rng.uniform(0, 0.05, 4) * 224
                image = image.crop((round(left), round(top), 224 - round(right), 224 - round(bottom)))
            case 2:
                image = image.point(lambda v: int(v * 0.75 + 30))
            case 3:
                image = Image.fromarray(np.pad(films[k], ((9, 30), (0, 22))))
        stored = io.BytesIO()
        image.save(stored, "JPEG", quality=60)
        sketches.append(sketch(np.asarray(Image.open(stored))))
    proposals = propose(np.stack(sketches))
    found = align(np.stack(sketches), proposals)
    good = (found.correlation >= CORRELATION) & (found.detail >= DETAIL)
    pairs = set(zip(proposals.first[good].tolist(), proposals.second[good].tolist(), strict=True))
    wanted = {(k, 300 + k) for k in range(100)}
    assert len(wanted & pairs) >= 99
    assert len(pairs - wanted) <= 2  # a film that the set itself holds twice

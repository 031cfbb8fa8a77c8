"""A known truth for near copies: Normal-63 ... Normal-1403 of the Radiography Database are the 1341 training normals
of Chest X-Ray Images (Pneumonia), in the order of their names. Needs HILUM_FILMS."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.planted_copies import WAYS, planted

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import pixels_sha256, sha256_file
from hilum.core.engine import Local
from hilum.imaging.copy_views import VIEWS, WINDOWS, Proposals, learn, nearest, windows_index
from hilum.imaging.decode import decode_file
from hilum.imaging.duplicates import align, sketch
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


def known_pairs(folder: Path, known_numbers: range, others: range) -> tuple[float, float, int]:
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
    recall, precision, largest = known_pairs(folder, range(63, 213), range(2000, 2150))
    assert recall == 1.0
    assert precision == 1.0
    assert largest == 2


@pytest.mark.slow
def test_all_known_pairs_among_4000_films(folder: Path) -> None:
    """The few other pairs across the sources are links through films that are in one source twice."""
    recall, precision, largest = known_pairs(folder, range(FIRST, FIRST + N_KNOWN), range(2000, 3400))
    assert recall == 1.0
    assert precision >= 0.99
    assert largest <= 5


class Planted:
    """Real films, some of which are stored once more in one way after another and looked for among all."""

    def __init__(self, folder: Path, n_copied: int, n_others: int) -> None:
        numbers = np.random.default_rng(1).permutation(np.arange(1404, 10193))[: n_copied + n_others]
        films = [decode_file(radiography_normal(folder, k)).pixels for k in numbers]
        self.originals = films[:n_copied]
        self.sketches = np.stack([sketch(f) for f in films])
        self.projection = learn(self.sketches)
        self.index = windows_index(self.projection(self.sketches, WINDOWS).astype(np.float16))
        found = self.confirmed(nearest(self.index, self.projection(self.sketches[:n_copied], VIEWS), 0, 8))
        self.twins = {pair for a, b in found for pair in ((a, b), (b, a))}

    def confirmed(
        self, proposals: Proposals, copies: NDArray[np.uint8] | None = None
    ) -> list[tuple[int, int]]:
        among = self.sketches if copies is None else np.concatenate([self.sketches, copies])
        good = align(among, proposals).copies
        return list(zip(proposals.first[good].tolist(), proposals.second[good].tolist(), strict=True))

    def stored(self, way: str) -> tuple[float, float]:
        """Recall and precision; the copy of a film that the set itself holds twice may be found beside both."""
        copies = np.stack([sketch(f) for f in planted(self.originals, way)])
        n, m = len(self.sketches), len(copies)
        found = self.confirmed(nearest(self.index, self.projection(copies, VIEWS), n, 8), copies)
        known = {(a, b - n) for a, b in found}
        right = {(a, b) for a, b in known if a == b}
        return len(right) / m, 1 - len(known - right - self.twins) / max(len(known), 1)


def test_copies_planted_in_real_films(folder: Path) -> None:
    films = Planted(folder, 40, 160)
    for way in ("turned by 5 degrees", "cropped to 70 % of each side", "a box"):
        recall, precision = films.stored(way)
        assert recall >= 0.95, way
        assert precision == 1.0, way


@pytest.mark.slow
def test_copies_of_every_kind_planted_among_5000_films(folder: Path) -> None:
    """The table of docs/how-to/split-and-audit.md."""
    films = Planted(folder, 300, 5000)
    found = {way: films.stored(way) for way in WAYS}
    for way, (recall, precision) in found.items():
        print(f"| {way} | {recall:.3f} | {precision:.3f} |", flush=True)
    assert min(recall for recall, _ in found.values()) >= 0.95
    assert min(precision for _, precision in found.values()) >= 0.99

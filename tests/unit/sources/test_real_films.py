"""The public sets themselves, where they are at hand: counts as their owners state them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hilum.sources.layout import IngestOptions
from hilum.stages.ingest import Ingested, ingest


@pytest.fixture
def real_films() -> Path:
    if not (folder := os.environ.get("HILUM_FILMS")):
        pytest.skip("set HILUM_FILMS to a folder of the public sets")
    return Path(folder)


def by_label(done: Ingested) -> dict[str, tuple[int, int | None]]:
    return {c.label: (c.films, c.patients) for c in done.counts}


def test_cohen(real_films: Path, tmp_path: Path) -> None:
    done = ingest([str(real_films / "cohen")], tmp_path / "m.csv")
    reasons = {reason: n for (_, reason), n in done.excluded.items()}
    assert reasons["no row in metadata"] == 13
    assert reasons["no such file"] == 751 - (642 - 13) - reasons["listed twice"]
    assert len(done.manifest) + len(done.exclusions) == 751 + 13
    assert {f.view for f in done.manifest.films} == {"PA", "AP", "AP Supine"}


def test_nih(real_films: Path, tmp_path: Path) -> None:
    done = ingest([str(real_films / "nih")], tmp_path / "m.csv")
    assert {c.label: c.films for c in done.counts} == {"normal": 200, "lung_opacity": 155}
    assert done.manifest.count_by("age_group")["child"] == 27


def test_nlm(real_films: Path, tmp_path: Path) -> None:
    """Some films of Shenzhen and Montgomery, all with a mask of both lungs, without readings."""
    done = ingest([str(real_films / "nlm")], tmp_path / "m.csv")
    assert {c.label: (c.films, c.patients) for c in done.counts} == {
        "normal": (62, 62),
        "tuberculosis": (58, 58),
    }
    assert all(f.lung_mask for f in done.manifest.films)
    assert {c.layout for c in done.counts} == {"nlm-tb"}


@pytest.mark.slow
def test_mooney(real_films: Path, tmp_path: Path) -> None:
    done = ingest([str(real_films / "mooney")], tmp_path / "m.csv")
    counts = by_label(done)
    assert counts["bacterial"] == (2772, 1430)
    assert counts["viral"] == (1493, 1216)
    assert counts["normal"][0] == 1575
    of = {c: {f.patient_id for f in done.manifest.films if f.label == c} for c in ("bacterial", "viral")}
    assert len(of["bacterial"] & of["viral"]) == 979


@pytest.mark.slow
def test_radiography(real_films: Path, tmp_path: Path) -> None:
    source = str(real_films / "radiography")
    done = ingest([source], tmp_path / "m.csv", IngestOptions(["radiography"]))
    assert by_label(done) == {"covid": (3616, None), "normal": (10192, None)}
    assert (
        len(
            done.manifest.only(
                f.image_id for f in done.manifest.films if f.label == "normal" and f.age_group == "child"
            )
        )
        == 1341
    )
    assert done.exclusions == ()

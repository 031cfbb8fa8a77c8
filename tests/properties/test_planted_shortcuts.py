"""Shortcuts planted in synthetic films: the probe of the audit that should see one gives the alarm, those that cannot give none, and clean
sets give none. The films have the signs of their classes, which a thumbnail and the exposure show: these two give no alarm at all.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import sha256_file
from hilum.stages.audit.probes import look, probes
from hilum.synthetic.confounders import CONFOUNDERS, Confounder
from hilum.synthetic.phantom import make_films

MUST_SEE = {
    "marker": "border",
    "border": "border",
    "resolution": "metadata",
    "age": "metadata",
    "grain": "grain",
}
CANNOT_SEE = {
    "marker": {"source", "metadata", "container", "grain"},
    "border": {"source", "metadata", "container"},  # a frame is an edge, which is rough
    "resolution": {"source", "container"},  # fewer pixels are less rough
    "age": {"source", "container"},  # a child is narrower, and its border darker
    "grain": {"source", "metadata", "container"},  # noise on black is brighter than black
}


def audited(
    folder: Path, seed: int, confounder: Confounder | None, n_films: int = 300
) -> list[Mapping[str, object]]:
    """The audit's rows of probes for films of a seed."""
    table = make_films(folder, n_films, seed, 96, confounder)
    films = []
    for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        path = folder / row["path"]
        with Image.open(path) as film:
            width, height = film.size
        films.append(
            FilmRow(
                row["path"], row["patient_id"], str(path), sha256_file(path), row["path"], row["label"], "synthetic",
                view=row["view"], age_group=row["age_group"], width_px=width, height_px=height,
            )
        )  # fmt: skip
    manifest = Manifest(films, Header("manifest"))
    return probes(look(manifest, 1), {f.image_id: f.patient_id for f in films}, "covid", 1)


def alarmed(rows: list[Mapping[str, object]]) -> set[str]:
    return {str(r["name"]) for r in rows if r["alarm"]}


def test_a_frame_of_another_grey_is_seen_by_the_border_and_films_without_it_give_no_alarm(
    tmp_path: Path,
) -> None:
    clean = audited(tmp_path / "clean", 1, None, 160)
    assert alarmed(clean) == set()
    seen = alarmed(audited(tmp_path / "framed", 1, Confounder("border", 0.9), 160))
    assert "border" in seen
    assert not seen & CANNOT_SEE["border"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_clean_set_gives_no_alarm(tmp_path: Path, seed: int) -> None:
    assert alarmed(audited(tmp_path, seed, None)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONFOUNDERS)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_planted_shortcut_is_seen_by_the_probe_that_should(
    tmp_path: Path, kind: str, share: float, seed: int
) -> None:
    seen = alarmed(audited(tmp_path, seed, Confounder(kind, share)))
    if share == 0.5:
        assert seen == set()
    else:
        assert MUST_SEE[kind] in seen
        assert not seen & CANNOT_SEE[kind]

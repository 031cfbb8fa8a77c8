"""A film is decoded once, equal pixels are kept once, and what is drawn does not depend on the chunk."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.features import FeatureRows
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.prepared import PreparedStore, Wanted
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import preset
from hilum.core.digests import pixels_sha256
from hilum.core.errors import FilmError
from hilum.core.seeding import generator
from hilum.stages import prepare
from hilum.stages.prepare import Chunk, plan, prepare_chunk, prepare_film, tasks_of

PIPELINES = {name: preset(name, 48) for name in ("baseline", "crop", "crop-distortion")}


def films(folder: Path, n: int) -> dict[str, FilmRow]:
    rows = {}
    for k in range(n):
        pixels = generator(1, "film", k).integers(0, 256, (60, 50), dtype=np.uint8)
        path = folder / f"{k}.png"
        Image.fromarray(pixels).save(path)
        rows[f"s/{k}"] = FilmRow(f"s/{k}", "", str(path), "", pixels_sha256(pixels), "covid", "s")
    return rows


def wanted(rows: dict[str, FilmRow]) -> dict[str, list[Wanted]]:
    return {
        i: [Wanted(p, part, 7, c) for p in PIPELINES for part in ("train", "test") for c in range(2)]
        for i in rows
    }


def run(rows: dict[str, FilmRow], folder: Path) -> dict[tuple[str, Wanted], tuple[str, str]]:
    store = PreparedStore(folder)
    found = {}
    chunks = plan(rows, wanted(rows), PIPELINES)
    for chunk, task in zip(chunks, tasks_of(chunks, folder.parent, folder), strict=True):
        assert Chunk.read(task[0]) == chunk
        assert prepare_chunk(task) == len(chunk.films)
        for row in store.read(chunk.key)[0]:
            film = FeatureRows(store.locations([row.digest])).take(slice(None))[0]
            assert pixels_sha256(np.asarray(film)) == row.digest
            found[row.image_id, row.wanted] = (row.digest, str(row.drawn))
    return found


def test_every_wanted_film_is_there_and_is_what_the_pipeline_makes(tmp_path: Path) -> None:
    rows = films(tmp_path, 12)
    found = run(rows, tmp_path / "prepared")
    assert len(found) == 12 * 3 * 2 * 2
    for (image_id, w), (digest, _) in found.items():
        film = np.asarray(Image.open(rows[image_id].path))
        pipeline = PIPELINES[w.pipeline]
        drawn = pipeline.draw(w.seed, rows[image_id].pixels_sha256, w.copy, w.part, *film.shape)
        assert digest == pixels_sha256(pipeline.apply(film, drawn))


def test_the_cut_into_tasks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = films(tmp_path, 12)
    whole = run(rows, tmp_path / "a")
    monkeypatch.setattr(prepare, "CHUNK", 5)
    assert run(rows, tmp_path / "b") == whole


def test_films_that_chance_left_alone_are_shared(tmp_path: Path) -> None:
    rows = films(tmp_path, 12)
    found = run(rows, tmp_path / "prepared")
    undrawn = {i: d for (i, w), (d, drawn) in found.items() if drawn == "[]"}
    for (i, _), (d, drawn) in found.items():
        assert (d == undrawn[i]) == (drawn == "[]")


def test_pipelines_whose_fixed_steps_differ_share_nothing() -> None:
    film = generator(1, "film").integers(0, 256, (60, 50), dtype=np.uint8)
    both = {name: preset(name, 48) for name in ("baseline", "centre-crop")}
    rows, pixels = prepare_film(film, "sha", [Wanted(name, "test", 7) for name in both], both)
    assert [drawn for _, _, drawn in rows] == [[], []]
    assert [d for _, d, _ in rows] == [pixels_sha256(p.deterministic(film)) for p in both.values()]
    assert len(pixels) == 2


def test_a_film_that_changed_is_refused(tmp_path: Path) -> None:
    rows = films(tmp_path, 2)
    Image.fromarray(np.eye(60, 50, dtype=np.uint8)).save(rows["s/1"].path)
    with pytest.raises(
        FilmError,
        match=r"film 's/1' is not what it was when the manifest was made; run `hilum ingest` again",
    ):
        run(rows, tmp_path / "prepared")


def test_another_pipeline_of_the_same_name_is_another_task(tmp_path: Path) -> None:
    rows = films(tmp_path, 2)
    other = {**PIPELINES, "crop": Pipeline.from_dict({**preset("crop-zoom", 48).to_dict(), "name": "crop"})}
    keys = {plan(rows, wanted(rows), p)[0].key for p in (PIPELINES, other)}
    assert len(keys) == 2

"""A study whose pipelines read lungs: phantoms with their true masks, some of which are of no use, through run, report and predict."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.drawn_films import DrawnFilms
from hilum.artifacts.flow import WITH_LUNGS, Flow
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.masks import SIDE_PX, MaskStore
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run import RunRecord
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import pixels_sha256
from hilum.core.engine import Local
from hilum.core.errors import DigestError, InputError
from hilum.core.seeding import generator
from hilum.segment.network import LungNet
from hilum.segment.segmenter import Segmenter, write_weights
from hilum.stages.ingest import ingest
from hilum.stages.predict import predict_films
from hilum.study.file import read_study
from hilum.synthetic.phantom import draw
from hilum.workflow.lungs import find_lungs
from hilum.workflow.run import run_study
from hilum.workflow.state import Run
from hilum.workflow.workspace import Workspace

STUDY = """
name = "lungs"
seed = 4
[grid]
backbones = ["squeezenet1_0"]
pipelines = ["baseline", "erased", "cropped"]
trials = 1
[weights]
squeezenet1_0 = "none"
[lungs]
model = "UNTRAINED"
[augment]
size_px = 48
[[augment.pipeline]]
name = "erased"
steps = [
  { op = "rotate", max_left_rotation = 9, max_right_rotation = 9, probability = 0.5 },
  { op = "erase_lungs", margin = 0.02 },
  { op = "resize", width_px = 48, height_px = 48 },
]
[[augment.pipeline]]
name = "cropped"
steps = [{ op = "crop_to_lungs" }, { op = "resize", width_px = 48, height_px = 48 }]
[features]
precision = "fp32"
[training]
epochs = 1
[statistics]
resamples = 100
"""
N, PX = 60, 96


def films(folder: Path, masks: bool) -> Path:
    """A manifest of phantoms of two classes, with their true masks but for two that have one lung, and one that has none."""
    folder.mkdir()
    rows = ["path,label,patient_id" + (",lung_mask" if masks else "")]
    for k in range(N):
        label = ("normal", "covid")[k % 2]
        film = draw(label, generator(5, "lungs study", k), PX)
        Image.fromarray(film.pixels).save(folder / f"{k}.png")
        lung = film.lung_mask.copy()
        if k in (10, 21):
            lung[:, : PX // 2] = False
        if k == 33:
            lung[:] = False
        Image.fromarray(np.where(lung, 255, 0).astype(np.uint8)).save(folder / f"{k}_mask.png")
        rows.append(f"{k}.png,{label},p{k}" + (f",{k}_mask.png" if masks else ""))
    (folder / "films.csv").write_text("\n".join(rows) + "\n")
    ingest([f"clinic={folder / 'films.csv'}"], folder / "manifest.csv", engine=Local(0))
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lungs")
    films(root / "films", True)
    write_weights(root / "untrained.safetensors", LungNet())
    (root / "study.toml").write_text(STUDY.replace("UNTRAINED", str(root / "untrained.safetensors")))
    return root


def run_it(where: Path, *overrides: str) -> Path:
    manifest = where / "films" / "manifest.csv"
    study = read_study(where / "study.toml", overrides)
    return run_study(study, manifest, where / "w", Local(0), "test")[0].parent


@pytest.fixture(scope="module")
def run(where: Path) -> Path:
    return run_it(where)


def test_films_without_a_usable_mask_are_in_no_part_and_counted(run: Path) -> None:
    flow = Flow.of_run(run)
    assert flow is not None
    (step,) = (s for s in flow.steps if s.name == WITH_LUNGS)
    assert (step.films, dict(step.left_out)) == (
        N - 3,
        {"no usable lung mask: one lung": 2, "no usable lung mask: no lung found": 1},
    )
    assert flow.films == N - 3 == len(Manifest.read(run / "manifest.csv"))
    parts = [DrawnFilms.read(p).parts for p in sorted((run / "prepared").glob("*.json"))]
    ids = [{f.image_id for films in of.values() for f in films} for of in parts]
    assert ids[0] == ids[1] == ids[2]
    assert not {f"clinic/{k}" for k in (10, 21, 33)} & ids[0]
    assert "no usable lung mask" in (run / "report.html").read_text()


def test_every_prepared_film_replays_from_its_list_and_the_store(where: Path, run: Path) -> None:
    record, store = RunRecord.read(run / "run.json"), MaskStore(where / "w" / "masks")
    by_id = Manifest.read(run / "manifest.csv").by_id
    for name in ("erased", "cropped"):
        pipeline = Pipeline.from_dict(record.pipelines[name])
        (path,) = (run / "prepared").glob(f"{name}--trial-1.json")
        for film in (f for of in DrawnFilms.read(path).parts.values() for f in of):
            row = by_id[film.image_id]
            pixels = np.asarray(Image.open(row.path))
            mask = store.find(row.pixels_sha256)
            assert mask is not None
            made = pipeline.apply(pixels, film.drawn, None if name == "cropped" else mask.mask)
            assert pixels_sha256(made) == film.pixels_sha256


def test_a_study_that_finds_its_masks_again_computes_nothing(where: Path, run: Path) -> None:
    def kept() -> dict[Path, int]:
        folders = [where / "w" / name for name in ("masks", "prepared", "features", "trials")]
        return {p: p.stat().st_mtime_ns for f in folders for p in f.rglob("*.json")}

    before, page = kept(), (run / "report.html").read_bytes()
    assert run_it(where) == run
    assert kept() == before
    assert (run / "report.html").read_bytes() == page


def test_a_study_may_refuse_films_without_lungs(where: Path) -> None:
    words = r"3 of 60 films cannot be used \(no usable lung mask: one lung: 2, no usable lung mask: no lung found: 1\)"
    with pytest.raises(InputError, match=words):
        run_it(where, "lungs.failed=refuse")


PROBES = ('grid.pipelines=["baseline"]', 'probes.kinds=["lungs-erased", "lungs-only"]')


def test_a_probe_that_reads_lungs_changes_no_films_and_says_what_stood_in(where: Path) -> None:
    probed = run_it(where, *PROBES)
    flow = Flow.of_run(probed)
    assert flow is not None
    assert flow.films == N == len(Manifest.read(probed / "manifest.csv"))
    assert WITH_LUNGS not in [s.name for s in flow.steps]
    record = RunRecord.read(probed / "run.json")
    assert record.lungs_from == {"source": {"covid": 28, "normal": 29}, "stand-in": {"covid": 2, "normal": 1}}
    page = (probed / "report.html").read_text()
    assert "3 films of 60 had no usable lung mask: 2 of 30 covid and 1 of 30 normal." in page
    assert "lungs-by-two-makers" not in page

    store, by_id = MaskStore(where / "w" / "masks"), Manifest.read(probed / "manifest.csv").by_id
    own = [store.read([f.pixels_sha256], "source")[f.pixels_sha256] for f in by_id.values()]
    typical = np.mean([m.lung for m in own if not m.failed], axis=0) >= 0.5
    (origin,) = (o for o in store.origins if o.startswith("stand-in"))
    erased = Pipeline.from_dict(record.pipelines["baseline-lungs-erased"])
    for path in (probed / "prepared").glob("baseline-lungs-erased--trial-1.json"):
        drawn = {f.image_id: f for of in DrawnFilms.read(path).parts.values() for f in of}
    for k in (10, 21, 33):
        row = by_id[f"clinic/{k}"]
        mask = store.read([row.pixels_sha256], origin)[row.pixels_sha256].mask
        np.testing.assert_array_equal(mask > 127, typical)
        pixels = np.asarray(Image.open(row.path))
        assert (
            pixels_sha256(erased.apply(pixels, drawn[row.image_id].drawn, mask))
            == drawn[row.image_id].pixels_sha256
        )


def test_stand_ins_are_found_again_and_lungs_of_probes_that_were_not_asked_for_not_looked_for(
    where: Path,
) -> None:
    def lungs_of(*only: str) -> Run:
        study, manifest = (
            read_study(where / "study.toml", PROBES),
            Manifest.read(where / "films" / "manifest.csv"),
        )
        asked = Run(study, manifest, Workspace(where / "w"), Local(0), only=only)
        find_lungs(asked)
        return asked

    stood_in = lungs_of().lungs_from["stand-in"]
    shards = sorted((where / "w" / "masks").rglob("*.json"))
    assert lungs_of().lungs_from["stand-in"] == stood_in == {"covid": 2, "normal": 1}
    assert sorted((where / "w" / "masks").rglob("*.json")) == shards
    model = lungs_of("squeezenet1_0--baseline--constant")
    assert (model.lines, model.lungs_from) == ([], {})


def test_where_only_probes_read_lungs_a_study_may_still_refuse(where: Path) -> None:
    with pytest.raises(InputError, match="3 of 60 films cannot be used"):
        run_it(where, *PROBES, "lungs.failed=refuse")


@pytest.mark.slow
def test_a_study_that_reads_no_lungs_has_none(where: Path) -> None:
    plain = run_it(where, 'grid.pipelines=["baseline"]')
    assert len(Manifest.read(plain / "manifest.csv")) == N
    bundle = json.loads(next(plain.rglob("bundle.json")).read_text())
    assert "lungs" not in bundle


def two_ellipses(films: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """A network that finds the same lungs in every film, and none in one with a white corner."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX
    both = (((x - 0.28) / 0.17) ** 2 + ((y - 0.5) / 0.3) ** 2 < 1) | (
        ((x - 0.72) / 0.17) ** 2 + ((y - 0.5) / 0.3) ** 2 < 1
    )
    mask = np.where(both, 255, 0).astype(np.uint8)
    return np.stack([mask * (f[0, 0] < 250) for f in films]), [1.0] * len(films)


@pytest.mark.slow
def test_predict_gives_what_the_study_gave_and_a_film_without_lungs_its_reason(
    where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Segmenter, "_found", lambda _, films: two_ellipses(films))
    found = run_it(where, "lungs.own=false", 'grid.pipelines=["erased", "cropped"]')
    assert len(Manifest.read(found / "manifest.csv")) == N
    bundle = next((found / "cells").glob("*cropped*")) / "trial-1" / "bundle"
    assert json.loads((bundle / "bundle.json").read_text())["lungs"]["convention"] == "lungs"
    study = Predictions.read(bundle.parent / "predictions.csv")
    white = np.asarray(Image.open(where / "films" / "0.png")).copy()
    white[:20, :20] = 255
    (where / "new").mkdir()
    Image.fromarray(white).save(where / "new" / "white.png")
    ids = [i for i, part in zip(study.image_ids, study.parts, strict=True) if part == "test"]
    paths = [where / "films" / f"{i.rpartition('/')[2]}.png" for i in ids]
    again = predict_films(bundle, [*paths, where / "new" / "white.png"], where / "again.csv", "cpu")
    assert [e for e in again.errors if e] == ["no usable lung mask: no lung found"]
    rows = {
        Path(i).name.removesuffix(".png"): p
        for i, p in zip(again.image_ids, again.probabilities, strict=True)
    }
    for image_id, p in zip(study.image_ids, study.probabilities, strict=True):
        if image_id in ids:
            np.testing.assert_allclose(rows[image_id.rpartition("/")[2]], p, atol=1e-9)  # digits of the csv
    assert np.isnan(rows["white"]).all()

    other = where / "other.safetensors"
    write_weights(other, LungNet(seed=1))
    value = json.loads((bundle / "bundle.json").read_text())
    value["lungs"]["weights"] = str(other)
    (where / "changed").mkdir()
    for name in ("head.safetensors", "gate.safetensors"):
        if (bundle / name).is_file():
            (where / "changed" / name).write_bytes((bundle / name).read_bytes())
    (where / "changed" / "bundle.json").write_text(json.dumps(value))
    with pytest.raises(DigestError, match="the lungs' network given is"):
        predict_films(where / "changed", paths[:1], where / "no.csv", "cpu")

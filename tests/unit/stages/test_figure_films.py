"""Films of the report's figures: torchvision's own operations, a box on a synthetic or a named film, and what is left of it."""

import json
import os
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from hilum.artifacts.run_files import BOX
from hilum.artifacts.run_folder import RunFolder
from hilum.augment.follow import Box
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import preset
from hilum.core.seeding import generator
from hilum.report import boxed_film
from hilum.report.panel import on_purpose
from hilum.stages.report.counterparts import counterparts
from hilum.synthetic.phantom import draw

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))


def _pipelines(*names, size_px=96):
    return {n: Pipeline.from_dict(on_purpose(preset(n, size_px).to_dict())) for n in names}


@pytest.fixture
def film():
    return draw("covid", generator(3, "film"), 128).pixels


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return FAKE["make_run"](tmp_path_factory.mktemp("box") / "run", trials=1, matrices={"all": FAKE["SMALL"]})


def test_torchvision_s_crop_is_torchvision_s_and_its_generator_is_left_alone(film):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    shown = dict(counterparts(film, _pipelines("crop-distortion", "crop-zoom"), seed=1))
    assert torch.equal(torch.get_rng_state(), before)
    assert list(shown) == [
        "as it is", "torchvision: perspective", "Augmentor: elastic", "torchvision: crop", "Augmentor: zoom",
    ]  # fmt: skip
    prepared = torch.from_numpy(shown["as it is"].film)[None]
    wanted = v2.functional.resize(v2.functional.center_crop(prepared, [77, 77]), [96, 96])
    assert np.array_equal(shown["torchvision: crop"].film, wanted[0].numpy())
    perspective = shown["torchvision: perspective"].film
    assert perspective.shape == (96, 96)
    assert (perspective == 0).mean() > (prepared.numpy() == 0).mean()  # corners that no grey reaches
    assert shown["Augmentor: zoom"].caption.startswith("zoom into 76×76 px")
    again = dict(counterparts(film, _pipelines("crop-distortion", "crop-zoom"), seed=1))
    assert all(np.array_equal(again[k].film, shown[k].film) for k in shown)


def test_an_operation_that_no_pipeline_has_is_left_out(film):
    shown = [t for t, _ in counterparts(film, _pipelines("crop", "crop-zoom"), seed=1)]
    assert shown == ["as it is", "torchvision: crop", "Augmentor: zoom"]


def test_without_a_box_it_is_the_largest_patch_of_a_synthetic_sign(run):
    folder = RunFolder(run)
    films, source = boxed_film.followed_box(folder, _pipelines("baseline", "crop"))
    assert source == "a synthetic film, the largest patch of its sign"
    phantom = draw("covid", generator(folder.record.seed, "boxed film"), 256)
    first = films[0]
    assert np.array_equal(first.film, phantom.pixels)
    (left, top), (right, bottom) = first.outline.min(axis=0), first.outline.max(axis=0)
    inside = phantom.sign_mask[round(top) : round(bottom), round(left) : round(right)]
    assert inside.any(axis=1).all()  # no row or column of the box is empty
    assert inside.any(axis=0).all()
    assert inside.sum() > phantom.sign_mask.sum() / 6
    assert [f.title for f in films] == ["as it was", "baseline", "crop"]
    assert [f.left for f in films[:2]] == [1.0, 1.0]


def test_a_named_film_and_box_are_kept_and_a_film_that_changed_is_not_taken_for_it(run, tmp_path, film):
    path = tmp_path / "film.png"
    Image.fromarray(film).save(path)
    try:
        # the centre crop of .9 leaves .05 to .95 of each side (to a pixel: 5 to 91 of 96): a box from 0 to .2 keeps .15/.2
        boxed_film.set_box(run, path, Box(0.0, 0.4, 0.2, 0.2))
        films, source = boxed_film.followed_box(RunFolder(run), _pipelines("crop"))
        assert source == "film.png, its box drawn by a reader"
        assert films[1].left == pytest.approx((0.2 * 96 - 5) / (0.2 * 96), abs=1e-9)
        assert json.loads((run / BOX).read_text())["box"] == "0,0.4,0.2,0.2"
        Image.fromarray(film[::-1]).save(path)
        assert boxed_film.followed_box(RunFolder(run), {})[1].endswith(
            "(the annotated film film.png is another one now)"
        )
        path.unlink()
        assert boxed_film.followed_box(RunFolder(run), {})[1].endswith(
            "(the annotated film film.png could not be read)"
        )
    finally:
        (run / BOX).unlink()


@pytest.mark.skipif(not os.environ.get("HILUM_FILMS"), reason="HILUM_FILMS names no folder of real films")
def test_a_radiologist_s_box_on_a_real_film_loses_what_the_crop_cuts():
    from hilum.imaging.decode import decode_file

    film = decode_file(Path(os.environ["HILUM_FILMS"]) / "nih" / "images" / "00000820_000.jpg").pixels
    box = Box(0.21289, 0.65137, 0.25195, 0.31641)
    found = boxed_film.box_under(film, box, _pipelines("baseline", "crop", size_px=244), seed=0)
    # the crop keeps 12 to 232 of 244 px; the box ends at .96778 * 244 = 236.1 px and is 77.2 px high
    bottom, height = (0.65137 + 0.31641) * 244, 0.31641 * 244
    assert [f.left for f in found] == pytest.approx([1.0, 1.0, 1 - (bottom - 232) / height])

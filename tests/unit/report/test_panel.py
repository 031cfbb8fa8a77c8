"""The augmentation panel: every step acts on purpose, captions say what was drawn, grey is not stretched."""

import numpy as np
import pytest

from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import preset
from hilum.core.digests import pixels_sha256
from hilum.report.panel import PanelCell, on_purpose, panel, panel_rows


@pytest.fixture
def film():
    return np.random.default_rng(3).integers(40, 200, (120, 100), dtype=np.uint8)


def test_on_purpose_every_step_acts_whatever_the_film():
    for name, n_steps in (("baseline", 0), ("crop", 1), ("crop-distortion", 2), ("crop-zoom", 2)):
        pipeline = Pipeline.from_dict(on_purpose(preset(name, 64, gate="augmentor").to_dict()))
        for k in range(20):
            acted = [d for d in pipeline.draw(k, f"film {k}", 0, "train", 80, 80) if d["op"] != "resize"]
            assert len(acted) == n_steps


def test_on_purpose_draws_what_the_pipeline_itself_would_draw():
    plain = preset("crop-zoom", 64)
    forced = Pipeline.from_dict(on_purpose(plain.to_dict()))
    both = 0
    for k in range(300):
        own = {d["step"]: d for d in plain.draw(0, f"film {k}", 0, "train", 80, 80)}
        every = {d["step"]: d for d in forced.draw(0, f"film {k}", 0, "train", 80, 80)}
        assert set(own) <= set(every)
        if any(d["op"] == "zoom_random" for d in own.values()):
            both += 1
            assert all(every[s] == own[s] for s in own if own[s]["op"] == "zoom_random")
    assert both > 10


def test_rows_hold_the_pipeline_s_own_film_and_caption(film):
    pipeline = Pipeline.from_dict(on_purpose(preset("crop-distortion", 64).to_dict()))
    ((name, (cell,)),) = panel_rows([("covid", film)], [pipeline], seed=7)
    drawn = pipeline.draw(7, pixels_sha256(film), 0, "train", 120, 100)
    assert name == "covid"
    assert cell.caption == pipeline.caption(drawn)
    assert "distortion" in cell.caption
    assert np.array_equal(cell.film, pipeline.apply(film, drawn))


def test_films_are_drawn_from_0_to_255_and_thinned_by_whole_steps(film):
    fig = panel(["a"], [("f", [PanelCell(film, "one; two")])], longest_side_px=60)
    (ax,) = fig.axes
    (image,) = ax.images
    assert np.array_equal(np.asarray(image.get_array()), film[::2, ::2])
    assert image.get_clim() == (0, 255)
    assert ax.get_xlabel() == "one\ntwo"

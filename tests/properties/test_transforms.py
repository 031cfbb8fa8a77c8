"""What must hold for every pipeline, film, seed and order of work."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.augment.pipeline import PARTS, Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.augment.sampling import sample_counts
from hilum.core.digests import pixels_sha256

probability = st.sampled_from([0.0, 0.1, 0.5, 1.0])
factors = st.tuples(st.floats(0.6, 1.0), st.floats(1.0, 1.5))
OPTIONS: dict[str, Any] = {
    "crop_centre": st.fixed_dictionaries(
        {"percentage_area": st.floats(0.3, 0.95), "randomise_percentage_area": st.booleans()}
    ),
    "crop_by_size": st.fixed_dictionaries(
        {"width_px": st.integers(8, 20), "height_px": st.integers(8, 20), "centre": st.booleans()}
    ),
    "rotate": st.fixed_dictionaries(
        {"max_left_rotation": st.integers(0, 25), "max_right_rotation": st.integers(0, 25)}
    ),
    "random_distortion": st.fixed_dictionaries(
        {"grid_width": st.integers(1, 6), "grid_height": st.integers(1, 6), "magnitude": st.integers(0, 9)}
    ),
    "zoom": factors.map(lambda f: {"min_factor": f[0], "max_factor": f[1]}),
    "zoom_random": st.fixed_dictionaries(
        {"percentage_area": st.floats(0.3, 0.95), "randomise_percentage_area": st.booleans()}
    ),
    "random_resized_crop": st.fixed_dictionaries(
        {"min_area": st.floats(0.05, 0.5), "max_area": st.floats(0.5, 1.0), "max_ratio": st.floats(0.75, 4.0)}
    ),
    "skew": st.fixed_dictionaries(
        {"skew_type": st.sampled_from(["random", "tilt", "corner"]), "magnitude": st.floats(0.01, 1.0)}
    ),
    "shear": st.fixed_dictionaries(
        {"max_shear_left": st.integers(1, 25), "max_shear_right": st.integers(1, 25)}
    ),
    "translate": st.fixed_dictionaries({"max_share": st.floats(0.01, 0.5)}),
    "random_brightness": factors.map(lambda f: {"min_factor": f[0], "max_factor": f[1]}),
    "random_contrast": factors.map(lambda f: {"min_factor": f[0], "max_factor": f[1]}),
    "flip_left_right": st.just({}),
    "crop_to_lungs": st.fixed_dictionaries({"margin": st.floats(0.0, 0.5)}),
    "erase_outside_lungs": st.fixed_dictionaries({"fill": st.one_of(st.just("mean"), st.integers(0, 255))}),
    "erase_lungs": st.fixed_dictionaries(
        {"margin": st.floats(0.0, 0.5), "shape": st.sampled_from(["mask", "box"])}
    ),
    "keep_border": st.fixed_dictionaries(
        {"share": st.floats(0.01, 0.49), "fill": st.one_of(st.just("mean"), st.integers(0, 255))}
    ),
    "thumbnail": st.fixed_dictionaries({"size": st.integers(2, 50)}),
    "shuffle_patches": st.fixed_dictionaries({"n": st.integers(2, 16), "seed": st.integers(0, 9)}),
    "equalize": st.just({}),
    "clahe": st.fixed_dictionaries({"clip_limit": st.floats(0.001, 1.0), "tiles": st.integers(1, 8)}),
    "gamma": st.fixed_dictionaries({"gamma": st.floats(0.1, 5.0)}),
    "complement": st.just({}),
    "bcet": st.fixed_dictionaries(
        {"low": st.floats(0, 100), "mean": st.floats(101, 199), "high": st.floats(200, 255)}
    ),
}
RESIZE = {"op": "resize", "width_px": 40, "height_px": 32}


@st.composite
def acting_steps(draw: Any) -> list[dict[str, Any]]:
    steps = []
    for op in draw(st.lists(st.sampled_from(sorted(OPTIONS)), min_size=1, max_size=3)):
        parts = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3, unique=True))
        steps += [{"op": op, "probability": draw(probability), "parts": parts, **draw(OPTIONS[op])}, RESIZE]
    return steps


pipelines = st.builds(
    lambda steps, gate: Pipeline.from_dict({"name": "any", "gate": gate, "steps": [RESIZE, *steps]}),
    acting_steps(),
    st.sampled_from(["exact", "augmentor"]),
)
films = st.builds(
    lambda height, width, seed: np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8),
    st.integers(16, 60),
    st.integers(16, 60),
    st.integers(0, 2**32 - 1),
)
seeds = st.integers(0, 2**31)
LUNGS = np.full((20, 30), 255, np.uint8)  # all of it, so that some is left whatever is cut away
some = settings(max_examples=60, deadline=None)


@some
@given(pipelines, films, seeds, st.integers(0, 5), st.sampled_from(PARTS))
def test_a_prepared_film_is_a_film_and_replays(
    pipeline: Pipeline, film: np.ndarray, seed: int, copy: int, part: str
) -> None:
    before = film.copy()
    drawn = pipeline.draw(seed, pixels_sha256(film), copy, part, *film.shape, LUNGS)
    made = pipeline.apply(film, drawn, LUNGS)
    assert made.dtype == np.uint8
    assert made.shape == pipeline.output_size == (32, 40)
    assert made.flags.c_contiguous
    np.testing.assert_array_equal(film, before)

    read_back = Pipeline.from_dict(json.loads(json.dumps(pipeline.to_dict())))
    assert read_back == pipeline
    assert read_back.digest == pipeline.digest
    assert read_back.draw(seed, pixels_sha256(film), copy, part, *film.shape, LUNGS.copy()) == drawn
    np.testing.assert_array_equal(read_back.apply(film, json.loads(json.dumps(drawn)), LUNGS), made)
    assert read_back.caption(drawn)


@some
@given(pipelines, st.lists(st.integers(0, 99), min_size=2, max_size=6, unique=True), seeds, st.randoms())
def test_draws_do_not_depend_on_order(pipeline: Pipeline, films: list[int], seed: int, random: Any) -> None:
    jobs = [(f"film-{i}", copy) for i in films for copy in range(2)]
    in_order = {job: pipeline.draw(seed, *job, "train", 40, 40, LUNGS) for job in jobs}
    random.shuffle(jobs)
    assert {job: pipeline.draw(seed, *job, "train", 40, 40, LUNGS) for job in jobs} == in_order


@some
@given(acting_steps(), seeds, st.sampled_from(PARTS))
def test_exact_gate_at_its_ends(steps: list[dict[str, Any]], seed: int, part: str) -> None:
    def acting(p: float) -> tuple[Pipeline, list[int]]:
        table = [{**step, "probability": p} if step is not RESIZE else step for step in steps]
        pipeline = Pipeline.from_dict({"name": "any", "steps": [RESIZE, *table]})
        return pipeline, [entry["step"] for entry in pipeline.draw(seed, "film", 0, part, 40, 40, LUNGS)]

    assert acting(0.0)[1] == []
    pipeline, acted = acting(1.0)
    assert acted == [i for i, step in enumerate(pipeline.steps) if not step.fixed and part in step.parts]


@some
@given(st.sampled_from(PRESETS), films)
def test_what_predict_does_draws_nothing(name: str, film: np.ndarray) -> None:
    pipeline = preset(name, size_px=24)
    np.testing.assert_array_equal(pipeline.deterministic(film), pipeline.apply(film, []))
    np.testing.assert_array_equal(pipeline.deterministic(film), pipeline.deterministic(film.copy()))


@some
@given(
    st.lists(st.text(max_size=5), min_size=1, max_size=20, unique=True),
    st.integers(0, 60),
    seeds,
    st.randoms(),
)
def test_sample_counts(names: list[str], n: int, seed: int, random: Any) -> None:
    counts = sample_counts(names, n, seed)
    assert sum(counts.values()) == n
    assert set(counts) <= set(names)
    random.shuffle(names)
    assert sample_counts(names, n, seed) == counts

"""Pipelines, presets, the gate and the counts of copies."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from hilum.augment.gate import acts, coin
from hilum.augment.operations import OPERATIONS
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.augment.sampling import process_counts, sample_counts
from hilum.core.errors import InputError

RESIZE = {"op": "resize", "width_px": 64, "height_px": 64}


def film(seed: int = 0, height: int = 80, width: int = 70) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def test_presets_are_the_papers() -> None:
    assert PRESETS == ("baseline", "crop", "crop-distortion", "crop-zoom", "centre-crop", "rotation")
    crop, distort, zoom = (preset(n).to_dict()["steps"] for n in ("crop", "crop-distortion", "crop-zoom"))
    assert [s["op"] for s in crop] == ["resize", "crop_centre", "resize"]
    assert (crop[1]["probability"], crop[1]["percentage_area"]) == (0.1, 0.9)
    assert crop[1]["parts"] == ["train", "valid", "test"]
    assert (crop[0]["width_px"], crop[0]["height_px"]) == (244, 244)
    assert distort[:3] == zoom[:3] == crop
    assert distort[3] == {
        "op": "random_distortion",
        "probability": 0.1,
        "grid_width": 10,
        "grid_height": 10,
        "magnitude": 3,
        "parts": ["train"],
    }
    assert (zoom[3]["percentage_area"], zoom[3]["probability"], zoom[3]["parts"]) == (0.8, 0.1, ["train"])
    rotation = preset("rotation").to_dict()["steps"]
    assert (rotation[3]["max_left_rotation"], rotation[3]["max_right_rotation"]) == (15, 15)
    assert rotation[:3] == preset("centre-crop").to_dict()["steps"]


def test_no_preset_mirrors_a_film() -> None:
    assert not any(s.op == "flip_left_right" for name in PRESETS for s in preset(name).steps)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_gives_films_of_the_size_asked(name: str) -> None:
    pipeline = preset(name, size_px=48)
    assert pipeline.output_size == (48, 48)
    for copy in range(30):
        drawn = pipeline.draw(1, "sha", copy, "train", 80, 70)
        assert pipeline.apply(film(), drawn).shape == (48, 48)


def test_an_unknown_preset_gets_the_nearest() -> None:
    with pytest.raises(
        InputError, match="unknown pipeline 'crop-distorsion'; did you mean 'crop-distortion'"
    ):
        preset("crop-distorsion")


def test_digest_follows_what_is_done_not_the_name() -> None:
    a = Pipeline.from_dict({"name": "a", "steps": [RESIZE]})
    b = Pipeline.from_dict(
        {"name": "b", "steps": [{**RESIZE, "probability": 1, "parts": ["test", "valid", "train"]}]}
    )
    assert a.digest == b.digest
    assert len({preset(n, gate=g).digest for n in PRESETS for g in ("exact", "augmentor")}) == 2 * len(
        PRESETS
    )
    assert a.digest != Pipeline.from_dict({"name": "a", "version": 2, "steps": [RESIZE]}).digest


def test_digests_of_the_presets_stand() -> None:
    """A change here means other pixels or draws: raise the preset's version, or SEMANTICS, and say so."""
    digests = {name: preset(name).digest[:12] for name in PRESETS}
    assert digests == {
        "baseline": "155dada603e6",
        "crop": "21e5e57bf5b3",
        "crop-distortion": "293e8ae81515",
        "crop-zoom": "a6df88a7e471",
        "centre-crop": "37bc6b866f6a",
        "rotation": "7ef601699014",
    }


def test_the_defaults_that_a_digest_leaves_out_stand() -> None:
    """A new option is added here; another default of an option that was here gives other pixels: raise SEMANTICS, and say so."""
    later = {
        "resize": {"resample_filter": "bicubic"},
        "crop_centre": {"randomise_percentage_area": False},
        "crop_by_size": {"centre": True},
        "zoom_random": {"randomise_percentage_area": False},
        "random_resized_crop": {
            "min_area": 0.08,
            "max_area": 1.0,
            "min_ratio": 3 / 4,
            "max_ratio": 4 / 3,
            "resample_filter": "bilinear",
        },
        "skew": {"skew_type": "random", "magnitude": 1.0},
        "stretch": {"low_percentile": 0.0, "high_percentile": 100.0},
        "crop_to_lungs": {"margin": 0.05},
        "erase_outside_lungs": {"fill": "mean"},
        "erase_lungs": {"fill": "mean", "margin": 0.03, "shape": "mask"},
        "keep_border": {"share": 1 / 16, "fill": "mean"},
        "thumbnail": {"size": 16},
        "shuffle_patches": {"seed": 0},
        "clahe": {"clip_limit": 0.01, "tiles": 8},
        "bcet": {"low": 0.0, "mean": 110.0, "high": 255.0},
    }
    for name, operation in OPERATIONS.items():
        defaults = {n: f.default for n, f in operation.model_fields.items() if not f.is_required()}
        assert defaults == {"probability": 1.0, "parts": (), **later.get(name, {})}, name


def test_a_digest_leaves_out_defaults_and_nothing_else() -> None:
    skew = {"op": "skew", "probability": 0.5}
    plain, said, other = (
        Pipeline.from_dict({"name": "a", "steps": [RESIZE, {**skew, **options}]}).digest
        for options in ({}, {"magnitude": 1.0, "parts": ["train"]}, {"magnitude": 0.5})
    )
    assert plain == said != other


def test_draws_stand() -> None:
    """What is drawn for a film today is what was drawn when the study ran."""
    pipeline = Pipeline.from_dict(
        {
            "name": "all",
            "steps": [
                RESIZE,
                {"op": "rotate", "max_left_rotation": 15, "max_right_rotation": 15},
                {"op": "zoom_random", "percentage_area": 0.8},
            ],
        }
    )
    assert pipeline.draw(1, "0" * 64, 0, "train", 80, 70) == [
        {"step": 1, "op": "rotate", "drawn": {"angle_deg": 15}},
        {
            "step": 2,
            "op": "zoom_random",
            "drawn": {"left_px": 5, "top_px": 5, "width_px": 51, "height_px": 51},
        },
    ]


def test_a_film_is_cropped_alike_under_every_pipeline_that_crops() -> None:
    for seed in range(200):
        crop, zoom = (preset(n).draw(seed, "sha", 0, "train", 80, 70) for n in ("crop", "crop-zoom"))
        assert crop == [step for step in zoom if step["op"] == "crop_centre"]


def test_an_operation_added_before_changes_no_other_draw() -> None:
    rotate = {"op": "rotate", "probability": 0.5, "max_left_rotation": 9, "max_right_rotation": 9}
    tone = {"op": "random_contrast", "probability": 0.5, "min_factor": 0.5, "max_factor": 1.5}
    alone = Pipeline.from_dict({"name": "a", "steps": [RESIZE, rotate]})
    both = Pipeline.from_dict({"name": "b", "steps": [tone, RESIZE, rotate]})
    for seed in range(50):
        a, b = (p.draw(seed, "sha", 0, "train", 80, 70) for p in (alone, both))
        assert [s["drawn"] for s in a] == [s["drawn"] for s in b if s["op"] == "rotate"]


def test_operations_of_one_name_draw_for_themselves() -> None:
    rotate = {"op": "rotate", "max_left_rotation": 25, "max_right_rotation": 25}
    twice = Pipeline.from_dict({"name": "a", "steps": [RESIZE, rotate, rotate]})
    angles = [
        [s["drawn"]["angle_deg"] for s in twice.draw(seed, "sha", 0, "train", 80, 70)] for seed in range(40)
    ]
    assert any(a != b for a, b in angles)


def test_a_step_acts_on_its_parts_only() -> None:
    table = preset("crop-distortion", size_px=64).to_dict()
    for step in table["steps"]:
        step["probability"] = 1.0
    always = Pipeline.from_dict(table)
    assert [s["op"] for s in always.draw(1, "sha", 0, "train", 80, 70)] == ["random_distortion"]
    for part in ("valid", "test"):
        assert always.draw(1, "sha", 0, part, 80, 70) == []
    with pytest.raises(InputError, match="unknown part 'tests'; did you mean 'test'"):
        always.draw(1, "sha", 0, "tests", 80, 70)


TONE = {"op": "random_brightness", "probability": 1.0, "min_factor": 0.5, "max_factor": 1.5}


@pytest.mark.parametrize(
    ("step", "parts"),
    [
        ({"op": "flip_left_right", "probability": 0.5}, ["train"]),
        ({"op": "flip_left_right"}, ["train", "valid", "test"]),
        ({"op": "crop_by_size", "width_px": 60, "height_px": 60, "probability": 0.5}, ["train"]),
        ({"op": "crop_by_size", "width_px": 60, "height_px": 60}, ["train", "valid", "test"]),
        ({"op": "crop_by_size", "width_px": 60, "height_px": 60, "centre": False}, ["train"]),
        ({"op": "crop_centre", "percentage_area": 0.9, "randomise_percentage_area": True}, ["train"]),
        ({"op": "rotate", "max_left_rotation": 5, "max_right_rotation": 5}, ["train"]),
        (TONE, ["train"]),
        ({**TONE, "parts": ["test", "train"]}, ["train", "test"]),
    ],
)
def test_what_is_left_to_chance_acts_on_train_only_unless_parts_are_said(
    step: dict[str, Any], parts: list[str]
) -> None:
    pipeline = Pipeline.from_dict({"name": "own", "steps": [RESIZE, step, RESIZE]})
    assert pipeline.to_dict()["steps"][1]["parts"] == parts
    assert pipeline.to_dict()["steps"][0]["parts"] == ["train", "valid", "test"]


def test_no_test_film_is_altered_by_a_pipeline_that_names_no_parts() -> None:
    """Of 99 films, 78 were flipped or changed before; the old meaning, said out loud, is another version."""
    flip = {"op": "flip_left_right", "probability": 0.5}
    tone = {**TONE, "probability": 0.5}
    everywhere = {"parts": ["train", "valid", "test"]}
    own = Pipeline.from_dict({"name": "own", "steps": [RESIZE, flip, tone]})
    old = Pipeline.from_dict(
        {"name": "own", "steps": [RESIZE, {**flip, **everywhere}, {**tone, **everywhere}]}
    )
    drawn = {
        p: sum(bool(own.draw(1, f"{k}", 0, p, 80, 70)) for k in range(99)) for p in ("train", "valid", "test")
    }
    assert drawn == {"train": 78, "valid": 0, "test": 0}
    assert sum(bool(old.draw(1, f"{k}", 0, "test", 80, 70)) for k in range(99)) == 78
    assert own.digest != old.digest


def test_deterministic_is_the_fixed_steps() -> None:
    """`predict` resizes; it neither crops with p = 0.1 nor leaves out a crop that every film gets."""
    from hilum.imaging.resize import resize

    for name in ("baseline", "crop", "crop-distortion", "crop-zoom"):
        np.testing.assert_array_equal(preset(name, 64).deterministic(film()), resize(film(), 64, 64))
    # 57 px of 64 are wanted: from 3.5 to 60.5, rounded half to even
    cropped = resize(resize(film(), 64, 64)[4:60, 4:60], 64, 64)
    for name in ("centre-crop", "rotation"):
        np.testing.assert_array_equal(preset(name, 64).deterministic(film()), cropped)


def test_films_on_which_nothing_acts_are_byte_equal_across_pipelines() -> None:
    made = {
        name: preset(name, 64).apply(film(), drawn).tobytes()
        for name in ("baseline", "crop", "crop-distortion", "crop-zoom")
        if not (drawn := preset(name, 64).draw(3, "sha", 0, "train", 80, 70))
    }
    assert len(made) >= 2
    assert len(set(made.values())) == 1


def test_a_list_of_another_pipeline_is_refused() -> None:
    with pytest.raises(InputError, match=r"step 3 \('rotate'\) is not one that pipeline 'crop' draws"):
        preset("crop").apply(film(), [{"step": 3, "op": "rotate", "drawn": {"angle_deg": 3}}])
    with pytest.raises(InputError, match=r"step 0 \('resize'\)"):
        preset("crop").apply(film(), [{"step": 0, "op": "resize", "drawn": {}}])


def test_captions_say_what_was_drawn() -> None:
    pipeline = Pipeline.from_dict(
        {
            "name": "x",
            "steps": [
                {"op": "crop_centre", "probability": 0.5, "percentage_area": 0.9},
                RESIZE,
                {"op": "rotate", "max_left_rotation": 15, "max_right_rotation": 15},
            ],
        }
    )
    drawn: Any = [
        {"step": 0, "op": "crop_centre", "drawn": {}},
        {"step": 2, "op": "rotate", "drawn": {"angle_deg": -7}},
    ]
    assert pipeline.caption(drawn) == "crop to the centre, 90% of each side; rotate -7°"
    assert pipeline.caption([]) == "nothing drawn"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"steps": [RESIZE]}, "a pipeline: name is missing"),
        ({"name": "a", "steps": []}, "pipeline 'a': steps must have at least 1 of them"),
        ({"name": "a", "step": [RESIZE]}, "unknown key 'step'; did you mean 'steps'"),
        ({"name": "a", "steps": RESIZE}, "steps must be a list"),
        ({"name": "a", "gate": "exakt", "steps": [RESIZE]}, "did you mean 'exact'"),
        ({"name": "a", "version": "1", "steps": [RESIZE]}, "version must be a whole number"),
        (
            {"name": "a", "steps": [RESIZE, {"op": "rotat"}]},
            "pipeline 'a', step 2: unknown op 'rotat'; did you mean",
        ),
        ({"name": "a", "steps": [RESIZE, {"oop": "rotate"}]}, "step 2: unknown op None"),
        (
            {"name": "a", "steps": [{**RESIZE, "parts": ["training"]}]},
            "pipeline 'a', step 1: resize: parts 1 got 'training'; did you mean 'train'",
        ),
        (
            {"name": "a", "steps": [{**RESIZE, "parts": []}]},
            "parts must be a list of train, valid, test, got []",
        ),
        (
            {"name": "a", "steps": [{**RESIZE, "width": 3}]},
            "step 1: resize: unknown key 'width'; did you mean 'width_px'",
        ),
        ({"name": "a", "steps": ["resize"]}, "expected a table"),
        (
            {
                "name": "a",
                "steps": [RESIZE, {"op": "crop_centre", "percentage_area": 0.5, "probability": 0.5}],
            },
            "films of several sizes, those of crop_centre; put a resize",
        ),
        ({"name": "a", "steps": [{"op": "flip_left_right"}]}, "several sizes, those of the decoded film"),
        ({"name": "a", "steps": [{**RESIZE, "parts": ["train"]}]}, "several sizes, those of resize"),
    ],
)
def test_bad_tables_are_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Pipeline.from_dict(table)
    assert message in str(caught.value)


def test_a_crop_of_every_film_may_end_a_pipeline() -> None:
    table = {"name": "a", "steps": [RESIZE, {"op": "crop_by_size", "width_px": 40, "height_px": 50}]}
    pipeline = Pipeline.from_dict(table)
    assert pipeline.output_size == (50, 40)
    assert pipeline.deterministic(film()).shape == (50, 40)


def rate(probability: float, gate: str, n: int = 20_000) -> float:
    return sum(acts(coin(1, f"film-{i}", 0, "rotate:0"), probability, gate) for i in range(n)) / n


def test_exact_gate_is_exact() -> None:
    assert rate(0.0, "exact") == 0.0
    assert rate(1.0, "exact") == 1.0
    for p in (0.1, 0.5):
        assert rate(p, "exact") == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 20_000))


def test_augmentor_gate_adds_a_twentieth() -> None:
    """round(u, 1) <= p: p = 0 on 5 %, p = .1 on 15 %, p = .5 on 55 %, p = 1 on all."""
    for p, expected in ((0.0, 0.05), (0.1, 0.15), (0.5, 0.55), (1.0, 1.0)):
        assert rate(p, "augmentor") == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 20_000))


def test_coin_is_uniform() -> None:
    from scipy.stats import kstest

    coins = [coin(7, f"film-{i}", 0, "crop_centre:0") for i in range(5000)]
    assert kstest(coins, "uniform").pvalue > 0.001


def test_pipeline_acts_as_often_as_its_gate_says() -> None:
    for gate, expected in (("exact", 0.1), ("augmentor", 0.15)):
        pipeline = preset("crop", gate=gate)
        acted = np.mean([bool(pipeline.draw(5, f"film-{i}", 0, "test", 80, 70)) for i in range(4000)])
        assert acted == pytest.approx(expected, abs=0.024)


def test_sample_draws_with_replacement_whatever_the_order() -> None:
    names = [f"covid/{i}" for i in range(1437)]
    counts = sample_counts(names, 3000, seed=1)
    assert sum(counts.values()) == 3000
    assert counts == sample_counts(names[::-1], 3000, seed=1)
    assert counts != sample_counts(names, 3000, seed=2)
    left_out = 1 - len(counts) / 1437
    assert left_out == pytest.approx(math.exp(-3000 / 1437), abs=0.03)  # the paper: about 12 % never appear
    assert list(counts) == sorted(counts)


def test_process_takes_each_film_once() -> None:
    assert process_counts(["b", "a"]) == {"a": 1, "b": 1}


def test_counts_refuse_what_cannot_be_drawn() -> None:
    with pytest.raises(InputError, match="film 'a' is listed twice"):
        sample_counts(["a", "b", "a"], 2, seed=1)
    with pytest.raises(InputError, match="cannot draw 3 copies from 0 films"):
        sample_counts([], 3, seed=1)
    assert sample_counts([], 0, seed=1) == {}


def test_drawn_lists_are_json() -> None:
    table = {
        "name": "all",
        "steps": [
            RESIZE,
            {"op": "random_distortion", "grid_width": 4, "grid_height": 4, "magnitude": 2},
            {"op": "skew", "magnitude": 0.2},
            {"op": "shear", "max_shear_left": 5, "max_shear_right": 5},
            {"op": "random_contrast", "min_factor": 0.8, "max_factor": 1.2},
            {"op": "zoom", "min_factor": 1.0, "max_factor": 1.2},
        ],
    }
    pipeline = Pipeline.from_dict(table)
    drawn = pipeline.draw(1, "sha", 0, "train", 80, 70)
    assert len(drawn) == 5
    assert json.loads(json.dumps(drawn)) == drawn

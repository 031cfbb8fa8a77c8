"""Each operation against Augmentor 0.2.12, given the same drawn parameters, on synthetic and on real films.

Augmentor draws from Python's `random` and from `numpy.random`; the tests hand it the draws instead.
"""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hilum.augment.crop import CropBySize, CropCentre
from hilum.augment.distort import RandomDistortion
from hilum.augment.flip import FlipLeftRight
from hilum.augment.gate import acts
from hilum.augment.operation import Drawn, Film, Operation
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import preset
from hilum.augment.resize import Resize
from hilum.augment.rotate import Rotate
from hilum.augment.shear import Shear
from hilum.augment.skew import Skew
from hilum.augment.tone import RandomBrightness, RandomContrast
from hilum.augment.zoom import Zoom, ZoomRandom
from needs import needed_module

Augmentor = needed_module("Augmentor")


class Script:
    """Stands for Python's `random` and `numpy.random`: gives the draws it was told, in order."""

    def __init__(self, draws: list[Any]) -> None:
        self.draws = list(draws)

    def _next(self, *_: Any) -> Any:
        return self.draws.pop(0)

    randint = uniform = choice = _next


class ScriptedGenerator:
    """Stands for numpy's Generator in `sample`: gives the whole numbers it was told, in order."""

    def __init__(self, draws: list[int]) -> None:
        self.draws = list(draws)

    def integers(self, *_: Any, **__: Any) -> int:
        return self.draws.pop(0)


def rival(film: Film, add: Callable[[Any], None], draws: list[Any]) -> Film:
    """What Augmentor makes of a film when its pipeline has the one operation that `add` adds."""
    import Augmentor.Operations as operations

    pipeline = Augmentor.Pipeline()
    add(pipeline)
    script, before = Script(draws), (operations.random, np.random.uniform)
    operations.random, np.random.uniform = script, script.uniform  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (made,) = pipeline.operations[0].perform_operation([Image.fromarray(film)])
    finally:
        operations.random, np.random.uniform = before  # type: ignore[assignment]
    assert not script.draws, "Augmentor drew less than it was given"
    return np.asarray(made)


def agree(ours: Film, theirs: Film) -> None:
    """At most 0.01 grey levels apart in the mean (the project's bound is 0.5), and not shifted by a pixel."""
    assert ours.dtype == np.uint8
    assert ours.shape == theirs.shape
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    assert difference.mean() <= 0.01, f"mean {difference.mean():.3f}, largest {difference.max()} grey levels"
    for axis in (0, 1):
        for step in (-1, 1):
            moved = np.abs(np.roll(ours, step, axis).astype(int) - theirs.astype(int)).mean()
            assert moved > difference.mean(), f"fits better when moved by {step} along axis {axis}"


def cases() -> Iterator[tuple[str, Operation, Drawn | list[int], Callable[[Any], None], list[Any]]]:
    """(name, operation, what is drawn or the numbers to draw, Augmentor's operation, what it draws)."""
    for width, height in ((244, 244), (128, 300), (300, 96)):
        yield (
            f"resize-{width}x{height}",
            Resize(width_px=width, height_px=height),
            {},
            lambda p, w=width, h=height: p.resize(1, w, h),
            [],
        )
    for name, filter_name in (("bilinear", "BILINEAR"),):
        yield (
            f"resize-{name}",
            Resize(width_px=244, height_px=200, resample_filter=name),
            {},
            lambda p, f=filter_name: p.resize(1, 244, 200, f),
            [],
        )
    for side in (0.9, 0.8, 0.5, 0.37):
        yield (
            f"crop_centre-{side}",
            CropCentre(percentage_area=side),
            {},
            lambda p, s=side: p.crop_centre(1, s),
            [0, 0],
        )
    yield (
        "crop_centre-drawn",
        CropCentre(percentage_area=0.9, randomise_percentage_area=True),
        {"side": 0.61},
        lambda p: p.crop_centre(1, 0.9, True),
        [0.6149, 0, 0],
    )
    for size in (100, 121):
        centred = CropBySize(width_px=size, height_px=120)
        yield f"crop_by_size-{size}", centred, {}, lambda p, s=size: p.crop_by_size(1, s, 120), [0, 0]
    yield (
        "crop_by_size-anywhere",
        CropBySize(width_px=100, height_px=120, centre=False),
        {"left_px": 17, "top_px": 23},
        lambda p: p.crop_by_size(1, 100, 120, centre=False),
        [17, 23],
    )
    for angle in (-15, -7, -1, 0, 1, 4, 10, 15, 25):
        yield (
            f"rotate{angle:+d}",
            Rotate(max_left_rotation=25, max_right_rotation=25),
            {"angle_deg": angle},
            lambda p: p.rotate(1, 25, 25),
            [min(angle, 0), max(angle, 0), int(angle > 0)],
        )
    for columns, rows, magnitude in ((10, 10, 3), (4, 7, 8), (1, 1, 5)):
        shifts = np.random.default_rng(columns).integers(
            -magnitude, magnitude + 1, ((columns - 1) * (rows - 1), 2)
        )
        yield (
            f"random_distortion-{columns}x{rows}",
            RandomDistortion(grid_width=columns, grid_height=rows, magnitude=magnitude),
            {"shifts_px": shifts.tolist()},
            lambda p, c=columns, r=rows, m=magnitude: p.random_distortion(1, c, r, m),
            shifts.ravel().tolist(),
        )
    for factor in (0.8, 1.0, 1.1, 1.37, 2.0):
        yield (
            f"zoom-{factor}",
            Zoom(min_factor=0.5, max_factor=3.0),
            {"factor": factor},
            lambda p: p.zoom(1, 0.5, 3.0),
            [factor],
        )
    yield (
        "zoom_random",
        ZoomRandom(percentage_area=0.8),
        [11, 29],
        lambda p: p.zoom_random(1, 0.8),
        [11, 29],
    )
    kinds = {"tilt": 4, "tilt_left_right": 2, "tilt_top_bottom": 2, "corner": 8}
    for index, (kind, n_directions) in enumerate(kinds.items()):
        for direction in range(n_directions):
            theirs = direction + 2 if kind == "tilt_top_bottom" else direction
            yield (
                f"skew-{kind}-{direction}",
                Skew(magnitude=0.5),
                [40, index, direction],
                lambda p: p.skew(1, 0.5),
                [40, kind.upper(), theirs],
            )
    for axis in "xy":
        for angle in (-20, -5, -1, 1, 8, 20):
            yield (
                f"shear-{axis}{angle:+d}",
                Shear(max_shear_left=20, max_shear_right=20),
                {"angle_deg": angle, "axis": axis},
                lambda p: p.shear(1, 20, 20),
                [float(angle if angle == -1 else angle - 1), axis],
            )
    for factor in (0.0, 0.73, 1.0, 1.4):
        drawn = {"factor": factor}
        yield (
            f"random_brightness-{factor}",
            RandomBrightness(min_factor=0.0, max_factor=2.0),
            drawn,
            lambda p: p.random_brightness(1, 0.0, 2.0),
            [factor],
        )
        yield (
            f"random_contrast-{factor}",
            RandomContrast(min_factor=0.0, max_factor=2.0),
            drawn,
            lambda p: p.random_contrast(1, 0.0, 2.0),
            [factor],
        )
    yield "flip_left_right", FlipLeftRight(), {}, lambda p: p.flip_left_right(1), [0]


CASES = list(cases())


def synthetic(height: int, width: int) -> Film:
    """Two dark lungs, ribs and grain on a bright chest, with a burnt-in marker; sharp and smooth parts."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    lungs = sum(np.exp(-(((x - c) / 0.14) ** 2) - ((y - 0.5) / 0.3) ** 2) for c in (0.3, 0.7))
    film = 190 - 140 * lungs + 18 * np.sin(40 * (y + 0.3 * np.abs(x - 0.5)))
    film += np.random.default_rng(7).normal(0, 6, film.shape)
    film[height // 12 : height // 8, width // 10 : width // 6] = 255
    return np.clip(film, 0, 255).astype(np.uint8)


def ours(operation: Operation, drawn: Drawn | list[int], film: Film) -> Film:
    if isinstance(drawn, list):
        drawn = operation.sample(ScriptedGenerator(drawn), *film.shape)  # type: ignore[arg-type]
    made = operation.apply(film, drawn)
    assert made.shape == operation.size_after(drawn, *film.shape)
    return made


@pytest.mark.parametrize("size", [(244, 244), (219, 301)], ids=["square", "wide"])
@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_operation_agrees_on_a_synthetic_film(case: Any, size: tuple[int, int]) -> None:
    name, operation, drawn, add, draws = case
    film = synthetic(*size)
    before = film.copy()
    made, theirs = ours(operation, drawn, film), rival(film, add, draws)
    np.testing.assert_array_equal(film, before, err_msg="the film given was changed")
    if name.endswith("-0.0"):  # black, or one grey: nothing to shift
        np.testing.assert_array_equal(made, theirs)
    else:
        agree(made, theirs)


@pytest.fixture(scope="module")
def real_films() -> list[Film]:
    root = os.environ.get("HILUM_FILMS")
    if not root:
        pytest.skip("set HILUM_FILMS to a folder of chest films")
    paths: list[Path] = []
    for folder in sorted(p for p in Path(root).iterdir() if p.is_dir()):
        found = (p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
        paths += sorted(p for p in (next(found, None) for _ in range(2)) if p)
    if not paths:
        pytest.skip(f"no film under {root}")
    return [np.asarray(Image.open(p).convert("L")) for p in paths[:6]]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_operation_agrees_on_real_films(case: Any, real_films: list[Film]) -> None:
    name, operation, drawn, add, draws = case
    for film in real_films:
        square = np.asarray(Image.fromarray(film).resize((244, 244))) if min(film.shape) < 150 else film
        if max(square.shape) > 700:  # cost only: the largest films have 6 Mpx
            square = np.asarray(Image.fromarray(square).resize((500, 450)))
        made, theirs = ours(operation, drawn, square), rival(square, add, draws)
        if name.endswith("-0.0"):
            np.testing.assert_array_equal(made, theirs)
        else:
            agree(made, theirs)


@pytest.mark.parametrize("name", ["baseline", "crop", "crop-distortion", "crop-zoom", "rotation"])
def test_preset_agrees_with_the_published_pipeline(name: str) -> None:
    """All steps act; Augmentor's own pipeline runs from a file, as the scripts run it."""
    film = synthetic(299, 299)
    always = preset(name).to_dict()
    for step in always["steps"]:
        step["probability"] = 1.0
    pipeline = Pipeline.from_dict(always)
    drawn = pipeline.draw(3, "film", 0, "train", *film.shape)

    theirs = Augmentor.Pipeline()
    theirs.resize(probability=1, width=244, height=244)
    draws: list[Any] = []
    if name != "baseline":
        theirs.crop_centre(probability=1, percentage_area=0.9)
        theirs.resize(probability=1, width=244, height=244)
        draws += [0, 0]
    if name == "crop-distortion":
        theirs.random_distortion(probability=1, grid_height=10, grid_width=10, magnitude=3)
        draws += np.ravel(drawn[-1]["drawn"]["shifts_px"]).tolist()
    if name == "crop-zoom":
        theirs.zoom_random(probability=1, percentage_area=0.8)
        draws += [drawn[-1]["drawn"]["left_px"], drawn[-1]["drawn"]["top_px"]]
    if name == "rotation":
        theirs.rotate(probability=1, max_left_rotation=15, max_right_rotation=15)
        angle = drawn[-1]["drawn"]["angle_deg"]
        draws += [min(angle, 0), max(angle, 0), int(angle > 0)]

    made = film
    for operation in theirs.operations:
        taken, draws = (draws, []) if operation is theirs.operations[-1] else (draws[:0], draws)
        if type(operation).__name__ == "CropPercentage":
            taken, draws = draws[:2], draws[2:]
        made = rival(made, lambda p, o=operation: p.operations.append(o), taken)
    agree(pipeline.apply(film, drawn), made)


@pytest.mark.parametrize("probability", [0.1, 0.25, 0.5, 0.95, 1.0])
def test_gate_augmentor_is_the_published_gate(probability: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Augmentor's own `_execute_with_array` decides; the coin it is shown is the one hilum is shown."""
    acted: list[bool] = []
    theirs = Augmentor.Pipeline()
    theirs.resize(probability=probability, width=4, height=4)
    monkeypatch.setattr(
        theirs.operations[0], "perform_operation", lambda images: (acted.append(True), images)[1]
    )
    for u in np.linspace(0, 1, 201, endpoint=False).tolist():
        acted.clear()
        monkeypatch.setattr(random, "uniform", lambda _a, _b, u=u: u)
        theirs._execute_with_array(np.zeros((4, 4), np.uint8))
        assert acts(u, probability, "augmentor") == bool(acted), u


def test_step_that_is_not_on_the_part_is_left_out_as_in_the_scripts() -> None:
    """Distortion and zoom are for training films; validation and test films pass the crop pipeline."""
    for name in ("crop-distortion", "crop-zoom"):
        steps: tuple[Operation, ...] = preset(name).steps
        assert [step.op for step in steps if "test" in step.parts] == [
            "resize",
            "crop_centre",
            "resize",
        ]
        assert preset("crop").steps == tuple(step for step in steps if "test" in step.parts)

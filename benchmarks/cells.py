"""One cold cell on phantoms, from films to figures: `hilum run` as a whole command beside the plain procedure and a fastai learner.

Rows of `make bench`. The rivals pass every film through the backbone in every epoch; one epoch of theirs is timed and multiplied. Random
weights on all sides: the time is the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from study import EPOCHS, class_folders, hilum, yardstick
from turns import Pair, Side, rival_module

from hilum.artifacts.manifest import Manifest
from hilum.workflow.phantoms import phantom_manifest

FILM_PX, YARDSTICK = 299, "HILUM_YARDSTICK"
ALL_FILMS = ("data.include=[]", "data.one_per_patient=[]")
"""Of whatever source."""


def plain_procedure(images: Path, backbone: str) -> tuple[Side | None, str]:
    """The yardstick, whose script is named by the environment."""
    script = os.environ.get(YARDSTICK, "")
    if not Path(script).is_file():
        return None, f"{YARDSTICK} names no script"
    return lambda: float(yardstick(Path(script), images, backbone)["seconds"]["total"]), ""


def fastai(images: Path, backbone: str, size_px: int) -> tuple[Side | None, str]:
    """`fastai_cell.py`, in a process of its own."""
    found, why = rival_module("fastai.vision.all")
    if found is None:
        return None, why
    script = Path(__file__).with_name("fastai_cell.py")
    command = [sys.executable, str(script), "--images", str(images), "--backbone", backbone]
    command += ["--epochs", str(EPOCHS), "--size-px", str(size_px)]

    def run() -> float:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"]["total"])

    return run, ""


def pairs(films: int, backbone: str, size_px: int, more: tuple[str, ...] = ()) -> Iterator[Pair]:
    """The cell beside each rival."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        manifest = phantom_manifest(root, films, FILM_PX)
        class_folders(Manifest.read(manifest), root / "classes")

        def ours() -> float:
            with tempfile.TemporaryDirectory() as workspace:
                sets = (*ALL_FILMS, f"augment.size_px={size_px}", *more)
                cell = hilum(manifest, Path(workspace), (backbone,), ["crop"], 1, "auto", sets)
            return float(cell["seconds"])

        for rival, (theirs, why), less in (
            ("the plain procedure", plain_procedure(root / "classes", backbone), "crops by Augmentor to disk, no copies looked for"),
            ("fastai learner", fastai(root / "classes", backbone, size_px), "resizes only, on the fly, no copies looked for"),
        ):  # fmt: skip
            words = (
                f"hilum: the whole command, start of Python, search for copies, intervals and page included; {rival}: "
                f"{less}, one epoch times {EPOCHS}, imports not counted"
            )
            name = f"cold cell, {backbone}, {films} films, beside {rival}"
            yield Pair(name, rival, ours, theirs, words, 2, warm=False, why=why)

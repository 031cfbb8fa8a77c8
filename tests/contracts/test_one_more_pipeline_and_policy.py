"""What a newcomer adds for a pipeline, an operation and a learning-rate policy; a study that names them runs, with nothing else changed.

A pipeline or a policy of a known kind is a table of the study file. A pipeline that ships is an entry in `augment.presets`; an operation
and a kind of policy are a module and an entry each. All are added to one copy of the package, and one study uses them all.
"""

import csv
import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.manifest import Manifest
from hilum.core.digests import pixels_sha256
from hilum.stages.ingest import ingest

ONE_MORE = runpy.run_path(str(Path(__file__).parents[1] / "one_more.py"))
HILUM = "from hilum.cli.main import main; main()"

STAIRS = '''
"""A rate that falls by a factor after each epoch."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hilum.core.keys import Key
from hilum.study.policies.policy import OneRatePolicy
from hilum.study.policies.schedule import Schedule, StepSettings, StepwiseSchedule


class StairsPolicy(OneRatePolicy):
    """One stair an epoch."""

    key: ClassVar[Key] = OneRatePolicy.key.and_(factor=0.5)

    kind: Literal["stairs"]
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5

    def schedule(self, epochs: int, steps_per_epoch: int) -> Schedule:
        rate, factor = self.rate, self.factor
        return StepwiseSchedule(
            epochs * steps_per_epoch, lambda step: StepSettings(rate * factor ** (step // steps_per_epoch))
        )
'''

INVERT = '''
"""The negative of a film."""

from typing import ClassVar

from hilum.augment.operation import Drawn, Film, Operation


class Invert(Operation):
    """Black for white."""

    op: ClassVar[str] = "invert"

    def apply(self, film: Film, drawn: Drawn) -> Film:
        return 255 - film
'''

MODULES = {"augment/invert.py": INVERT, "study/policies/stairs.py": STAIRS}
ENTRIES = {
    "augment/operations.py": (
        "from hilum.augment.invert import Invert",
        "        Stretch,\n",
        "        Invert,\n",
    ),
    "augment/presets.py": (
        "",
        '    "baseline": (_RESIZE,),\n',
        '    "negative": (_RESIZE, {"op": "invert"}),\n',
    ),
    "study/policies/__init__.py": (
        "from hilum.study.policies.stairs import StairsPolicy",
        "\n    ConstantPolicy",
        " | StairsPolicy",
    ),
}
"""Module -> what it imports, the place in its table, the entry."""

STUDY = """
name = "one-more"
seed = 3
[grid]
backbones = ["squeezenet1_0"]
pipelines = ["baseline", "negative", "own"]
schedules = ["falling", "steady"]
trials = 1
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 64
[[augment.pipeline]]
name = "own"
steps = [{ op = "resize", width_px = 64, height_px = 64 }, { op = "flip_left_right", probability = 0.5 }]
[policy.falling]
kind = "stairs"
learning_rate = 0.01
factor = 0.25
[policy.steady]
kind = "constant"
learning_rate = 0.003
[features]
precision = "fp32"
[training]
epochs = 3
batch = 8
[statistics]
resamples = 100
"""

RATES = """
import sys
from pathlib import Path
from hilum.study.file import read_study
from hilum.study.policies.simulate import simulate
print(simulate(read_study(Path(sys.argv[1])).policy_of("falling"), 3, 2).tolist())
"""


def films(folder: Path) -> Path:
    """A manifest of 40 films of two classes: dark, and bright."""
    rng = np.random.default_rng(4)
    rows = ["path,label,patient_id"]
    folder.mkdir()
    for k in range(40):
        pixels = np.clip(rng.normal((60, 190)[k % 2], 30, (64, 64)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")
        rows.append(f"{k}.png,{('normal', 'covid')[k % 2]},p{k}")
    (folder / "films.csv").write_text("\n".join(rows) + "\n")
    ingest([f"clinic={folder / 'films.csv'}"], folder / "manifest.csv")
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def src(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with two modules and three entries more."""
    folder = tmp_path_factory.mktemp("one-more") / "src"
    shutil.copytree(ONE_MORE["SRC"], folder)  # with what numba compiled
    for name, text in MODULES.items():
        (folder / "hilum" / name).write_text(text)
    for name, (imported, table, entry) in ENTRIES.items():
        path = folder / "hilum" / name
        text = path.read_text()
        assert text.count(table) == 1
        path.write_text(
            text.replace(table, table + entry).replace("from hilum.", f"{imported}\nfrom hilum.", 1)
        )
    return folder


@pytest.fixture(scope="module")
def run(src: Path) -> Path:
    """The folder of the finished run of a study that uses all of them."""
    where = src.parent
    (where / "study.toml").write_text(STUDY)
    manifest = films(where / "films")
    words = ["--manifest", str(manifest), "--workspace", str(where / "w"), "--workers", "1"]
    return Path(ONE_MORE["run_there"](src, HILUM, "run", str(where / "study.toml"), *words).strip()).parent


def history(run: Path, cell: str) -> list[float]:
    """The learning rate that each epoch ended with."""
    lines = (run / "cells" / cell / "trial-1" / "history.jsonl").read_text().splitlines()
    return [json.loads(line)["learning_rate"] for line in lines]


def prepared(run: Path, pipeline: str) -> dict[str, list[tuple[str, str, list[str]]]]:
    """Part -> (film, digest of its prepared pixels, what was drawn) of each of its films."""
    table = json.loads((run / "prepared" / f"{pipeline}--trial-1.json").read_text())
    assert table["columns"] == ["image_id", "copy", "pixels_sha256", "drawn"]
    return {
        part: [(film, sha, [d["op"] for d in drawn]) for film, _copy, sha, drawn in table[part]]
        for part in ("train", "valid", "test")
    }


def test_the_new_kind_of_policy_is_what_heads_were_trained_with(run: Path) -> None:
    for pipeline in ("baseline", "negative", "own"):
        assert history(run, f"squeezenet1_0--{pipeline}--falling") == pytest.approx([0.01, 0.0025, 0.000625])
        assert history(run, f"squeezenet1_0--{pipeline}--steady") == pytest.approx([0.003] * 3)


def test_the_new_kind_of_policy_has_its_curve_and_its_refusals(run: Path, src: Path) -> None:
    assert (run / "figures" / "learning-rates.svg").is_file()
    study, wrong = src.parent / "study.toml", src.parent / "wrong.toml"
    rates = json.loads(ONE_MORE["run_there"](src, RATES, str(study)))
    assert rates == pytest.approx([0.01] * 2 + [0.0025] * 2 + [0.000625] * 2)
    wrong.write_text(STUDY.replace("factor = 0.25", "factor = 1.5"))
    with pytest.raises(AssertionError, match=r"policy\.falling.*factor.*less than 1"):
        ONE_MORE["run_there"](src, RATES, str(wrong))


def test_the_new_operation_prepared_the_films_of_the_new_preset(run: Path) -> None:
    pixels = {r.image_id: np.asarray(Image.open(r.path)) for r in Manifest.read(run / "manifest.csv").films}
    of = prepared(run, "negative")
    assert sum(len(rows) for rows in of.values()) == len(pixels) == 40
    for film, sha, drawn in (row for rows in of.values() for row in rows):
        assert sha == pixels_sha256(255 - pixels[film])
        assert drawn == []


def test_the_studys_own_pipeline_drew_on_training_films(run: Path) -> None:
    of = prepared(run, "own")
    mirrored = [film for film, _sha, drawn in of["train"] if drawn == ["flip_left_right"]]
    assert 0 < len(mirrored) < len(of["train"])
    assert all(drawn == [] for part in ("valid", "test") for _film, _sha, drawn in of[part])


def test_the_report_names_all_three(run: Path) -> None:
    rows = csv.DictReader((run / "tables" / "pipelines.csv").read_text().splitlines())
    steps = {row["pipeline"]: row["steps"] for row in rows}
    assert steps["negative"].endswith("invert (all parts)")
    assert steps["own"].endswith("flip_left_right (p 0.5; train only)")
    page = (run / "report.html").read_text()
    assert "stairs" in page
    assert "negative" in page

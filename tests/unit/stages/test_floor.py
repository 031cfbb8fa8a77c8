"""A stage's floor is its work, counted by hand here, at peaks that are round numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hilum.artifacts.floor import CodecRate, Floor, Peak, Peaks
from hilum.artifacts.header import read_object, write_json
from hilum.artifacts.run_files import StageLine, write_stages
from hilum.artifacts.run_folder import RunFolder
from hilum.models.cost import cost_of, head_cost
from hilum.report.floor_page import write_floor_page
from hilum.stages.floor import floor_of

SIDE_PX, FILMS, TRIALS, CELLS, EPOCHS, RESAMPLES = 32, 32, 2, 2, 3, 2000
TRAIN, VALID, TEST = 12, 4, 16
PEAKS = Peaks(
    {"cpu": "a processor", "cores": 2}, 2, {"cpu fp32": Peak(1e6, "a product")}, {"cpu": Peak(1e3, "a copy")},
    {"png": CodecRate("codec", 1e4, 5e3, "checks")}, ["a GPU: there is none here"],
)  # fmt: skip


@pytest.fixture
def run(tiny_study: Path, tmp_path: Path) -> RunFolder:
    """The tiny study's run, as if it had recorded what its stages did."""
    folder = tmp_path / "tiny"
    shutil.copytree((tiny_study / "tiny").resolve(), folder)
    record = read_object(folder / "run.json")
    record |= {
        "precision": "fp32",
        "device": {"device": "cpu"},
        "machine": {"cpu": "another"},
        "costs": {"squeezenet1_0": cost_of("squeezenet1_0", SIDE_PX, 2)},
    }
    for cell in record["cells"]:
        cell["epochs"] = EPOCHS
    write_json(folder / "run.json", record)
    write_stages(
        folder,
        [
            StageLine("duplicates", FILMS, 0, 8.0), StageLine("split", 2, 0, 0.1), StageLine("prepare", FILMS, 0, 3.0),
            StageLine("featurize squeezenet1_0", 10, 54, 1.0), StageLine("train", 1, 3, 1.0), StageLine("predict", 4, 0, 0.5),
            StageLine("evaluate", 1, 0, 2.0), StageLine("report", 1, 0, 2.0), StageLine("audit", 0, FILMS, 0.1),
        ],
    )  # fmt: skip
    return RunFolder(folder)


def test_work_is_counted_once_and_held_against_the_peaks(run: RunFolder) -> None:
    found = floor_of(run, PEAKS)
    floors = {s.stage: s for s in found.stages}
    pixels = FILMS * SIDE_PX**2
    decoding = pixels / 1e4 / 2  # on two cores
    assert floors["duplicates"].floor_s == pytest.approx(decoding)
    assert floors["duplicates"].ratio == pytest.approx(8.0 / decoding)
    prepared = 2 * pixels  # two pipelines, each film once under each
    assert floors["prepare"].floor_s == pytest.approx(decoding + (pixels + prepared) / 1e3)
    passes = cost_of("squeezenet1_0", SIDE_PX, 2)["multiply_adds"]
    assert floors["featurize squeezenet1_0"].floor_s == pytest.approx(10 * passes * 2 / 1e6)
    head = head_cost("squeezenet1_0", SIDE_PX, 2)
    n_bytes = head.shape[0] * head.shape[1] * head.shape[2] * 2
    read = TRIALS * CELLS * EPOCHS * (TRAIN + VALID) * n_bytes / 1e3
    multiplied = TRIALS * CELLS * EPOCHS * (2 * TRAIN + VALID) * 2 * head.multiply_adds / 1e6
    assert floors["train"].floor_s == pytest.approx(max(read, multiplied) / 4)  # three of four were found
    assert floors["train"].bound == "memory"
    assert floors["predict"].floor_s == pytest.approx(TRIALS * CELLS * (VALID + TEST) * n_bytes / 1e3)
    assert floors["evaluate"].floor_s == pytest.approx(4 * RESAMPLES * TRIALS * CELLS * TEST * 2 / 1e3)
    assert floors["report"].floor_s is floors["split"].floor_s is floors["audit"].ratio is None
    assert floors["other work"].seconds == pytest.approx(
        0.0
    )  # 12.5 s, of which stages before the record took 13.7
    assert found.notes == [
        "The run was made on another; the peaks are those of a processor.",
        "Part of the work was found finished, and is not counted: featurize squeezenet1_0, train.",
    ]


def test_it_is_read_back_and_stands_on_a_page(run: RunFolder, tmp_path: Path) -> None:
    floor_of(run, PEAKS).write(tmp_path / "floor.json")
    found = Floor.read(tmp_path / "floor.json")
    assert json.loads((tmp_path / "floor.json").read_text())["header"]["kind"] == "floor"
    assert found == floor_of(run, PEAKS)
    page = write_floor_page(found, tmp_path / "floor.html", "hilum bench floor tiny")
    stages, peaks, codecs = page.tables
    assert [row[0].text for row in stages.rows][-2:] == ["other work", "all"]
    assert stages.rows[0][3].value == found.stages[0].ratio
    assert (peaks.rows[0][1].value, codecs.rows[0][4].value) == (1e6 / 1e9, 2.0)
    assert "Not measured: a GPU: there is none here." in (tmp_path / "floor.html").read_text()
    (machine,) = write_floor_page(floor_of(None, PEAKS), tmp_path / "machine.html").sections
    assert machine.anchor == "machine"

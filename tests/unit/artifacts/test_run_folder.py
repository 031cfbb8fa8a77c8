"""A run's folder: what does not belong together is refused, and the message says which file."""

import json
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.run_folder import RunFolder
from hilum.core.errors import DigestError, InputError

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))


@pytest.fixture
def run(tmp_path):
    return FAKE["make_run"](tmp_path / "run", pipelines=("crop",), trials=2, matrices={"all": FAKE["SMALL"]})


def _edit(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_whole_run_is_read(run):
    folder = RunFolder(run)
    (cell,) = folder.cells
    assert folder.classes == ("bacterial", "covid", "normal", "viral")
    assert len(folder.predictions(cell, 2).of_part("test")) == 68
    assert folder.seconds(cell, 1).alone == {"prepare": 20.0, "featurize": 61.0, "train": 9.5, "predict": 0.5}
    assert len(folder.losses(cell, 1).train) == 6
    assert folder.operating_point(cell, 2)["threshold"] == 0.32


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(InputError, match=r"expected the folder of a run, with run\.json"):
        RunFolder(tmp_path)


def test_a_missing_key_is_named(run):
    _edit(run / "run.json", lambda v: v.pop("positive"))
    with pytest.raises(InputError, match="the key 'positive' is missing"):
        RunFolder(run)


def test_a_split_of_another_manifest_is_refused(run):
    _edit(run / "run.json", lambda v: v.update(manifest_digest="f" * 64))
    with pytest.raises(DigestError, match=r"trial-1\.json: it was drawn from manifest .* mixes two runs"):
        _ = RunFolder(run).splits


def test_predictions_of_other_films_are_refused(run):
    path = run / "cells" / "resnet50--crop--constant" / "trial-1" / "predictions.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    folder = RunFolder(run)
    with pytest.raises(
        DigestError, match=r"its test films are not those of .*: 1 are missing, 0 do not belong"
    ):
        folder.predictions(folder.cells[0], 1)


def test_a_label_that_differs_from_the_manifest_is_refused(run):
    path = run / "cells" / "resnet50--crop--constant" / "trial-1" / "predictions.csv"
    path.write_text(path.read_text().replace(",test,viral,", ",test,covid,", 1))
    folder = RunFolder(run)
    with pytest.raises(InputError, match="has y_true 'covid', but the manifest says 'viral'"):
        folder.predictions(folder.cells[0], 1)


def test_an_unfinished_run_says_so(run):
    (run / "cells" / "resnet50--crop--constant" / "trial-2" / "predictions.csv").unlink()
    with pytest.raises(InputError, match="not finished, run it again to go on"):
        RunFolder(run).prediction_digests()

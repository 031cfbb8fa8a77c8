"""Predict sees the pixels that training saw, and every unreadable film has its reason."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import PartFeatures
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.study import read_study
from hilum.core.errors import DigestError, InputError
from hilum.imaging.phantom import make_films
from hilum.stages.ingest import ingest
from hilum.stages.predict import PredictTask, predict_films, predict_trial
from hilum.workflow.run import run_study

STUDY = """
name = "tiny"
[grid]
backbones = ["tf_efficientnet_lite0", "squeezenet1_0"]
pipelines = ["crop"]
trials = 1
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 64
[training]
epochs = 1
[statistics]
resamples = 100
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    root = tmp_path_factory.mktemp("predict")
    ingest([f"synthetic={make_films(root / 'films', 60, 5, 96)}"], root / "manifest.csv", workers=1)
    (root / "tiny.toml").write_text(STUDY)
    report, _ = run_study(
        read_study(root / "tiny.toml"), root / "manifest.csv", root / "workspace", 1, "test"
    )
    shutil.copy(root / "manifest.csv", report.parent / "all.csv")
    return report.parent


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "squeezenet1_0"])
def test_predict_equals_the_study_where_nothing_was_drawn(study: Path, tmp_path: Path, backbone: str) -> None:
    trial = study / "cells" / f"{backbone}--crop--constant" / "trial-1"
    stored = Predictions.read(trial / "predictions.csv")
    manifest = Manifest.read(study / "manifest.csv")
    fresh = predict_films(trial / "bundle", [study / "manifest.csv"], tmp_path / "p.csv", "cpu")
    row = {i: k for k, i in enumerate(fresh.image_ids)}
    again = fresh.probabilities[[row[i] for i in stored.image_ids]]
    same = np.isclose(again, stored.probabilities, rtol=0, atol=1e-6).all(axis=1)
    # a tenth of the films passes the random crop in the study, never in predict
    assert 0.75 < same.mean() < 1.0
    assert len(fresh) == len(manifest)
    assert fresh.patient_ids == tuple(manifest.by_id[i].patient_id for i in fresh.image_ids)


def test_a_model_that_says_the_same_of_every_film_is_noticed(study: Path, tmp_path: Path) -> None:
    trial = study / "cells" / "squeezenet1_0--crop--constant" / "trial-1"
    assert json.loads((trial / "predict.json").read_text())["constant"] is False
    shutil.copytree(trial / "bundle", tmp_path / "bundle")
    bundle, header, state = Bundle.read(trial / "bundle")
    bundle.write(tmp_path / "bundle", header, {k: np.zeros_like(v) for k, v in state.items()})
    features = np.random.default_rng(0).random((6, 512, 3, 3)).astype(np.float16)
    np.save(tmp_path / "f.npy", features)
    ids = tuple("abcdef")
    films = PartFeatures(ids, ids, tuple((str(tmp_path / "f.npy"), k) for k in range(6)), (0, 1, 2, 3, 0, 1))
    empty = dict.fromkeys(ids, "")
    predict_trial(
        PredictTask(str(tmp_path / "bundle"), (("test", films),), empty, empty, str(tmp_path / "p.csv"))
    )
    assert json.loads((tmp_path / "predict.json").read_text())["constant"] is True


def test_a_film_that_cannot_be_read_is_a_row_with_its_reason(study: Path, tmp_path: Path) -> None:
    bundle = study / "cells" / "tf_efficientnet_lite0--crop--constant" / "trial-1" / "bundle"
    good = Path(Manifest.read(study / "manifest.csv").films[0].path)
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "good.png").write_bytes(good.read_bytes())
    (folder / "short.png").write_bytes(good.read_bytes()[:-40])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_bytes(b"not a film at all, but a sentence")
    Image.open(good).save(folder / "colour.jpg")
    done = predict_films(bundle, [folder], tmp_path / "p.csv", "cpu")
    assert dict(zip(done.image_ids, done.errors, strict=True)) == {
        "colour.jpg": "", "empty.png": "empty", "good.png": "", "short.png": "truncated", "text.jpg": "not an image",
    }  # fmt: skip
    again = Predictions.read(tmp_path / "p.csv")
    assert again.operating_point[1] == ""
    assert set(again.operating_point) <= {"", "0", "1"}
    assert np.isnan(again.probabilities[1]).all()


def test_a_changed_bundle_is_refused(study: Path, tmp_path: Path) -> None:
    bundle = study / "cells" / "squeezenet1_0--crop--constant" / "trial-1" / "bundle"
    shutil.copytree(bundle, tmp_path / "bundle")
    data = bytearray((tmp_path / "bundle" / "head.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "bundle" / "head.safetensors").write_bytes(bytes(data))
    with pytest.raises(DigestError, match="it was made from head"):
        predict_films(tmp_path / "bundle", [study / "manifest.csv"], tmp_path / "p.csv", "cpu")
    with pytest.raises(InputError, match="expected a bundle"):
        predict_films(tmp_path, [study / "manifest.csv"], tmp_path / "p.csv", "cpu")
    with pytest.raises(InputError, match="no such film, folder or manifest"):
        predict_films(bundle, [tmp_path / "nothing.png"], tmp_path / "p.csv", "cpu")

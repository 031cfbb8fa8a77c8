"""Predict sees the pixels that training saw, and every unreadable film has its reason."""

import csv
import io
import json
import shutil
import warnings
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicom_films import bytes_of, film_of
from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import FeatureRows, FeatureStore
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.prepared import PreparedStore
from hilum.artifacts.run_folder import RunFolder
from hilum.client import Client
from hilum.core.digests import digest
from hilum.core.engine import Local
from hilum.core.errors import DigestError, InputError
from hilum.imaging.decode import decode
from hilum.inference.predictor import Predictor
from hilum.inference.reader import Reader
from hilum.models import feature_engine
from hilum.models.onnx_backbone import activation_ranges, onnx_versions
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.node.answering import Answering
from hilum.node.source import read_source
from hilum.stages.ingest import ingest
from hilum.stages.predict import PredictTask, predict_films, predict_trial
from hilum.study.file import read_study
from hilum.synthetic.phantom import make_films
from hilum.workflow.ranges import RANGE_FILMS
from hilum.workflow.run import run_study
from needs import needed_module
from serving import made, running, with_limits
from trial_films import frozen

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
    ingest([f"synthetic={make_films(root / 'films', 120, 5, 96)}"], root / "manifest.csv", engine=Local(1))
    (root / "tiny.toml").write_text(STUDY)
    report, _ = run_study(
        read_study(root / "tiny.toml"), root / "manifest.csv", root / "workspace", Local(1), "test"
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
    differ = ~np.isclose(again, stored.probabilities, rtol=0, atol=1e-6).all(axis=1)
    # the films that passed the random crop in the study, which predict never draws, and no others
    listed = json.loads((study / "prepared" / "crop--trial-1.json").read_text())
    drawn = {row[0] for part in ("valid", "test") for row in listed[part] if row[3]}
    assert 0 < len(drawn) < len(stored) / 2
    assert {i for i, d in zip(stored.image_ids, differ, strict=True) if d} == drawn
    strange = dict(zip(fresh.image_ids, fresh.judged["stranger_score"], strict=True))
    for i, s in zip(stored.image_ids, stored.judged["stranger_score"], strict=True):
        assert i in drawn or s == strange[i]  # the gate that the bundle has is the one that the study had
    assert len(fresh) == len(manifest)
    assert fresh.patient_ids == tuple(manifest.by_id[i].patient_id for i in fresh.image_ids)


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "squeezenet1_0"])
def test_predict_service_and_node_say_the_same_of_a_studys_films(
    study: Path, tmp_path: Path, backbone: str
) -> None:
    needed_module("highdicom", "pip install -e '.[node]'")
    bundle = study / "cells" / f"{backbone}--crop--constant" / "trial-1" / "bundle"
    precision = Bundle.described(bundle)[0].precision
    manifest = Manifest.read(study / "manifest.csv")
    rows = [manifest.by_id[i] for i in held_out(study, backbone)[:8]]
    films = [(r.image_id, Path(r.path).read_bytes()) for r in rows]
    own = Predictions.read(predicted(bundle, study, tmp_path))
    where = {i: k for k, i in enumerate(own.image_ids)}
    with running(made(bundle, tmp_path / "state", limits=with_limits(films=8))) as url, Client(url) as client:
        served = client.predict(films).answers
    node = Answering(bundle)
    for (image_id, data), answer in zip(films, served, strict=True):
        said = list(answer.probabilities.values())
        k = where[image_id]
        assert np.abs(own.probabilities[k] - said).max() < {"fp32": 1e-4, "bf16": 1e-2}[precision]
        assert float(own.judged["stranger_score"][k]) == pytest.approx(answer.gate.score)
        (tmp_path / "film.dcm").write_bytes(as_dicom(decode(data).pixels))
        opened = node.opener("film", (tmp_path / "film.dcm").read_bytes())
        report = node.objects(opened, read_source(tmp_path / "film.dcm"), datetime(2026, 1, 2))[0]
        assert [numbers_of(report.data)[f"Probability of {c}"] for c in own.classes] == said


def held_out(study: Path, backbone: str) -> list[str]:
    stored = Predictions.read(study / "cells" / f"{backbone}--crop--constant" / "trial-1" / "predictions.csv")
    return [i for i, part in zip(stored.image_ids, stored.parts, strict=True) if part == "test"]


def predicted(bundle: Path, study: Path, tmp_path: Path) -> Path:
    predict_films(bundle, [study / "manifest.csv"], tmp_path / "own.csv", "cpu")
    return tmp_path / "own.csv"


def as_dicom(pixels: np.ndarray) -> bytes:
    """The same grey pixels in a film that a node takes."""
    uids = {
        "StudyInstanceUID": "1.2.3.4",
        "SeriesInstanceUID": "1.2.3.4.5",
        "PatientID": "",
        "PatientName": "",
    }
    return bytes_of(film_of(pixels.astype(np.int64), bits=8, **uids))


def numbers_of(report: bytes) -> dict[str, float]:
    """Meaning -> number of the measurements of a report."""
    pydicom = needed_module("pydicom")

    def below(of):
        for item in of.get("ContentSequence", []):
            yield item
            yield from below(item)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pydicom.dcmread(io.BytesIO(report))
    return {
        i.ConceptNameCodeSequence[0].CodeMeaning: i.MeasuredValueSequence[0].get("FloatingPointValue")
        for i in below(found)
        if i.ValueType == "NUM"
    }


def test_a_model_that_says_the_same_of_every_film_is_noticed(study: Path, tmp_path: Path) -> None:
    trial = study / "cells" / "squeezenet1_0--crop--constant" / "trial-1"
    assert json.loads((trial / "predict.json").read_text())["constant"] is False
    shutil.copytree(trial / "bundle", tmp_path / "bundle")
    bundle, header, state = Bundle.read(trial / "bundle")
    bundle.write(tmp_path / "bundle", header, {k: np.zeros_like(v) for k, v in state.items()})
    features = np.random.default_rng(0).random((6, 512, 3, 3)).astype(np.float16)
    parts = {"test": (list("abcdef"), features, (0, 1, 2, 3, 0, 1))}
    path, _, body = frozen(tmp_path, parts, bundle.classes)
    predict_trial(PredictTask(tmp_path / "bundle", path, body, tmp_path / "p.csv"))
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
    Image.new("L", (300, 300), 255).save(folder / "white.png")
    done = predict_films(bundle, [folder], tmp_path / "p.csv", "cpu")
    assert dict(zip(done.image_ids, done.errors, strict=True)) == {
        "white.png": "one grey",
        "colour.jpg": "", "empty.png": "empty", "good.png": "", "short.png": "truncated", "text.jpg": "not an image",
    }  # fmt: skip
    again = Predictions.read(tmp_path / "p.csv")
    assert again.operating_point[1] == ""
    assert set(again.operating_point) <= {"", "0", "1"}
    assert np.isnan(again.probabilities[1]).all()


def test_a_film_that_changed_since_ingest_has_no_score(study: Path, tmp_path: Path) -> None:
    bundle = study / "cells" / "squeezenet1_0--crop--constant" / "trial-1" / "bundle"
    manifest = Manifest.read(study / "manifest.csv")
    rows = []
    for k, row in enumerate(manifest.films[:3]):
        path = tmp_path / f"{k}.png"
        shutil.copy(row.path, path)
        rows.append(replace(row, path=str(path)))
    swapped = rows[1].image_id
    shutil.copy(rows[0].path, rows[1].path)
    Manifest(rows, Header("manifest", options={"no_patient_ids": []})).write(tmp_path / "m.csv")
    done = predict_films(bundle, [tmp_path / "m.csv"], tmp_path / "p.csv", "cpu")
    assert dict(zip(done.image_ids, done.errors, strict=True)) == {
        r.image_id: "changed since ingest" if r.image_id == swapped else "" for r in rows
    }
    assert np.isnan(done.probabilities[list(done.image_ids).index(swapped)]).all()
    with pytest.raises(InputError, match=r"1 of 3 films cannot be scored, and --strict was given") as refused:
        predict_films(bundle, [tmp_path / "m.csv"], tmp_path / "q.csv", "cpu", strict=True)
    assert f"{swapped}: changed since ingest" in str(refused.value)
    assert not (tmp_path / "q.csv").exists()


def test_a_bare_dicom_brings_its_patient_study_and_view(study: Path, tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    from pydicom.uid import ExplicitVRLittleEndian

    folder = tmp_path / "films"
    folder.mkdir()
    film = np.asarray(Image.open(Manifest.read(study / "manifest.csv").films[0].path).convert("L"))
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PatientID, ds.StudyInstanceUID, ds.ViewPosition, ds.Modality = "P12", "1.2.3.4", "AP", "DX"
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3"
    ds.Rows, ds.Columns = film.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.PixelData = film.tobytes()
    ds.save_as(folder / "a.dcm", enforce_file_format=True)
    Image.fromarray(film).save(folder / "b.png")
    bundle = study / "cells" / "squeezenet1_0--crop--constant" / "trial-1" / "bundle"
    predict_films(bundle, [folder], tmp_path / "p.csv", "cpu")
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    assert [(r["patient_id"], r["study_uid"], r["view"]) for r in rows] == [
        ("P12", "1.2.3.4", "AP"),
        ("", "", ""),
    ]
    again = Predictions.read(tmp_path / "p.csv")
    assert (again.study_uids, again.views) == (("1.2.3.4", ""), ("AP", ""))
    assert again.take([1]).views == ("",)


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


@pytest.mark.slow
def test_training_predict_and_serve_compute_a_run_of_onnx_runtime_by_it(study: Path, tmp_path: Path) -> None:
    """With the bits of the stored features, whoever asks; the workspace keeps them beside torch's."""
    needed_module("onnxruntime")
    root = study.parents[2]
    named = STUDY.replace('"tf_efficientnet_lite0", ', "") + '[features]\nengine = "onnx"\n'
    (root / "onnx.toml").write_text(named.replace("tiny", "onnx"))
    report, _ = run_study(
        read_study(root / "onnx.toml"), root / "manifest.csv", root / "workspace", Local(1), "test"
    )
    record = RunFolder(report.parent).record
    assert record.engines == {"squeezenet1_0": f"ONNX Runtime {onnx_versions()['onnxruntime']}"}
    assert RunFolder(study).record.engines["squeezenet1_0"].startswith("torch ")
    trial = report.parent / "cells" / "squeezenet1_0--crop--constant" / "trial-1"
    predictor = Predictor(trial / "bundle")
    made_from = Header.read(trial / "bundle" / "bundle.json").inputs["features"]
    store = FeatureStore.kept(root / "workspace" / "features", "squeezenet1_0", made_from)
    assert (store.spec.engine, store.spec.precision) == ("onnx", "fp32")
    listed = json.loads((report.parent / "prepared" / "crop--trial-1.json").read_text())
    same = {row[0]: row[2] for part in ("valid", "test") for row in listed[part] if not row[3]}
    films = PreparedStore(root / "workspace" / "prepared").located(listed["shards"])
    digests = list(same.values())
    pixels = FeatureRows(films.locations(digests)).take(slice(None))
    stored = FeatureRows(store.locations(digests)).take(slice(None))
    assert predictor.frozen is not None
    assert np.array_equal(predictor.frozen.features(pixels, 1).numpy().astype(np.float16), stored)
    kept = Predictions.read(trial / "predictions.csv")
    fresh = predict_films(trial / "bundle", [study / "manifest.csv"], tmp_path / "p.csv", "cpu")
    row = {i: k for k, i in enumerate(fresh.image_ids)}
    known = [k for k, i in enumerate(kept.image_ids) if i in same]
    again = fresh.probabilities[[row[kept.image_ids[k]] for k in known]]
    assert np.allclose(again, kept.probabilities[known], rtol=0, atol=1e-6)
    assert fresh.header.options["engine"] == record.engines["squeezenet1_0"]
    served = Reader(trial / "bundle", "torch")
    assert served.engine.words.endswith("on features of ONNX Runtime")
    path = Manifest.read(study / "manifest.csv").films[0]
    (reading,) = served.read([(path.image_id, Path(path.path).read_bytes())])
    assert np.allclose(
        reading.scored.probabilities, fresh.probabilities[row[path.image_id]], rtol=0, atol=1e-6
    )


@pytest.mark.slow
def test_a_run_in_whole_numbers_carries_what_its_training_films_told(study: Path) -> None:
    """Its bundle has the ranges and makes the same graph of them: the run's own bits, and no film of valid or test told anything."""
    needed_module("onnxruntime")
    root = study.parents[2]
    named = STUDY.replace('"tf_efficientnet_lite0", ', "") + '[features]\nengine = "onnx-int8"\n'
    (root / "int8.toml").write_text(named.replace("tiny", "int8"))
    asked = (read_study(root / "int8.toml"), root / "manifest.csv", root / "workspace", Local(1), "test")
    report, _ = run_study(*asked)
    trial = report.parent / "cells" / "squeezenet1_0--crop--constant" / "trial-1"
    bundle, header, _ = Bundle.read(trial / "bundle")
    listed = json.loads((report.parent / "prepared" / "crop--trial-1.json").read_text())
    train = sorted({row[2] for row in listed["train"]})
    assert bundle.engine["name"] == "onnx-int8"
    assert bundle.engine["ranges_of"] == digest(train[:RANGE_FILMS])
    store = FeatureStore.kept(root / "workspace" / "features", "squeezenet1_0", header.inputs["features"])
    assert (store.spec.precision, store.spec.ranges_of) == ("int8", bundle.engine["ranges_of"])
    assert (
        json.loads((store.folder / "ranges.json").read_text())["ranges"].keys()
        == bundle.engine["ranges"].keys()
    )
    films = PreparedStore(root / "workspace" / "prepared").located(listed["shards"])
    told = FeatureRows(films.locations(train[:RANGE_FILMS])).take(slice(None))
    assert activation_ranges(backbone("squeezenet1_0"), RANDOM, bundle.weights["seed"], (64, 64), told) == {
        name: tuple(limits) for name, limits in bundle.engine["ranges"].items()
    }
    pixels = told[:8]
    frozen = Predictor(trial / "bundle").frozen
    assert frozen is not None
    stored = FeatureRows(store.locations(train[:8])).take(slice(None))
    assert np.array_equal(frozen.features(pixels, 1).numpy().astype(np.float16), stored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_engine, "missing_onnx", lambda: "no such package")
        with pytest.raises(InputError, match="int8, from which torch's are too far away: no such package"):
            Predictor(trial / "bundle")

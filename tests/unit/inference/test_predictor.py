"""A predictor is of the weights that its bundle was trained on, and of no others."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.artifacts.predictions import Predictions
from hilum.augment.presets import preset
from hilum.core.errors import DigestError, InputError
from hilum.inference.predictor import Predictor, provenance
from hilum.models import feature_engine
from hilum.models.backbone import build_network
from hilum.models.heads import build_head
from hilum.models.onnx_backbone import OnnxBackbone, onnx_versions
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM, state_sha256
from hilum.stages.predict import predict_films
from needs import needed_module


def bundle(
    folder: Path, seed: int, threshold: float = 0.5, temperature: float | None = 1.0, head: int = 3,
    classes: tuple[str, str] = ("normal", "covid"), engine: dict[str, str] | None = None,
) -> Path:  # fmt: skip
    """A head on random weights drawn from seed 1; `seed` is what the bundle says of them."""
    b = backbone("squeezenet1_0")
    weights = {"choice": "none", "sha256": None, "source": "random weights", "seed": seed}
    Bundle(
        classes, "covid", b.name, weights, state_sha256(build_network(b, RANDOM, 1)), "fp32", 4,
        preset("baseline", 48).to_dict(), b.head, {"threshold": threshold}, {} if temperature is None else {"temperature": temperature}, {},
        engine=engine or {},
    ).write(folder, Header("bundle"), {k: v.numpy() for k, v in build_head(b, 2, head).state_dict().items()})  # fmt: skip
    return folder


def test_the_backbones_weights_are_those_that_the_head_was_trained_on(tmp_path: Path) -> None:
    assert Predictor(bundle(tmp_path / "right", 1)).bundle.positive == "covid"
    with pytest.raises(DigestError, match="it was made from backbone weights"):
        Predictor(bundle(tmp_path / "other", 2))


def test_a_film_is_positive_from_the_threshold_on_of_the_positive_class(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)).save(data, "PNG")
    film = [("film", data.getvalue())]
    (scored,) = Predictor(bundle(tmp_path / "a", 1)).score(film)
    assert scored.probabilities is not None
    at = float(scored.probabilities[1])
    assert abs(at - 0.5) > 0.001
    for name, threshold, positive in (("b", at, True), ("c", float(np.nextafter(at, 1)), False)):
        (again,) = Predictor(bundle(tmp_path / name, 1, threshold)).score(film)
        assert again.positive is positive


def test_calibrated_probabilities_are_those_at_the_temperature_and_decisions_stay(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)).save(data, "PNG")
    film = [("film", data.getvalue())]
    (plain,) = Predictor(bundle(tmp_path / "a", 1, temperature=2.5)).score(film)
    predictor = Predictor(tmp_path / "a", calibrated=True)
    (scaled,) = predictor.score(film)
    assert plain.probabilities is not None
    expected = plain.probabilities ** (1 / 2.5)
    assert scaled.probabilities == pytest.approx(expected / expected.sum(), abs=1e-7)
    assert scaled.positive is plain.positive
    assert provenance(predictor).options["temperature"] == 2.5
    assert "temperature" not in provenance(Predictor(tmp_path / "a")).options
    with pytest.raises(InputError, match="has no temperature; predict without --calibrated"):
        Predictor(bundle(tmp_path / "b", 1, temperature=None), calibrated=True)


def test_the_spread_is_of_all_bundles_and_other_classes_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)).save(tmp_path / "film.png")
    folders = [bundle(tmp_path / str(head), 1, head=head) for head in (3, 4, 5)]
    p = []
    for folder in folders:
        done = predict_films(folder, [tmp_path / "film.png"], tmp_path / "p.csv", "cpu")
        assert "spread" not in done.judged
        p.append(done.probabilities[0, 1])
    done = predict_films(folders[0], [tmp_path / "film.png"], tmp_path / "p.csv", "cpu", others=folders[1:])
    (spread,) = Predictions.read(tmp_path / "p.csv").judged["spread"]
    assert float(spread) == pytest.approx(np.std(p, ddof=1), rel=1e-4)
    assert done.header.options["spread_over"] == "3 bundles"
    other = bundle(tmp_path / "other", 1, classes=("covid", "normal"))
    with pytest.raises(InputError, match="--spread: expected bundles of the classes normal, covid"):
        predict_films(folders[0], [tmp_path / "film.png"], tmp_path / "p.csv", "cpu", others=[other])


def test_a_bundle_of_features_of_onnx_runtime_is_computed_by_it_and_else_by_torch_which_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HILUM_QUIET", raising=False)
    here = onnx_versions()["onnxruntime"] if needed_module("onnxruntime") else ""
    folder = bundle(tmp_path / "onnx", 1, engine={"name": "onnx", "version": here})
    films = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
    by_onnx = Predictor(folder)
    assert capsys.readouterr().err == ""
    assert by_onnx.frozen is not None
    assert by_onnx.frozen.engine == "onnx"
    assert provenance(by_onnx).options["engine"] == f"ONNX Runtime {here}"
    features = OnnxBackbone(backbone("squeezenet1_0"), RANDOM, 1, (48, 48)).features(films)
    head = build_head(backbone("squeezenet1_0"), 2, 3).eval()
    with torch.inference_mode():
        assert torch.equal(
            by_onnx.passed(films), head(features.half().float())
        )  # as the feature store keeps maps

    older = bundle(tmp_path / "older", 1, engine={"name": "onnx", "version": "1.0.0"})
    assert torch.equal(Predictor(older).passed(films), by_onnx.passed(films))
    assert (
        f"computed by ONNX Runtime {here}; its head was trained on features of ONNX Runtime 1.0.0"
        in capsys.readouterr().err
    )

    monkeypatch.setattr(feature_engine, "missing_onnx", lambda: "no such package")
    by_torch = Predictor(folder)
    words = capsys.readouterr().err
    assert (
        f"computed by torch {torch.__version__}; its head was trained on features of ONNX Runtime {here}"
        in words
    )
    assert "which is not taken: no such package" in words
    assert provenance(by_torch).options["engine"] == f"torch {torch.__version__}"
    assert torch.allclose(by_torch.passed(films), by_onnx.passed(films), atol=1e-3)
    assert "engine" not in provenance(Predictor(bundle(tmp_path / "torch", 1))).options

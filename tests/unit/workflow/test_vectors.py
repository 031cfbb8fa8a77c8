"""Features made elsewhere are a backbone: a cell of a study, with a vector for every film, and refused for what needs a network."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.vectors import read_vectors
from hilum.core.engine import Local
from hilum.core.errors import DigestError, InputError
from hilum.models.registry import backbone
from hilum.stages.ingest import ingest
from hilum.stages.predict import predict_films
from hilum.study.file import Study, check_consistent
from hilum.synthetic.phantom import make_films
from hilum.workflow.checks import concerns
from hilum.workflow.run import run_study
from hilum.workflow.state import Run
from hilum.workflow.workspace import Workspace

NAME = "precomputed/far"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("films")
    ingest([f"synthetic={make_films(root / 'films', 60, 5, 64)}"], root / "manifest.csv", engine=Local(1))
    return root / "manifest.csv"


def vectors_for(manifest: Path) -> tuple[list[str], NDArray[np.float64]]:
    """A signal of the label in one of five numbers a film."""
    films = Manifest.read(manifest).films
    values = np.random.default_rng(3).normal(size=(len(films), 5))
    values[:, 2] += [4.0 * (f.label == "covid") for f in films]
    return [f.image_id for f in films], values


def study_of(file: Path, **more: object) -> Study:
    tables = {
        "name": "far", "seed": 4, "grid": {"backbones": [NAME], "trials": 1}, "precomputed": {"far": {"file": str(file)}},
        "augment": {"size_px": 32}, "training": {"epochs": 12, "learning_rate": 0.02}, "statistics": {"resamples": 100},
        "sampling": {"covid": 30},
    }  # fmt: skip
    return Study.model_validate({**tables, **more})


def found(study: Study, manifest: Path, root: Path) -> list[str]:
    run = Run(study, Manifest.read(manifest), Workspace(root / "w"), Local(1))
    return [c.text for c in concerns(run) if c.code]


@pytest.mark.slow
def test_vectors_are_a_cell_and_the_head_sees_them(manifest: Path, tmp_path: Path) -> None:
    ids, values = vectors_for(manifest)
    order = np.random.default_rng(0).permutation(len(ids))  # by id, not by row
    np.savez(tmp_path / "v.npz", image_id=np.array(ids)[order], vector=values[order])
    run = run_study(study_of(tmp_path / "v.npz"), manifest, tmp_path / "w", Local(1), "")[0].parent
    trial = run / "cells" / "precomputed-far--baseline--constant" / "trial-1"
    bundle, _, state = Bundle.read(trial / "bundle")
    assert (bundle.backbone, state["weight"].shape) == (NAME, (4, 5))
    assert bundle.weights["source"] == "vectors made elsewhere, v.npz"
    predictions = Predictions.read(trial / "predictions.csv")
    z = (
        values[[ids.index(i) for i in predictions.image_ids]].astype(np.float32) @ state["weight"].T
        + state["bias"]
    )
    p = np.exp(z - z.max(1, keepdims=True))
    assert np.allclose(predictions.probabilities, p / p.sum(1, keepdims=True), atol=1e-6)
    k = bundle.classes.index("covid")
    is_covid = [y == "covid" for y in predictions.y_true]
    assert roc_auc_score(is_covid, predictions.probabilities[:, k]) > 0.8
    assert f"{NAME}: 24 parameters, 24 of them trained" in (run / "report.html").read_text()
    with pytest.raises(InputError, match="hilum has no network to make one of another film"):
        predict_films(trial / "bundle", [manifest], tmp_path / "p.csv", "cpu")


def test_another_file_is_other_features(manifest: Path, tmp_path: Path) -> None:
    ids, values = vectors_for(manifest)
    folders = set()
    for k in range(2):
        np.savez(tmp_path / f"{k}.npz", image_id=ids, vector=values + k)
        run = Run(
            study_of(tmp_path / f"{k}.npz"), Manifest.read(manifest), Workspace(tmp_path / "w"), Local(1)
        )
        folders.add(run.folder)
    assert len(folders) == 2


def test_what_stands_in_the_way_is_said_before_the_first_film(manifest: Path, tmp_path: Path) -> None:
    ids, values = vectors_for(manifest)
    holes = values.copy()
    holes[5, 1] = np.nan
    np.savez(tmp_path / "v.npz", image_id=[*ids[2:], ids[3]], vector=[*holes[2:], holes[3]])
    n = len(ids)
    (text,) = found(study_of(tmp_path / "v.npz"), manifest, tmp_path)
    assert f"2 of {n} films have no vector ({ids[0]}, {ids[1]})" in text
    assert f"1 of {n} films have several vectors ({ids[3]})" in text
    assert f"1 of {n} films have a vector with values that are not finite ({ids[5]})" in text

    np.savez(tmp_path / "v.npz", image_id=ids, vector=values)
    assert found(study_of(tmp_path / "v.npz"), manifest, tmp_path) == []
    grid = {"backbones": [NAME], "trials": 1, "pipelines": ["crop"]}
    (text,) = found(study_of(tmp_path / "v.npz", grid=grid), manifest, tmp_path)
    assert "on which crop_centre of pipeline 'crop' cannot act" in text
    (text,) = found(study_of(tmp_path / "v.npz", finetune={}), manifest, tmp_path)
    assert "is a file of vectors and no network, which could be fine-tuned" in text
    texts = found(study_of(tmp_path / "v.npz", probes={"kinds": ["border-only"]}), manifest, tmp_path)
    assert any("cannot act; use a pipeline of resize alone" in t for t in texts)
    (text,) = found(study_of(tmp_path / "gone.npz"), manifest, tmp_path)
    assert "gone.npz: no such file of vectors" in text


def test_a_file_is_read_without_running_anything(tmp_path: Path) -> None:
    values = np.arange(6.0).reshape(2, 3)
    np.savez(tmp_path / "v.npz", image_id=["a", "b"], vector=values)
    read = read_vectors(tmp_path / "v.npz")
    assert np.array_equal(read.of(["b", "a", "b"]), values[[1, 0, 1]])
    with pytest.raises(DigestError, match="declared sha256 00"):
        read_vectors(tmp_path / "v.npz", "00")

    np.savez(tmp_path / "o.npz", image_id=np.array(["a", "b"], object), vector=values)
    np.savez(tmp_path / "n.npz", image_id=["a", "b"], features=values)
    np.savez(tmp_path / "s.npz", image_id=["a", "b"], vector=values[:1])
    for name, message in (
        ("o", "without pickled objects"),
        ("n", "expected the arrays image_id and vector"),
        ("s", "got 2 ids"),
    ):
        with pytest.raises(InputError, match=message):
            read_vectors(tmp_path / f"{name}.npz")

    import pandas

    pandas.DataFrame({"image_id": ["a", "b"], "vector": list(values)}).to_parquet(tmp_path / "v.parquet")
    assert np.array_equal(read_vectors(tmp_path / "v.parquet").values, values)


def test_a_study_names_its_file() -> None:
    with pytest.raises(InputError, match=r"needs a table \[precomputed.far\]"):
        check_consistent(study_of(Path("v.npz"), precomputed={}), "s.toml")
    with pytest.raises(
        InputError, match=r"is for the backbone 'precomputed/far', which is not in grid.backbones"
    ):
        check_consistent(study_of(Path("v.npz"), grid={"backbones": ["cnn"]}), "s.toml")
    assert backbone(NAME).precomputed

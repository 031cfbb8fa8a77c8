"""Every script under ``benchmarks/`` runs, at a size that says nothing of speed, and writes what it says it writes."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
from PIL import Image

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.cli.main import app
from hilum.core.digests import pixels_sha256, sha256_file
from needs import needed_module, needed_program
from serving import film as served_film
from watched_films import write_reference

SCRIPTS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts import each other, and `hilum` is called in this process, through its command line, so that torch is loaded once."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    run = subprocess.run

    def in_process(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        if command[1:3] != ["-m", "hilum.cli.main"]:
            return run(command, **options)
        words = [*command[3:], "--workers", "1"] if command[3] in ("run", "ingest") else command[3:]
        typer.main.get_command(app)(words, standalone_mode=False)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", in_process)


def bench(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *words: str) -> dict[str, Any]:
    """Run a script with ``--json`` and give what it wrote."""
    out = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", [name, *words, "--json", str(out)])
    runpy.run_path(str(SCRIPTS / name), run_name="__main__")
    found = json.loads(out.read_text())
    assert "machine" in found
    return dict(found)


ELSEWHERE = {"bench.py", "predicted.py", "rivals.py", "fastai_cell.py"}
"""In `test_rivals.py` and `test_predicted.py`; the last two want an environment with rivals, which `make bench` makes."""


def test_every_script_is_tried_here() -> None:
    tried = Path(__file__).read_text()
    scripts = [p.name for p in SCRIPTS.glob("*.py") if "__main__" in p.read_text()]
    assert len(scripts) >= 6
    assert {s for s in scripts if not re.search(rf'bench\(\s*"{s}"', tried)} == ELSEWHERE


def test_comparison(monkeypatch, tmp_path) -> None:
    found = bench(
        "comparison.py",
        monkeypatch,
        tmp_path,
        "--trials",
        "2",
        "--resamples",
        "100",
        "--test",
        "9",
        "9",
        "20",
        "9",
    )
    assert found["rows"][0]["films"] == 47
    assert found["rows"][0]["table_s"] > 0


def test_explain(monkeypatch, tmp_path) -> None:
    words = ("--rounds", "1", "--size", "64", "--methods", "grad-cam", "occlusion", "layer-cam")
    found = bench("explain.py", monkeypatch, tmp_path, *words)
    assert [r["method"] for r in found["rows"]] == ["grad-cam", "occlusion", "layer-cam"]
    assert found["rows"][1]["ratio"] > 0
    assert found["rows"][2]["ratio"] is None  # captum has no LayerCAM


def test_features(monkeypatch, tmp_path) -> None:
    words = ("--rounds", "1", "--size-px", "64", "--backbones", "squeezenet1_0", "--allocator", "default")
    found = bench("features.py", monkeypatch, tmp_path, *words)
    assert found["squeezenet1_0"]["hilum_films_per_s"] > 0
    assert found["squeezenet1_0"]["onnx_share_of_peak"] > 0
    # torchvision's table has .82 GFLOPS (multiply-adds) for squeezenet1_0 at 224 px with its classifier, of 512 x 1000 x 13 x 13
    # (docs.pytorch.org/vision/stable/models/generated/torchvision.models.squeezenet1_0.html)
    operations = runpy.run_path(str(SCRIPTS / "features.py"))["operations"]
    assert operations("squeezenet1_0", 224) / 2e9 == pytest.approx(
        0.82 - 512 * 1000 * 13 * 13 / 1e9, abs=0.01
    )


def test_ingest(monkeypatch, tmp_path) -> None:
    found = bench("ingest.py", monkeypatch, tmp_path, "--films", "12", "--workers", "1")
    assert [r["films"] for r in found["runs"]] == [12]


def test_preparation(monkeypatch, tmp_path) -> None:
    needed_module("Augmentor")
    monkeypatch.delenv("HILUM_FILMS", raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)
    found = bench("preparation.py", monkeypatch, tmp_path, "--films", "2", "--rounds", "1")
    assert len(found["kinds"]) == 3
    assert all(k["films_per_s"]["hilum"] > 0 for k in found["kinds"])


@pytest.mark.slow
def test_quality(monkeypatch, tmp_path) -> None:
    found = bench(
        "quality.py",
        monkeypatch,
        tmp_path,
        str(_manifest(tmp_path)),
        "--films",
        "8",
        "--write",
        str(tmp_path),
    )
    rates = json.loads((tmp_path / "rates.json").read_text())
    assert rates == found["rates"]
    assert rates["wide-border"]["missed"]["planted"][1] == 24  # two sources' films and phantoms
    kinds = json.loads((tmp_path / "kinds.json").read_text())["kinds"]
    assert {len(k["weights"]) for k in kinds.values()} == {90}


@pytest.mark.slow
def test_growth(monkeypatch, tmp_path) -> None:
    found = bench("growth.py", monkeypatch, tmp_path, "--films", "200", "--rows", "500", "1000")
    assert {r["films"] for r in found["films"]["rows"]} == {200}
    assert {r["films"] for r in found["rows"]["rows"]} == {500, 1000}
    for kind in ("films", "rows"):
        assert {"split", "prepare", "train", "predict", "evaluate", "report"} <= {
            r["stage"] for r in found[kind]["rows"]
        }


@pytest.mark.slow
def test_scaling(monkeypatch, tmp_path) -> None:
    found = bench("scaling.py", monkeypatch, tmp_path, "--films", "40")
    assert found["rows"][0]["films"] == 40
    assert {"prepare", "train", "predict"} <= set(found["rows"][0]["stages"])


def _manifest(folder: Path) -> Path:
    """A few films of each source and class of Experiment 2."""
    rng = np.random.default_rng(0)
    rows = []
    for source, label in (
        ("radiography", "covid"),
        ("radiography", "normal"),
        ("mooney", "bacterial"),
        ("mooney", "viral"),
    ):
        for k in range(12):
            pixels = rng.integers(0, 256, (64, 64), np.uint8)
            path = folder / f"{label}-{k}.png"
            Image.fromarray(pixels).save(path)
            rows.append(
                FilmRow(
                    f"{source}/{label}-{k}", f"{source}:{label}{k}", str(path), sha256_file(path), pixels_sha256(pixels), label, source,
                    source_part="train" if source == "mooney" else "", width_px=64, height_px=64,
                )
            )  # fmt: skip
    Manifest(rows, Header("manifest")).write(folder / "manifest.csv")
    return folder / "manifest.csv"


def test_startup(monkeypatch, tmp_path) -> None:
    rows = bench("startup.py", monkeypatch, tmp_path, "--rounds", "1")["rows"]
    assert [row["command"] for row in rows][:3] == ["--version", "--help", "run --help"]
    assert all(0.02 < row["cpu_seconds"] < 30 for row in rows)


@pytest.mark.slow
def test_study(monkeypatch, tmp_path) -> None:
    """Its one-pipeline cell has no counterpart to compare with, which must not end it."""
    known = tmp_path / "yardstick.json"
    known.write_text(json.dumps({"yardstick": {"squeezenet1_0": {"seconds": {"total": 100.0}}}}))
    sets = (
        "augment.size_px=64",
        "statistics.resamples=100",
        "training.epochs=1",
        "data.near_duplicates=false",
    )
    words = [w for s in sets for w in ("--set", s)]
    found = bench(
        "study.py", monkeypatch, tmp_path, str(_manifest(tmp_path)), "--films", "48", "--backbones", "squeezenet1_0",
        "--yardstick", str(known), *words,
    )  # fmt: skip
    assert found["films"] == 48
    assert found["hilum"]["cell"]["seconds"] > 0
    assert found["ratios"]["experiment"] == pytest.approx(
        100.0 * 12 / found["hilum"]["experiment"]["seconds"]
    )


@pytest.mark.slow
def test_strangers(monkeypatch, tmp_path) -> None:
    """On a bundle that a run left of noise films; the photographs and the noise are made by the script."""
    (tmp_path / "films").mkdir()
    manifest = _manifest(tmp_path / "films")
    sets = (
        'grid.backbones=["squeezenet1_0"]', 'grid.pipelines=["baseline"]', "grid.trials=1", "augment.size_px=64",
        "statistics.resamples=100", "training.epochs=1", "data.near_duplicates=false",
        'weights.squeezenet1_0="none"', "sampling.covid=1.0", "probes.kinds=[]",
    )  # fmt: skip
    words = [
        "run",
        "experiment-2",
        "--manifest",
        str(manifest),
        "--workspace",
        str(tmp_path / "ws"),
        "--workers",
        "1",
    ]
    words += [w for s in sets for w in ("--set", s)]
    typer.main.get_command(app)(words, standalone_mode=False)
    (trial,) = (tmp_path / "ws").glob("runs/*/cells/*/trial-1")
    films = str(tmp_path / "films")
    found = bench(
        "strangers.py",
        monkeypatch,
        tmp_path,
        str(trial),
        "--own",
        films,
        "--strange",
        f"same={films}",
        "--most",
        "12",
    )
    rows = {r["kind"]: r for r in found["rows"]}
    assert rows["own"]["films"] == rows["same"]["films"] == rows["noise"]["films"] == 12
    assert rows["same"]["shape_auroc"] == rows["same"]["mahalanobis_auroc"] == 0.5


def test_watching(monkeypatch, tmp_path, tiny_study) -> None:
    model = shutil.copytree(tiny_study / "model", tmp_path / "model")
    write_reference(model, Bundle.described(model)[0], 60)
    words = ("--films", "150", "--changed", "30", "--streams", "2", "--side-px", "64")
    rows = bench("watching.py", monkeypatch, tmp_path, str(model), *words)["rows"]
    assert (rows[0]["windows"], rows[0]["films_read"]) == (6, 150)
    assert [(r["change"], r["share"]) for r in rows[1:3]] == [("inverted", 1.0), ("inverted", 0.3)]
    assert rows[1]["missed"] == 0


def test_copies(monkeypatch, tmp_path) -> None:
    (row,) = bench("copies.py", monkeypatch, tmp_path, "--films", "100", "--workers", "0")["rows"]
    assert (row["films"], row["planted"], row["found"], row["other_pairs"]) == (100, 2, 2, 0)


@pytest.mark.slow
def test_serving(monkeypatch, tmp_path, tiny_study) -> None:
    """Beside `plain_service.py`, which it starts."""
    needed_program("wrk", "wrk")
    (film := tmp_path / "film.png").write_bytes(served_film())
    bundle = shutil.copytree(tiny_study / "model", tmp_path / "cell" / "trial-1" / "bundle")
    asked = (str(bundle), "--film", str(film), "--seconds", "5", "--flat", "100")
    (row,) = bench("serving.py", monkeypatch, tmp_path, *asked)["rows"]
    assert row["backbone"] == "squeezenet1_0"
    assert row["hilum"]["sixteen"]["not_answered"] == row["plain"]["one"]["not_answered"] == 0
    assert row["of_plain"] == row["hilum"]["sixteen"]["films_per_s"] / row["plain"]["sixteen"]["films_per_s"]
    assert row["flat"]["points"][-1][0] >= 100

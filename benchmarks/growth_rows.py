"""A whole study of films that have no pixels: rows of a manifest, prepared films of 8 x 8 px and vectors of eight numbers that were made
elsewhere; for `growth.py`. Every stage but the reading of films is hilum's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from growth_meter import Meter

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.prepared import PreparedRow
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import pixels_sha256, sha256_bytes
from hilum.core.engine import Local
from hilum.stages.audit import facts_of_rows
from hilum.study.file import read_study
from hilum.workflow.state import Run
from hilum.workflow.steps import STEPS
from hilum.workflow.workspace import Workspace

SIDE_PX, LONG = 8, 8
STUDY = """
name = "growth"
[data]
classes = ["covid", "normal"]
near_duplicates = false
exclude = [{ view = ["lateral"] }]
[split]
method = "fractions"
fractions = { train = 0.7, valid = 0.1, test = 0.2 }
[grid]
backbones = ["precomputed/eight"]
pipelines = ["crop"]
trials = 1
[precomputed.eight]
file = "vectors.npz"
[training]
epochs = 1
batch = 1024
[statistics]
resamples = 200
"""
SKIPPED = ("duplicates", "audit")
"""Steps that open films."""


def films(n: int) -> Iterator[FilmRow]:
    """Rows: a patient has up to three films, one film in fifty has the pixels of the one before, one in a hundred is lateral."""
    for k in range(n):
        label = "covid" if k // 3 % 4 == 0 else "normal"
        source = f"hospital-{k % 7}"
        own = k - 1 if k % 50 == 49 else k
        yield FilmRow(
            image_id=f"{source}/{label}/{k:08}",
            patient_id=f"{source}:P{k // 21:07}",
            path=f"/archive/films/{source}/{label}/{k:08}.png",
            sha256=sha256_bytes(b"bytes %d" % k),
            pixels_sha256=sha256_bytes(b"pixels %d" % own),
            label=label,
            source=source,
            view="lateral" if k % 100 == 7 else "PA",
            age_group=("adult", "child", "")[k % 3],
            sex="FM"[k % 2],
            width_px=1024,
            height_px=1024 + k % 5,
            container="png",
            stored_as="L",
            attributes={"scanner": f"scanner {k % 23}"} if k % 10 else {},
        )


def _write_vectors(path: Path, manifest: Manifest) -> None:
    """Vectors that tell the classes apart, somewhat."""
    values = np.random.default_rng(0).normal(size=(len(manifest), LONG)).astype(np.float32)
    values[:, 0] += [f.label == "covid" for f in manifest.films]
    np.savez(path, image_id=np.array([f.image_id for f in manifest.films]), vector=values)


def _write_prepared(run: Run) -> None:
    """A prepared film of noise for everything that the study wants, as `hilum.stages.prepare` leaves it."""
    rng = np.random.default_rng(0)
    for chunk in run.draws.chunks:
        pipelines = {name: Pipeline.from_dict(spec) for name, spec in chunk.pipelines}
        rows, pixels = [], {}
        for (image_id, _, _, sha), wanted in zip(chunk.films, chunk.wanted, strict=True):
            for w in wanted:
                film = rng.integers(0, 256, (SIDE_PX, SIDE_PX), np.uint8)
                pixels[key := pixels_sha256(film)] = film
                drawn = pipelines[w.pipeline].draw(w.seed, sha, w.copy, w.part, 1024, 1024)
                rows.append(PreparedRow(image_id, w, key, drawn))
        run.prepared.write(chunk.key, Header("prepared"), rows, pixels, 0.0)


def _predictions(n: int) -> Predictions:
    """Predictions of n test films."""
    p = np.random.default_rng(0).random(n)
    ids = tuple(f"hospital-{k % 7}/covid/{k:08}" for k in range(n))
    patients = tuple(f"hospital-{k % 7}:P{k // 21:07}" for k in range(n))
    labels = tuple("covid" if k % 4 == 0 else "normal" for k in range(n))
    said = tuple("1" if x > 0.5 else "0" for x in p)
    return Predictions(
        ids, patients, ("test",) * n, labels, np.stack([p, 1 - p], axis=1), ("covid", "normal"), patients, said,
        ("",) * n, Header("predictions"),
    )  # fmt: skip


def measure(n: int, folder: Path) -> Meter:
    """Every stage at n films."""
    meter, path, csv = Meter(n, folder), folder / "manifest.csv", folder / "predictions.csv"
    with meter.stage("manifest: make"):
        manifest = Manifest(films(n), Header("manifest"))
    with meter.stage("manifest: write"):
        manifest.write(path)
    _write_vectors(folder / "vectors.npz", manifest)
    del manifest
    (folder / "growth.toml").write_text(STUDY.replace("vectors.npz", str(folder / "vectors.npz")))
    with meter.stage("manifest: read"):
        manifest = Manifest.read(path)
    with meter.stage("manifest: digest"):
        _ = manifest.digest
    study = read_study(folder / "growth.toml")
    run = Run(study, manifest, Workspace(folder / "workspace"), Local(0, "cpu"), path)
    run.set_machine()
    with meter.stage("select"):
        _ = run.films
    with meter.stage("draws"):
        _ = run.draws.chunks
    _write_prepared(run)
    with meter.stage("vectors: read"):
        _ = run.folder
    for step in STEPS:
        if step.name == "audit":
            with meter.stage("audit of rows"):
                split = run.draws.split(run.draws.plain, 1)
                facts_of_rows(run.films, run.draws.duplicates, split, "covid")
        if step.name not in SKIPPED and step.wanted(run.study):
            with meter.stage(step.name):
                step.run(run)
    del run, manifest
    predictions = _predictions(n)
    with meter.stage("predictions: write"):
        predictions.write(csv)
    del predictions
    with meter.stage("predictions: read"):
        read = Predictions.read(csv)
    assert len(read) == n
    return meter

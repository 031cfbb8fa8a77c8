"""A workspace with one finished run whose artefacts fit one another as the workflow's do: films on disk, real digests and statistics.

Load it with ``runpy.run_path``. The heads are random and the probabilities drawn, so it takes a second; nothing in it was trained.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureSpec, FeatureStore
from hilum.artifacts.header import Header, header_path, write_json, write_with_header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.split import Split
from hilum.augment.presets import preset
from hilum.core.digests import SHORT, digest, pixels_sha256, sha256_file
from hilum.stages.evaluate import evaluate_run
from hilum.study.file import Study

CLASSES = ("covid", "normal")
PIPELINES = ("baseline", "crop")
SIDE_PX = 32
N_A_CLASS = 16
EPOCHS = 3
TRIALS = 2


def _films(folder: Path, rng) -> list[FilmRow]:
    rows = []
    for label in CLASSES:
        for k in range(N_A_CLASS):
            pixels = rng.integers(0, 256, (SIDE_PX, SIDE_PX), np.uint8)
            path = folder / label / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
            patient = f"clinic:secret-patient-{label}-{k // 2}"
            rows.append(
                FilmRow(
                    f"clinic/{label}/{k}", patient, str(path), sha256_file(path), pixels_sha256(pixels), label, "clinic",
                    age_group="adult", width_px=SIDE_PX, height_px=SIDE_PX,
                )
            )  # fmt: skip
    return rows


def study_table(name: str, switches=()) -> dict:
    """The study, as a file has it."""
    return {
        "name": name,
        "title": "Two pipelines on a few films",
        "seed": 7,
        "data": {"classes": list(CLASSES)},
        "grid": {
            "pipelines": list(PIPELINES),
            "trials": TRIALS,
            "backbones": ["squeezenet1_0"],
            "schedules": ["low"],
        },
        "policy": {"low": {"kind": "plateau", "learning_rate": 2e-4, "patience": 2}},
        "augment": {"size_px": SIDE_PX},
        "training": {"epochs": EPOCHS},
        "unsafe": dict.fromkeys(switches, True),
    }


def make_workspace(root: Path, name: str = "small", seed: int = 0, switches=()) -> Path:
    """Write a workspace; gives the run's folder."""
    rng = np.random.default_rng(seed)
    rows = _films(root / "films", rng)
    films = digest(sorted([r.image_id, r.sha256] for r in rows))
    manifest = Manifest(rows, Header("manifest", {"films of clinic": films}, {"no_patient_ids": []}))
    manifest.write(root / "manifest.csv")
    study = Study.model_validate(study_table(name, switches))
    run = root / "runs" / f"{name}-{digest([study.digest, manifest.digest])[:12]}"
    manifest.write(run / "manifest.csv")
    copies = Duplicates(
        [],
        {r.image_id: r.pixels_sha256[:SHORT] for r in rows},
        Header("duplicates", {"manifest": manifest.digest}),
    )
    copies.write(run / "duplicates.json")
    pipelines = {p: preset(p, size_px=SIDE_PX) for p in PIPELINES}
    spec = FeatureSpec(
        "squeezenet1_0", "features", "ab" * 32, (0.4,) * 3, (0.2,) * 3, "fp32", 16, (32, 32), "cpu", 1, {"torch": "2.9.0"}, "float16"
    )  # fmt: skip
    features = spec.digest
    FeatureStore(root / "features", spec)
    for trial in range(1, TRIALS + 1):
        split = _split(manifest, copies, trial)
        split.write(run / "splits" / f"trial-{trial}.json")
        for p in PIPELINES:
            _trial(run, manifest, split, pipelines[p], trial, features, study, rng, switches)
    write_json(run / "run.json", _record(study, manifest, pipelines, switches))
    write_json(run / "run_facts.json", {"seconds": 12.5})
    evaluate_run(run, n_resamples=100)
    inputs = {n: sha256_file(run / n) for n in ("run.json", "statistics.json")}
    write_with_header(run / "report.html", "<p>a report</p>", Header("report", inputs, {"outputs": {}}))
    assert header_path(run / "report.html").is_file()
    line = json.dumps({"study": name, "run": run.name, "manifest": manifest.digest})
    (root / "looks.jsonl").write_text(line + "\n")
    return run


def _split(manifest: Manifest, copies: Duplicates, trial: int) -> Split:
    """Patients have two films each; the first half of them is test, and validation moves with the trial."""
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for f in manifest.films:
        k = int(f.image_id.rpartition("/")[2]) // 2
        parts["test" if k < 4 else "valid" if k == 3 + trial else "train"].append(f.image_id)
    header = Header(
        "split", {"manifest": manifest.digest, "duplicates": copies.digest}, {"method": "set2"}, seed=7
    )
    return Split(parts, {f.image_id: f.patient_id for f in manifest.films}, header)


def _trial(run, manifest, split, pipeline, trial, features, study, rng, switches) -> None:
    films, folder = manifest.by_id, run / "cells" / f"squeezenet1_0--{pipeline.name}--low" / f"trial-{trial}"
    rows = {
        part: [[i, 0, digest([pipeline.digest, films[i].pixels_sha256]), []] for i in ids]
        for part, ids in split.parts.items()
    }
    if pipeline.name == "crop":
        rows["train"][0][3] = [{"step": 1, "op": "crop_centre", "drawn": {"percentage_area": 0.9}}]
    header = Header("prepared", {"split": split.digest}, seed=7).to_dict()
    columns = ["image_id", "copy", "pixels_sha256", "drawn"]
    write_json(
        run / "prepared" / f"{pipeline.name}--trial-{trial}.json",
        {"header": header, "columns": columns, **rows},
    )

    def of_part(part: str) -> str:
        labels = [CLASSES.index(films[r[0]].label) for r in rows[part]]
        return digest([[r[0] for r in rows[part]], [r[2] for r in rows[part]], labels])

    inputs = {
        "features": features,
        "split": split.digest,
        "train": of_part("train"),
        "valid": of_part("valid"),
    }
    bundle = Bundle(
        classes=CLASSES, positive="covid", backbone="squeezenet1_0",
        weights={"choice": "imagenet", "sha256": "cd" * 32, "source": "a file", "seed": 7}, state_sha256="ab" * 32, precision="fp32",
        batch=16, preparation=pipeline.to_dict(), head="conv",
        operating_point={"threshold": 0.4, "rule": "youden", "chosen_on": "valid"}, calibration={"temperature": 1.0},
        training={"study": study.name, "trial": trial, "schedule": "low", "policy": study.policy["low"].model_dump(), "epochs": EPOCHS,
                  "n_train": len(rows["train"]), "n_valid": len(rows["valid"])},
        unsafe=tuple(switches),
    )  # fmt: skip
    state = {"weight": rng.normal(size=(2, 4)).astype(np.float32)}
    bundle.write(folder / "bundle", Header("bundle", inputs, {"epochs": EPOCHS}, seed=1000 + trial), state)
    ids = [*split.parts["valid"], *split.parts["test"]]
    covid = np.array([films[i].label == "covid" for i in ids])
    p = np.clip(rng.normal(0.5 + 0.3 * (covid - 0.5), 0.2), 0.01, 0.99)
    Predictions(
        tuple(ids), tuple(films[i].patient_id for i in ids), tuple(split.part_of[i] for i in ids), tuple(films[i].label for i in ids),
        np.stack([p, 1 - p], axis=1), CLASSES, tuple(split.group_of[i] for i in ids), tuple(str(int(x >= 0.4)) for x in p),
        ("",) * len(ids), Header("predictions", inputs, {"path": "the study's pipeline, draws included"}),
    ).write(folder / "predictions.csv")  # fmt: skip
    lines = [
        {"epoch": e, "train_loss": 1 / e, "valid_loss": 1.25 / e, "learning_rate": 2e-4 / e}
        for e in range(1, EPOCHS + 1)
    ]
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_json(folder / "train.json", {"seconds": 2.5, "steps_per_epoch": 1})
    write_json(folder / "predict.json", {"seconds": 0.5, "constant": False})
    took = {"prepare": 1.0, "featurize": 4.0, "train": 2.5, "predict": 0.5}
    write_json(folder / "seconds.json", {"alone": took, "here": {**took, "featurize": 1.0}})


def _record(study, manifest, pipelines, switches):
    levels = {
        "loss": "cross-entropy",
        "fraction": 1.0,
        "source_left_out": "none",
        "seed": 7,
        "finetuned": False,
    }
    levels |= {"faults": "all" if switches else "as-described", "switches": list(switches)}
    return {
        "header": Header("run", {"manifest": manifest.digest, "study": study.digest}, seed=7).to_dict(),
        "name": study.name,
        "title": study.title,
        "study": study.model_dump(mode="json"),
        "study_digest": study.digest,
        "manifest_digest": manifest.digest,
        "command": "hilum run small.toml",
        "classes": list(CLASSES),
        "positive": "covid",
        "cells": [
            {
                "name": f"squeezenet1_0--{p}--low",
                "backbone": "squeezenet1_0",
                "pipeline": p,
                "schedule": "low",
                **levels,
            }
            for p in PIPELINES
        ],
        "trials": TRIALS,
        "seed": 7,
        "weights": {
            "squeezenet1_0": {
                "weights": "imagenet",
                "sha256": "cd" * 32,
                "source": "a file",
                "pretrained": True,
            }
        },
        "synthetic": True,
        "precision": "fp32",
        "machine": {"cpu": "a processor"},
        "versions": {"hilum": "0.1.0"},
        "pipelines": {n: p.to_dict() for n, p in pipelines.items()},
        "no_patient_ids": [],
        "redraw_with_trial": ["split", "head"],
        "warnings": [],
    }

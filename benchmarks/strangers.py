"""How well a bundle's gate and other scores tell strangers from chest films: by kind, with n.

    python benchmarks/strangers.py TRIAL --own FOLDER [--frontal NAME=FOLDER ...] [--strange NAME=FOLDER ...] [--most N] [--json FILE]

TRIAL is a trial's folder in a run (``runs/RUN/cells/CELL/trial-1``) with a frozen backbone; its features lie in the run's workspace.
--own names films like those that it was trained on (a folder, or a manifest of some of the run's test part), --frontal chest films of
other hospitals, --strange films that should be refused. Three kinds are made here: noise, photographs (own films seen askew on a table,
unevenly lit, blurred) and negatives of own films. Every film has the fixed steps of the bundle's preparation, as in `hilum predict`.

A row a kind: films; of each score AUROC against the own films and the share of the kind that is accepted where 95 % of own films are (false
positives at 95 % recall); and what the bundle's gate refuses at the threshold that validation chose. Of own and frontal films a refusal is
a false one. The scores: ``shape``, the gate's, Mahalanobis' distance of a film's shape; of the features that the backbone makes of it
Mahalanobis' distance (at length 1) and the 10th neighbour, both among the training films that the gate was fitted on; energy of the logits.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import name_machine
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.drawn_films import DrawnFilms, drawn_paths
from hilum.artifacts.features import FeatureRows, FeatureSpec, FeatureStore
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import SHORT
from hilum.core.errors import FilmError
from hilum.core.seeding import generator
from hilum.imaging.decode import decode
from hilum.inference.frozen import load_backbone
from hilum.inference.judged import gate_of
from hilum.inference.predictor import Predictor
from hilum.inference.shapes import FITTED, shapes_of
from hilum.models.backbone import FeatureNetwork
from hilum.sources.named_films import named_films
from hilum.stats.curves import roc_auc
from hilum.stats.strangers import Gaussian, energy, evenly, neighbour_scores, unit

MADE = 100
SCORES = ("shape", "mahalanobis", "neighbour", "energy")
_MAPS = 256  # at once


def pooled(features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Features (n_films, n_features) of vectors or maps, float32: of a map its mean."""
    found = np.asarray(features, dtype=np.float32)
    return found if found.ndim == 2 else found.reshape(*found.shape[:2], -1).mean(axis=2)


def training_features(trial: Path, bundle: Bundle) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Pooled features and classes of the training films that the gate was fitted on."""
    _, header, _ = Bundle.described(trial / "bundle")
    run = trial.parents[2]
    name = f"{bundle.backbone}-{header.inputs['features'][:SHORT]}"
    root = run.parents[1] / "features"
    store = FeatureStore(root, FeatureSpec.read(root / name)[0])
    lists = (DrawnFilms.read(p) for p in drawn_paths(run))
    drawn = next(d for d in lists if d.digest_of("train", bundle.classes) == header.inputs["train"])
    once = list({f.pixels_sha256: f for f in drawn.parts["train"]}.values())
    films = drawn.found(once, bundle.classes, store)
    which = evenly(films.labels, FITTED, len(bundle.classes))
    rows = FeatureRows([films.locations[k] for k in which])
    parts = [pooled(rows.take(slice(k, k + _MAPS))) for k in range(0, len(rows), _MAPS)]
    return np.concatenate(parts), np.array(films.labels)[which]


def read(folder: Path, most: int) -> Iterator[NDArray[np.uint8]]:
    """Films of a folder, evenly chosen."""
    rows = named_films([folder]).rows
    for k in range(min(most, len(rows))):
        try:
            yield decode(Path(rows[k * len(rows) // min(most, len(rows))].path).read_bytes()).pixels
        except FilmError:
            continue


def noise(n: int) -> Iterator[NDArray[np.uint8]]:
    """Grey noise, fine and coarse in turn."""
    for k in range(n):
        rng = generator(1, "noise", k)
        side = 256 if k % 2 else 16
        yield np.asarray(
            Image.fromarray(rng.integers(0, 256, (side, side), np.uint8)).resize(
                (256, 256), Image.Resampling.BILINEAR
            )
        )


def photographed(film: NDArray[np.uint8], k: int) -> NDArray[np.uint8]:
    """A film as a camera sees it on a dark table or a light box."""
    rng = generator(1, "photograph", k)
    side = 256
    small = Image.fromarray(film).resize((side, side))
    ground = int(rng.choice([15, 235]))
    corners = rng.uniform(0.03, 0.2, 8) * side
    quad = [
        -corners[0],
        -corners[1],
        -corners[2],
        side + corners[3],
        side + corners[4],
        side + corners[5],
        side + corners[6],
        -corners[7],
    ]
    askew = small.transform(
        (side, side), Image.Transform.QUAD, quad, Image.Resampling.BILINEAR, fillcolor=ground
    )
    seen = np.asarray(askew.filter(ImageFilter.GaussianBlur(1.2)), float)
    y, x = np.mgrid[0:side, 0:side] / side
    angle = rng.uniform(0, 2 * np.pi)
    light = 0.75 + 0.5 * (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5))
    glare = 90 * np.exp(-((x - rng.random()) ** 2 + (y - rng.random()) ** 2) / 0.02)
    return np.clip(seen * light + glare + rng.normal(0, 4, seen.shape), 0, 255).astype(np.uint8)


def prepared(predictor: Predictor, films: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Films as the bundle's fixed steps prepare them."""
    pipeline = Pipeline.from_dict(predictor.bundle.preparation)
    return np.stack([pipeline.deterministic(f) for f in films])


def seen(
    predictor: Predictor, frozen: FeatureNetwork, films: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Logits and pooled features of prepared films."""
    batch = predictor.bundle.batch
    starts = range(0, len(films), batch)
    logits = [predictor.passed(films[k : k + batch]).double().cpu().numpy() for k in starts]
    features = [pooled(frozen.features(films[k : k + batch], batch).cpu().numpy()) for k in starts]
    return np.concatenate(logits), np.concatenate(features)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trial", type=Path)
    parser.add_argument("--own", type=Path, required=True)
    parser.add_argument("--frontal", nargs="*", default=[])
    parser.add_argument("--strange", nargs="*", default=[])
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    folder = args.trial / "bundle"
    predictor = Predictor(folder)
    bundle = predictor.bundle
    frozen, gate = load_backbone(bundle, folder, "cpu"), gate_of(bundle, folder)
    assert gate is not None
    train, labels = training_features(args.trial, bundle)
    fitted = Gaussian.fitted(unit(train), labels)
    own = list(read(args.own, args.most))
    kinds: dict[str, list[NDArray[np.uint8]]] = {"own": own}
    for given in (*args.frontal, *args.strange):
        name, _, place = given.partition("=")
        kinds[name] = list(read(Path(place), args.most))
    kinds["photographs"] = [photographed(f, k) for k, f in enumerate(own[:MADE])]
    kinds["negatives"] = [255 - f for f in own[:MADE]]
    kinds["noise"] = list(noise(min(MADE, args.most)))
    scores: dict[str, dict[str, NDArray[np.float64]]] = {}
    for kind, films in kinds.items():
        pixels = prepared(predictor, films)
        z, x = seen(predictor, frozen, pixels)
        found = gate.scores(shapes_of(pixels)), fitted.scores(unit(x)), neighbour_scores(x, train), energy(z)
        scores[kind] = dict(zip(SCORES, found, strict=True))
    rows: list[dict[str, Any]] = []
    for kind, of_kind in scores.items():
        row: dict[str, Any] = {"kind": kind, "films": len(kinds[kind])}
        for name, values in of_kind.items():
            known = scores["own"][name]
            truth = np.r_[np.zeros(len(known)), np.ones(len(values))]
            row[f"{name}_auroc"] = round(float(roc_auc(truth, np.r_[known, values])), 4)
            row[f"{name}_fpr95"] = round(
                float((values <= np.quantile(known, 0.95, method="inverted_cdf")).mean()), 4
            )
        limit = bundle.gate.get("threshold")
        row["refused"] = None if limit is None else round(float((of_kind["shape"] > limit).mean()), 4)
        rows.append(row)
        print(row)
    if args.json:
        size = list(pixels.shape[1:])
        facts = {
            "machine": name_machine(),
            "backbone": bundle.backbone,
            "n_train": len(train),
            "size_px": size,
        }
        args.json.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

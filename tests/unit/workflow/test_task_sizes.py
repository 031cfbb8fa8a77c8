"""A task is a small value, whatever it is of: with 16 000 films it pickles to under 64 KiB."""

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hilum.artifacts.drawn_films import DrawnFilm, DrawnFilms, FilmFacts
from hilum.artifacts.features import FeatureSpec
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.prepared import Wanted
from hilum.augment.presets import preset
from hilum.core.digests import sha256_bytes
from hilum.core.packed import packed, unpacked
from hilum.imaging.copy_views import Proposals, affine
from hilum.imaging.duplicates import SKETCH_PX
from hilum.models.weights import Weights
from hilum.stages import duplicates, featurize, prepare
from hilum.stages.predict import PredictTask
from hilum.study.file import Study
from hilum.workflow.plan import Recipe, recipes
from hilum.workflow.trials import plan_trial

N, LIMIT_BYTES = 16_000, 64 * 1024
WHERE = Path("/home/somebody/with/a/long/name/hilum-workspace")
LABELS = ("bacterial", "covid", "normal", "viral")
IDS = [f"covid-19-radiography-database/images/film-number-{k}.png" for k in range(N)]
DIGESTS = [sha256_bytes(str(k).encode()) for k in range(N)]
STUDY = Study.model_validate(
    {
        "name": "large",
        "data": {"classes": list(LABELS), "positive": "covid"},
        "grid": {
            "backbones": ["resnet50", "cnn"],
            "schedules": ["cycles"],
            "losses": ["weighted"],
            "trials": 10,
        },
        "policy": {"cycles": {"kind": "one_cycle", "phases": [{"epochs": 5, "max_rate": 1e-3}] * 8}},
        "loss": {"weighted": {"kind": "focal", "alpha": dict.fromkeys(LABELS, 0.25)}},
    }
)
SPEC = FeatureSpec(
    "resnet50", "t", "ab" * 32, (0.5,) * 3, (0.2,) * 3, "fp32", 256, (244, 244), "cpu: x", 2, {}, "float32"
)


def size(task: object) -> int:
    return len(pickle.dumps(task))


@pytest.fixture(scope="module")
def drawn() -> DrawnFilms:
    films = [DrawnFilm(i, 0, d, []) for i, d in zip(IDS, DIGESTS, strict=True)]
    parts = {"train": films[:10_000], "valid": films[10_000:11_000], "test": films[11_000:]}
    facts = {i: FilmFacts(LABELS[k % 4], f"source:{k}", i) for k, i in enumerate(IDS)}
    return DrawnFilms(Header("prepared", {"split": "ab" * 32}), parts, facts, DIGESTS[:63])


def made_run(drawn: DrawnFilms, recipe: Recipe, weights: Path) -> SimpleNamespace:
    """As much of a run as a trial is planned from."""
    loaded = Weights("imagenet", weights, "ab" * 32, "a file", "-")
    return SimpleNamespace(
        study=STUDY, weights={recipe.features_of: loaded}, precision="fp32", batch=256, feature_engines={},
        workspace=SimpleNamespace(trials=WHERE / "trials", features=WHERE / "features", prepared=WHERE / "prepared"),
        settled=SimpleNamespace(device="cpu", name="a processor", threads=2), stores={recipe.features_of: SimpleNamespace(spec=SPEC)},
        drawn={recipe.draw(1): drawn}, drawn_path=lambda _: WHERE / "drawn.json", folder=WHERE / "run",
    )  # fmt: skip


@pytest.mark.parametrize("backbone", ["resnet50", "cnn"])
def test_a_trial_and_its_predictions(drawn: DrawnFilms, backbone: str) -> None:
    recipe = next(r for r in recipes(STUDY) if r.cell.backbone == backbone)
    run = made_run(drawn, recipe, WHERE / "w.pth")
    trial = plan_trial(run, recipe, 1)  # type: ignore[arg-type]
    assert size(trial.train) < LIMIT_BYTES / 8
    out = trial.train.output
    assert size(PredictTask(out / "bundle", trial.train.drawn, trial.train.body, out)) < LIMIT_BYTES / 8


def test_a_task_names_no_place_of_the_workspace(drawn: DrawnFilms) -> None:
    """So that a machine whose mirror lies elsewhere can do it: only what is not in the workspace keeps its place."""
    recipe = next(r for r in recipes(STUDY) if r.cell.backbone == "resnet50")
    run = made_run(drawn, recipe, Path("/weights/w.pth"))
    trial = plan_trial(run, recipe, 1)  # type: ignore[arg-type]
    predict = PredictTask(trial.train.output / "bundle", trial.train.drawn, trial.train.body, WHERE / "p.csv")
    locations = {d: (str(WHERE / "prepared" / f"{d[:16]}.npy"), 3) for d in DIGESTS[:256]}
    for task in (
        trial.train,
        predict,
        featurize.FeaturizeTask(locations, False),
        (WHERE / "c.json", WHERE, WHERE / "masks"),
    ):
        data = packed(task, WHERE)
        assert str(WHERE).encode() not in data
        assert len(data) < LIMIT_BYTES
        assert unpacked(data, WHERE) == task
        there = Path("/mnt/node/ws")
        assert unpacked(packed(unpacked(data, there), there), WHERE) == task


def test_chunks_to_prepare(tmp_path: Path) -> None:
    rows = {i: FilmRow(i, "", str(WHERE / i), d, d, "covid", "s") for i, d in zip(IDS, DIGESTS, strict=True)}
    wanted = [Wanted(f"pipeline-{k}", "train", 2**60 + k) for k in range(30)]
    chunks = prepare.plan(rows, dict.fromkeys(IDS, wanted), {w.pipeline: preset("crop") for w in wanted})
    assert sum(len(c.films) for c in chunks) == N
    tasks = list(prepare.tasks_of(chunks[:2], tmp_path, WHERE / "prepared"))
    assert max(map(size, tasks)) < LIMIT_BYTES / 8
    assert prepare.Chunk.read(tasks[1][0]) == replace(chunks[1], wanted=tuple(map(tuple, chunks[1].wanted)))


def test_shards_to_featurize() -> None:
    store = SimpleNamespace(
        locations=lambda digests: [(str(WHERE / "prepared" / f"{d[:16]}.244x244.npy"), 200) for d in digests]
    )
    tasks = featurize.plan(DIGESTS, store)  # type: ignore[arg-type]
    assert sum(len(t.locations) for t in tasks) == N
    assert max(map(size, tasks)) < LIMIT_BYTES


def test_films_and_pairs_to_search_for_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films are read and pairs compared by an engine that only looks at its tasks; each film has ten near ones."""
    sizes: dict[str, list[int]] = {}

    class Looks:
        def map(self, function: Any, tasks: Iterable[Any], **_: object) -> Iterator[Any]:
            of = sizes.setdefault(function.__name__, [])
            for task in tasks:
                of.append(size(task))
                yield {
                    "_sketch_chunk": lambda t: [np.zeros((SKETCH_PX, SKETCH_PX), np.uint8)] * len(t),
                    "_describe_chunk": lambda t: t[2] - t[1],
                    "_propose_chunk": lambda t: proposals.part(slice(10 * t[1], 10 * t[2])),
                    "_align_chunk": lambda _: [],
                }[function.__name__](task)

    k = np.arange(10 * N)
    ones = np.ones(len(k), np.float32)
    proposals = Proposals(k // 10, (k * 7919) % N, np.tile(affine(), (len(k), 1)), ones)
    monkeypatch.setattr(duplicates, "windows_index", lambda _: None)
    monkeypatch.setattr(duplicates, "write_index", lambda *_: None)
    rows = [
        FilmRow(i, f"s:{i}", str(WHERE / i), d, d, "covid", "s") for i, d in zip(IDS, DIGESTS, strict=True)
    ]
    duplicates.find_duplicates(Manifest(rows, Header("manifest")), Looks())  # type: ignore[arg-type]
    counts = {"_sketch_chunk": 250, "_describe_chunk": 250, "_propose_chunk": 250, "_align_chunk": 313}
    assert {name: len(of) for name, of in sizes.items()} == counts
    assert max(size for of in sizes.values() for size in of) < LIMIT_BYTES

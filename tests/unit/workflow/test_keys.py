"""What is found again by digest: every member of every key makes another one. A member that is added has to be named here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

import hilum.workflow.feature_specs as specs_module
import hilum.workflow.state as state
from hilum.artifacts.features import FEATURES, FeatureSpec, FeatureStore
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import COLUMNS, FilmRow, Manifest
from hilum.artifacts.prepared import Wanted
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import preset
from hilum.core.engine import Local
from hilum.core.keys import Key
from hilum.models.registry import BACKBONES
from hilum.models.weights import RANDOM, Weights
from hilum.stages.prepare import Chunk
from hilum.study.file import Study
from hilum.workflow.plan import FeaturesOf
from hilum.workflow.state import Run
from hilum.workflow.workspace import Settled, Workspace

# features

SPEC = FeatureSpec(
    backbone="net", tap="t", state_sha256="0" * 64, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), precision="fp32", batch=4,
    size_px=(8, 8), device="cpu: x", threads=1, versions={"torch": "1"}, dtype="float32",
)  # fmt: skip
OTHER_SPEC: dict[str, Any] = {
    "backbone": "net2", "tap": "u", "state_sha256": "1" * 64, "mean": (0.1, 0.2, 0.4), "std": (0.4, 0.5, 0.7), "precision": "bf16",
    "batch": 8, "size_px": (8, 9), "device": "cpu: y", "threads": 2, "versions": {"torch": "2"}, "dtype": "float16",
    "engine": "onnx", "ranges_of": "2" * 64,
}  # fmt: skip


def test_every_member_of_the_features_key_is_named_here() -> None:
    assert set(OTHER_SPEC) == {f.name for f in fields(FeatureSpec)} == set(FEATURES.members)


@pytest.mark.parametrize("member", OTHER_SPEC)
def test_features_of_other_circumstances_have_a_store_of_their_own(tmp_path: Path, member: str) -> None:
    other = replace(SPEC, **{member: OTHER_SPEC[member]})
    assert FeatureStore(tmp_path, other).folder != FeatureStore(tmp_path, SPEC).folder
    assert other.digest != SPEC.digest  # which a trial's key holds


@dataclass(frozen=True)
class LaterSpec(FeatureSpec):
    """A specification of a later hilum, with one more option."""

    masked: bool = False


def test_features_keep_their_store_when_the_specification_grows() -> None:
    plain = FeatureSpec(**vars(SPEC))
    assert LaterSpec(**vars(SPEC)).digest == plain.digest
    later = Key(**FEATURES.members, masked=False)  # how an option that matters is named
    assert later.digest(asdict(LaterSpec(**vars(SPEC)))) == plain.digest
    assert later.digest(asdict(LaterSpec(**vars(SPEC), masked=True))) != plain.digest


def test_mean_and_std_are_not_exchangeable() -> None:
    assert replace(SPEC, mean=SPEC.std, std=SPEC.mean).digest != SPEC.digest


# a run

LABELS = ("bacterial", "covid", "normal", "viral")
STUDY = Study.model_validate(
    {
        "name": "s",
        "data": {"classes": list(LABELS), "positive": "covid"},
        "grid": {"backbones": ["resnet50"], "trials": 1},
        "weights": {"resnet50": "none"},
    }
)
ROWS = [FilmRow(f"s/{k}", f"s:{k}", "", f"{k}", f"{k}", LABELS[k % 4], "s") for k in range(40)]
SETTLED = Settled("cpu", "a processor", "fp32", 2)
WEIGHTS = {FeaturesOf("resnet50"): Weights("imagenet", Path("w.pth"), "ab" * 32, "a file", "-")}


def opened(
    monkeypatch: pytest.MonkeyPatch,
    root: Path,
    study: Study = STUDY,
    rows: list[FilmRow] | None = None,
    settled: Settled = SETTLED,
    weights: Mapping[FeaturesOf, Weights] | None = None,
) -> Run:
    """A run of which nothing is measured or computed."""
    monkeypatch.setattr(Workspace, "settled", lambda *_: settled)
    run = Run(study, Manifest(ROWS if rows is None else rows, Header("manifest")), Workspace(root), Local(1))
    run.weights = weights or WEIGHTS
    return run


def test_the_store_that_a_run_reads_follows_from_backbone_machine_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest(
        settled: Settled = SETTLED, size_px: tuple[int, int] = (244, 244), state: str = "0", **tables: object
    ) -> str:
        run = opened(monkeypatch, tmp_path, STUDY.model_copy(update=tables), settled=settled)
        return specs_module.feature_spec(run, "resnet50", state, size_px).digest

    found = [digest()]
    found += [digest(size_px=(244, 224)), digest(size_px=(224, 244)), digest(state="1")]
    for change in ({"name": "another"}, {"precision": "bf16"}, {"threads": 3}, {"device": "cuda"}):
        found.append(digest(replace(SETTLED, **change)))  # type: ignore[arg-type]
    found.append(digest(features=STUDY.features.model_copy(update={"batch": 7})))
    b = BACKBONES["resnet50"]
    for changed in (
        replace(b, mean=b.std),
        replace(b, std=b.mean),
        replace(b, tap="elsewhere"),
        replace(b, spatial=True),
    ):
        monkeypatch.setitem(BACKBONES, "resnet50", changed)
        found.append(digest())
    monkeypatch.setitem(BACKBONES, "resnet50", b)
    monkeypatch.setattr(specs_module, "version", lambda _: "another version")
    found.append(digest())
    assert len(set(found)) == len(found)


def test_a_gpus_threads_make_no_other_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [
        specs_module.feature_spec(
            opened(monkeypatch, tmp_path, settled=replace(SETTLED, device="cuda", threads=n)), "resnet50", "0", (9, 9)
        )
        for n in (1, 2)
    ]  # fmt: skip
    assert specs[0] == specs[1]


def test_a_runs_folder_follows_from_study_films_weights_machine_and_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folder(**changes: Any) -> Path:
        return opened(monkeypatch, tmp_path, **changes).folder

    def study(**tables: object) -> Study:
        return STUDY.model_copy(update=tables)

    plain = folder()
    training = STUDY.training.model_copy(update={"epochs": 3})
    found = [
        plain,
        folder(study=study(seed=1)),
        folder(study=study(training=training)),
        folder(rows=ROWS[:-1]),
        folder(rows=[replace(ROWS[0], pixels_sha256="other"), *ROWS[1:]]),
        folder(weights={FeaturesOf("resnet50"): replace(WEIGHTS[FeaturesOf("resnet50")], sha256="cd" * 32)}),
        folder(weights={FeaturesOf("resnet50"): RANDOM}),
        folder(weights={FeaturesOf("resnet50", True): WEIGHTS[FeaturesOf("resnet50")]}),
        *(
            folder(settled=replace(SETTLED, **c))
            for c in ({"name": "another"}, {"precision": "bf16"}, {"threads": 3}, {"device": "cuda"})
        ),
    ]
    monkeypatch.setattr(state, "__version__", "0.0.0")
    found.append(folder())
    monkeypatch.setattr(state, "GATE", "another gate")
    found.append(folder())
    assert len(set(found)) == len(found)
    monkeypatch.undo()
    assert folder(study=study(title="Another title")) == plain
    assert folder(rows=[replace(r, path="/elsewhere") for r in reversed(ROWS)]) == plain


# duplicates: found by the manifest's digest

NO_DIFFERENCE = {"path", "lung_mask", "container", "stored_as"}  # the last two follow from the bytes


@pytest.mark.parametrize("column", COLUMNS)
def test_a_manifest_is_what_its_films_are_and_not_where_they_lie(column: str) -> None:
    changed = replace(ROWS[0], **{column: 7 if column.endswith("_px") else "other"})
    one, other = Manifest(ROWS, Header("manifest")), Manifest([changed, *ROWS[1:]], Header("manifest"))
    assert (one.digest == other.digest) == (column in NO_DIFFERENCE)


# prepared films

PREPARE = Chunk(
    films=(("s/1", "/films/1.png", "bytes", "aa"), ("s/2", "/films/2.png", "bytes", "bb")),
    wanted=((Wanted("crop", "train", 7, 0),), (Wanted("crop", "test", 7, 0),)),
    pipelines=(("crop", preset("crop", 48).to_dict()),),
)


def with_steps(**table: object) -> tuple[tuple[str, Any], ...]:
    return (("crop", {**preset("crop", 48).to_dict(), **table}),)


OTHER_PREPARED: dict[str, dict[str, Any]] = {
    "image id": {"films": (("s/3", "/films/1.png", "bytes", "aa"), PREPARE.films[1])},
    "pixels": {"films": (("s/1", "/films/1.png", "bytes", "cc"), PREPARE.films[1])},
    "fewer films": {"films": PREPARE.films[:1], "wanted": PREPARE.wanted[:1]},
    "pipeline": {"wanted": ((Wanted("baseline", "train", 7, 0),), PREPARE.wanted[1])},
    "part": {"wanted": ((Wanted("crop", "valid", 7, 0),), PREPARE.wanted[1])},
    "seed": {"wanted": ((Wanted("crop", "train", 8, 0),), PREPARE.wanted[1])},
    "copy": {"wanted": ((Wanted("crop", "train", 7, 1),), PREPARE.wanted[1])},
    "whose it is": {"wanted": PREPARE.wanted[::-1]},
    "steps": {"pipelines": (("crop", {**preset("crop-zoom", 48).to_dict(), "name": "crop"}),)},
    "size": {"pipelines": (("crop", preset("crop", 49).to_dict()),)},
    "gate": {"pipelines": with_steps(gate="augmentor")},
    "version": {"pipelines": with_steps(version=2)},
}


def test_every_difference_makes_another_shard_of_prepared_films() -> None:
    keys = {what: replace(PREPARE, **change).key for what, change in OTHER_PREPARED.items()}
    assert len({PREPARE.key, *keys.values()}) == len(keys) + 1
    moved = replace(
        PREPARE, films=tuple((i, f"/elsewhere/{i}", f"other {b}", sha) for i, _, b, sha in PREPARE.films)
    )
    assert moved.key == PREPARE.key


@pytest.mark.parametrize("probability", [0.2, 0.11])
def test_another_option_of_a_step_is_another_pipeline(probability: float) -> None:
    table = preset("crop", 48).to_dict()
    steps = [{**s, "probability": probability} if s["op"] == "crop_centre" else s for s in table["steps"]]
    assert Pipeline.from_dict({**table, "steps": steps}).digest != preset("crop", 48).digest

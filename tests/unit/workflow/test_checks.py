"""What stands in the way of a study is said before a film is read, all of it in one message."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.prepared import PreparedStore
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.models.registry import backbone
from hilum.stages.finetune import check_machine
from hilum.study.file import Study
from hilum.study.suite import Suite, SuiteMember
from hilum.workflow import film_checks, machine_checks, suite
from hilum.workflow.checks import concerns, refuse
from hilum.workflow.concern import Concern
from hilum.workflow.sizes import sizes_of
from hilum.workflow.state import Run
from hilum.workflow.suite import Planned
from hilum.workflow.workspace import Settled, Workspace

BASE: dict[str, Any] = {
    "name": "small",
    "data": {"near_duplicates": False},
    "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline", "crop"], "trials": 2},
    "weights": {"squeezenet1_0": "none"},
    "augment": {"size_px": 64},
}
FAMILY = {"name": "against baseline", "factor": "pipeline", "reference": "baseline"}


def films(tmp_path: Path, counts: dict[str, int], side_px: int = 96) -> Manifest:
    """Files of one byte that no check may decode."""
    rows = []
    for label, n in counts.items():
        for k in range(n):
            path = tmp_path / f"{label}-{k}.png"
            path.write_bytes(b"x")
            sha = f"{label}{k}".encode().hex().ljust(64, "0")
            rows.append(
                FilmRow(f"s/{label}-{k}", f"s:{label}-{k}", str(path), sha, sha, label, "s", width_px=side_px, height_px=side_px)
            )  # fmt: skip
    return Manifest(rows, Header("manifest"))


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Workspace, "settled", lambda *_: Settled("cpu", "a processor", "fp32", 1))
    monkeypatch.setattr(machine_checks, "choose_device", lambda _: "cpu")

    def make(counts: dict[str, int] | None = None, cores: int = 1, side_px: int = 96, **tables: Any) -> Run:
        study = Study.model_validate(BASE | tables)
        manifest = films(tmp_path, counts or {"covid": 20, "normal": 20}, side_px)
        return Run(study, manifest, Workspace(tmp_path / "w"), Local(cores))

    return make


def problems(found: Iterable[Concern]) -> list[str]:
    return [f.text for f in found if f.code]


def test_a_sound_study_has_no_problem(asked) -> None:
    assert problems(concerns(asked(compare=[FAMILY]))) == []


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"grid": {**BASE["grid"], "pipelines": ["basline"]}}, "unknown pipeline 'basline'; did you mean 'baseline'?"),
        ({"grid": {**BASE["grid"], "backbones": ["squeezenet"]}, "weights": {}}, "did you mean 'squeezenet1_0'?"),
        ({"grid": {**BASE["grid"], "losses": ["focl"]}}, "grid.losses: unknown loss 'focl'"),
        ({"grid": {**BASE["grid"], "schedules": ["constnt"]}}, "did you mean 'constant'?"),
        ({"compare": [{**FAMILY, "reference": "crp"}]}, "no cell has pipeline 'crp' (the reference); did you mean 'crop'?"),
        ({"compare": [{**FAMILY, "factor": "schedule", "reference": "constant"}]}, "every cell has schedule 'constant'"),
        ({"compare": [{**FAMILY, "factor": "fraction", "reference": "half"}]}, "no cell has fraction 'half'"),
        ({"compare": [FAMILY, FAMILY]}, "two families of comparisons are called 'against baseline'"),
        ({"statistics": {"operating_point": "sensitivity>0.9"}}, "statistics.operating_point: unknown rule 'sensitivity>0.9'"),
        (
            {
                "grid": {**BASE["grid"], "schedules": ["w"]},
                "policy": {"w": {"kind": "warmup", "warmup_epochs": 30}},
                "training": {"epochs": 20},
            },
            "policy 'w': a warm-up of 30 epochs is longer than the training of 20",
        ),
        (
            {"grid": {**BASE["grid"], "schedules": ["a/b"]}, "policy": {"a/b": {"kind": "constant"}}},
            "has a slash in its name",
        ),
        ({"grid": {**BASE["grid"], "sources_left_out": ["S2"]}}, "grid.sources_left_out names 'S2'"),
        (
            {
                "grid": {**BASE["grid"], "losses": ["heavy"]},
                "loss": {"heavy": {"kind": "cross_entropy", "class_weights": {"covid": 2.0}}},
            },
            "loss 'heavy': class weights must name every class; 'normal' has none",
        ),
        ({"data": {"classes": ["Covd", "normal"], "positive": "normal"}}, "did you mean 'covid'?"),
        ({"data": {"subset": {"name": "all", "films": 500}}}, "a subset of 500 films was asked for, but there are 40"),
        ({"weights": {"squeezenet1_0": {"file": "nowhere.pth"}}}, "'nowhere.pth', which is no file"),
        ({"finetune": {"precision": "16-mixed"}}, "'16-mixed' needs a GPU"),
        ({"finetune": {"devices": 999}}, "finetune.devices asks for 999 devices; this machine has no GPU"),
        ({"split": {"method": "fractions", "fractions": {"train": 0.5, "test": 0.5}}}, "no film is left for valid: the study has 40 films"),
    ],
)  # fmt: skip
def test_what_would_fail_late_is_found(asked, tables: dict[str, Any], message: str) -> None:
    found = problems(concerns(asked(**tables)))
    assert any(message in text for text in found), found


def test_pipelines_of_unequal_size(asked) -> None:
    own = {"name": "small", "steps": [{"op": "resize", "width_px": 48, "height_px": 48}]}
    grid = {**BASE["grid"], "pipelines": ["baseline", "small"]}
    found = problems(concerns(asked(grid=grid, augment={"size_px": 64, "pipeline": [own]})))
    assert found == [
        "the study's pipelines end at different sizes (height x width: baseline 64x64, small 48x48); they must end at one, such as "
        "augment.size_px"
    ]


def test_a_pipeline_that_cannot_take_the_films(asked) -> None:
    crop = {"op": "crop_by_size", "width_px": 90, "height_px": 90, "centre": True, "probability": 0.01}
    own = {"name": "box", "steps": [crop, {"op": "resize", "width_px": 64, "height_px": 64}]}
    grid = {**BASE["grid"], "pipelines": ["box"]}
    found = problems(concerns(asked(grid=grid, side_px=80, augment={"size_px": 64, "pipeline": [own]})))
    assert found
    assert found[0].startswith(
        "pipeline 'box' cannot take a film of 80 x 80 px: crop_by_size: a box of 90 x 90 px"
    )


def test_a_part_without_the_positive_class_is_said_as_that(asked) -> None:
    found = problems(concerns(asked({"covid": 2, "normal": 30})))
    assert found, "two films of a class cannot be in three parts"
    assert "covid" in found[0]


def test_films_that_are_gone_or_empty_are_counted(asked, tmp_path: Path) -> None:
    a = asked()
    for k in range(3):
        (tmp_path / f"covid-{k}.png").unlink()
    (tmp_path / "normal-4.png").write_bytes(b"")
    found = problems(concerns(a))
    assert [t.split(" (")[0] for t in found] == [
        "3 of the study's 40 films are gone",
        "1 of the study's 40 films are empty",
    ]
    assert "covid-0.png" in found[0]


def test_films_that_are_prepared_are_not_needed_again(asked, tmp_path: Path, monkeypatch) -> None:
    a = asked()
    (tmp_path / "covid-0.png").unlink()
    monkeypatch.setattr(PreparedStore, "has", lambda *_: True)
    assert problems(concerns(a)) == []


def test_no_room_on_disk(asked, monkeypatch) -> None:
    class Full:
        free = 1000

    monkeypatch.setattr(machine_checks.shutil, "disk_usage", lambda _: Full)
    found = problems(concerns(asked()))
    assert len(found) == 1
    assert "GiB will be written to" in found[0]
    assert "0.0 GiB are free" in found[0]


def test_dicom_films_need_the_extra(asked, monkeypatch) -> None:
    a = asked()
    rows = [f if k else _dicom(f) for k, f in enumerate(a.manifest.films)]
    again = Run(a.as_read, Manifest(rows, Header("manifest")), a.workspace, Local(1))
    have = film_checks.find_spec
    monkeypatch.setattr(film_checks, "find_spec", lambda name: None if name == "pydicom" else have(name))
    found = problems(concerns(again))
    assert any(t.startswith("1 of the study's 40 films are DICOM") and "hilum[dicom]" in t for t in found)


def _dicom(film: FilmRow) -> FilmRow:
    from dataclasses import replace

    path = Path(film.path).with_suffix(".dcm")
    path.write_bytes(b"x")
    return replace(film, path=str(path))


def test_gpus_that_are_not_there(monkeypatch) -> None:
    from hilum.study.tables import FinetuneTable

    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: False)
    options = FinetuneTable(devices=2, precision="bf16-mixed")
    assert [t.split(";")[0] for t in check_machine(options, "cuda")] == [
        "finetune.precision 'bf16-mixed' is not what this GPU can do",
        "finetune.devices asks for 2 GPUs, this machine has 1",
    ]


def test_everything_is_said_in_one_message(asked, tmp_path: Path) -> None:
    a = asked(statistics={"operating_point": "youdn"}, compare=[{**FAMILY, "reference": "crp"}])
    (tmp_path / "covid-0.png").unlink()
    with pytest.raises(InputError) as e:
        refuse(concerns(a))
    lines = str(e.value).splitlines()
    assert lines[0] == "3 things stand in the way of this study:"
    assert [line[:5] for line in lines[1:]] == ["  1. ", "  2. ", "  3. "]


def test_all_that_the_films_do_not_have_is_said(asked) -> None:
    a = asked(
        data={"subset": {"name": "all", "films": 500}},
        grid={**BASE["grid"], "sources_left_out": ["S2"]},
        subgroup=[{"by": "scaner"}],
    )
    found = problems(concerns(a))
    assert [f[:24] for f in found[1:]] == ["grid.sources_left_out na", "a subset of 500 films wa"]
    assert "'scaner'" in found[0]
    assert len(found) == 3


def test_a_suite_is_checked_whole_before_its_first_member_runs(asked, tmp_path: Path, monkeypatch) -> None:
    sound, wrong = asked(), asked(statistics={"operating_point": "youdn"})
    sound.manifest.write(tmp_path / "manifest.csv")
    members = [
        Planned(label, a.as_read, tmp_path / "manifest.csv") for label, a in (("one", sound), ("two", wrong))
    ]
    monkeypatch.setattr(suite, "run_or_find", None)
    with pytest.raises(InputError, match=r"^two: statistics\.operating_point: unknown rule 'youdn'"):
        suite.run_suite(
            Suite(name="s", member=[SuiteMember(study="one")]), members, tmp_path / "w", Local(1), ""
        )


def test_a_batch_beyond_all_training_films_is_a_note(asked) -> None:
    def notes(batch: int) -> list[str]:
        found = concerns(asked({"covid": 40, "normal": 40}, training={"batch": batch}))
        return [f.text for f in found if not f.code and "batch" in f.text]

    assert notes(33) == ["training.batch is 33, but 32 films are trained on: every epoch is one step"]
    assert notes(32) == []


def test_a_class_may_be_excluded_where_classes_are_the_labels_that_are_left(asked) -> None:
    a = asked({"covid": 20, "normal": 20, "viral": 20}, data={"exclude": [{"label": "Viral"}]})
    assert problems(concerns(a)) == []
    assert a.study.data.classes == ["covid", "normal"]
    assert a.films.count_by("label") == {"covid": 20, "normal": 20}


def test_a_note_does_not_stop(capsys) -> None:
    refuse([Concern("slow", 0)])
    assert capsys.readouterr().err == "note: slow\n"


def test_a_network_whose_batchnorm_is_folded_is_not_trained_in_silence(
    asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = backbone("resnet50").weights
    assert [w.folded for w in published] == [False, False, True]
    monkeypatch.setattr(machine_checks, "known_file", lambda *_: published[2])
    (note,) = [c for c in concerns(asked(finetune={})) if "BatchNorm is folded" in c.text]
    assert note.code == 0
    assert note.text.startswith(
        "squeezenet1_0--baseline--constant, squeezenet1_0--crop--constant: in the weights that squeezenet1_0"
    )
    assert "(mean 0, variance 1: compressed, 72.2 % top-1, non-commercial" in note.text
    for tables in ({"finetune": {"batchnorm": "eval"}}, {}):
        assert not [c for c in concerns(asked(**tables)) if "BatchNorm is folded" in c.text]


def test_a_backbone_says_what_sizes_it_takes_and_the_plan_too(asked) -> None:
    vit = "timm/vit_tiny_patch16_224"
    tables = {"grid": {"backbones": [vit], "trials": 1}, "weights": {vit: "none"}, "augment": {"size_px": 40}}
    (text,) = [c.text for c in concerns(asked(**tables)) if c.code]
    assert (
        text
        == f"{vit} takes sides that are multiples of 16 px, such as 32 or 48; got 40 x 40: set augment.size_px"
    )
    with pytest.raises(InputError, match="multiples of 16 px"):
        sizes_of(asked(**tables))
    assert [r.cell.name for r in asked(**tables).planned] == ["timm-vit_tiny_patch16_224--baseline--constant"]

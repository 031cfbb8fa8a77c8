"""A run audits its films once, records what is accepted, and refuses a split that leaks; no result and no folder's name depends on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run_files import AUDIT
from hilum.core.engine import Local
from hilum.core.errors import InputError, LeakageError
from hilum.stages.ingest import ingest
from hilum.study.file import Study, read_study
from hilum.synthetic.phantom import make_films
from hilum.workflow import audit as module
from hilum.workflow.checks import concerns
from hilum.workflow.state import Run
from hilum.workflow.steps import STEPS, TO_FEATURES, walk
from hilum.workflow.workspace import Workspace

STUDY = """
name = "small"
seed = 4
[grid]
backbones = ["squeezenet1_0"]
trials = 2
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 48
"""
TO_AUDIT = [s for s in STEPS if s.name in ("duplicates", "split", "audit")]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("films")
    ingest([f"synthetic={make_films(root / 'films', 60, 5, 96)}"], root / "manifest.csv", engine=Local(0))
    (root / "small.toml").write_text(STUDY)
    return root


def run_of(films: Path, workspace: Path, *overrides: str) -> Run:
    study: Study = read_study(films / "small.toml", overrides)
    return Run(study, Manifest.read(films / "manifest.csv"), Workspace(workspace), Local(0))


def audited(run: Run) -> dict[str, Any]:
    walk(TO_AUDIT, run)
    return dict(json.loads((run.folder / AUDIT).read_text()))


def test_the_step_stands_before_films_are_prepared() -> None:
    assert [s.name for s in STEPS][:5] == ["duplicates", "lungs", "split", "audit", "prepare"]
    assert "audit" not in [s.name for s in TO_FEATURES]


def test_films_are_audited_once_and_what_is_accepted_is_recorded(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_of(films, tmp_path)
    found = audited(first)
    assert [(x.stage, x.done, x.found) for x in first.lines if x.stage == "audit"] == [("audit", 60, 0)]
    assert found["n_films"] == 60
    assert (found["leaks"]["n_patients"], found["leaks"]["n_copies"], found["labels"]) == (0, 0, None)
    assert not any(f["accepted"] for f in found["findings"])
    (code, *_) = (f["code"] for f in found["findings"])

    monkeypatch.setattr(module, "audit", lambda *_: pytest.fail("audited again"))
    again = run_of(films, tmp_path, f'audit.allow=["{code}=known to us"]')
    accepted = audited(again)
    assert again.folder == first.folder  # nothing that is computed depends on it
    assert [(x.stage, x.done, x.found) for x in again.lines if x.stage == "audit"] == [("audit", 0, 60)]
    assert accepted["findings"][-1] == {**found["findings"][0], "accepted": True, "reason": "known to us"}
    assert audited(run_of(films, tmp_path)) == found


def test_a_split_that_leaks_is_refused(films: Path, tmp_path: Path) -> None:
    run = run_of(films, tmp_path)
    audited(run)
    path = run.folder / "splits" / "trial-2.json"
    split = json.loads(path.read_text())
    several = next(p for p in split["films"]["train"] if p.endswith("_2"))
    group = split["films"]["train"].pop(several)
    split["films"]["test"][several] = f"{group} again"  # as if it were nobody else's film
    path.write_text(json.dumps(split))
    with pytest.raises(LeakageError, match=r"may be in one part only|audit found that a split leaks"):
        walk(TO_AUDIT, run_of(films, tmp_path))


def test_a_copy_in_two_parts_is_refused_by_the_audit_alone(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(films, tmp_path)
    walk(TO_AUDIT[:2], run)
    test, train = (run.draws.split(run.draws.plain, 1).parts[p][0] for p in ("test", "train"))
    leak = {"n_patients": 0, "n_copies": 1, "patients": [], "copies": [{test: "test", train: "train"}]}
    monkeypatch.setattr(module, "leaks", lambda *_: leak)
    with pytest.raises(
        LeakageError,
        match=rf"\(splits/trial-1.json\). In two parts: 0 patients, 1 group of copies. .*'{test}' \(test\)",
    ):
        walk(TO_AUDIT[2:], run)
    assert not (run.folder / AUDIT).exists()


def test_a_study_that_leaks_on_purpose_is_audited(films: Path, tmp_path: Path) -> None:
    found = audited(run_of(films, tmp_path, "unsafe.overlapping_test_draw=true"))
    assert found["leaks"]["n_copies"] == 0  # of the plain split


def test_what_is_wrong_in_the_table_is_said_before_the_run(films: Path, tmp_path: Path) -> None:
    run = run_of(films, tmp_path, 'audit.allow=["copys", "lateral:nobody"]', "audit.labels=resnet5")
    said = "\n".join(c.text for c in concerns(run))
    assert "audit.allow: unknown finding 'copys'; did you mean 'copies'?" in said
    assert "audit.labels: labels cannot be doubted by 'resnet5'; did you mean 'resnet50'?" in said
    with pytest.raises(InputError, match=r"audit\.alow"):
        read_study(films / "small.toml", ["audit.alow=[]"])

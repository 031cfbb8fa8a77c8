"""A study of two classes with names of its own, from films to pages: what is written of it is about these two and no others."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.manifest import Manifest
from hilum.cli.main import app
from hilum.core.engine import Local
from hilum.core.seeding import generator
from hilum.report.compare_page import write_compare_page
from hilum.stages.audit import audit, write_audit
from hilum.stages.compare import compare_runs
from hilum.stages.ingest import ingest
from hilum.study.file import Study
from hilum.workflow.run import run_study

CLASSES = ("No finding", "TB")
STUDY = {
    "name": "chest-clinic",
    "title": "Tuberculosis on chest films",
    "data": {"classes": list(CLASSES), "positive": "TB"},
    "split": {"method": "fractions"},
    "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline", "own"], "trials": 1},
    "weights": {"squeezenet1_0": "none"},
    "augment": {
        "size_px": 64,
        "pipeline": [
            {"name": "own", "steps": [
                {"op": "resize", "width_px": 64, "height_px": 64},
                {"op": "flip_left_right", "probability": 0.5},
            ]},
        ],
    },
    "training": {"epochs": 2, "find_rate": True},
    "statistics": {"resamples": 100},
    "compare": [{"name": "pipelines", "factor": "pipeline", "reference": "baseline"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on 40 films."""
    root = tmp_path_factory.mktemp("clinic")
    rows = ["path,label,patient_id"]
    for k in range(40):
        film = generator(8, "film", k).integers(0, 256, (72, 64)).astype(np.uint8)
        Image.fromarray(film).save(root / f"{k}.png")
        rows.append(f"{k}.png,{CLASSES[k % 2]},p{k}")
    (root / "films.csv").write_text("\n".join(rows) + "\n")
    ingest([f"clinic={root / 'films.csv'}"], root / "manifest.csv", engine=Local(1))
    page, _ = run_study(
        Study.model_validate(STUDY),
        root / "manifest.csv",
        root / "workspace",
        Local(1),
        "hilum run clinic.toml",
    )
    return page.parent


def test_no_page_table_or_card_speaks_of_other_classes(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "again")
    compared = compare_runs([run, tmp_path / "again"], tmp_path / "compared", ["sensitivity"], 1, 100)
    write_compare_page(compared, tmp_path / "compared")
    manifest = Manifest.read(run / "manifest.csv")
    findings = audit(manifest, Duplicates.read(run / "duplicates.json"), positive="tb")
    write_audit(findings, tmp_path / "audit", "Audit")
    pages = [
        run / "report.html",
        run / "model_card.md",
        tmp_path / "audit" / "audit.html",
        tmp_path / "compared" / "compare.html",
    ]
    pages += [*run.glob("tables/*"), *(tmp_path / "compared" / "tables").iterdir()]
    assert len(pages) > 20
    for page in pages:
        text = re.sub(r"data:[a-z+/;0-9-]+,[A-Za-z0-9+/=%._~-]*", "", page.read_text())
        assert re.findall(r"(?i).{0,40}(?:covid|the rest).{0,40}", text) == [], page
        assert (
            re.findall(
                r"(?i).{0,40}\bpaper’?s?\b.{0,40}", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
            )
            == []
        ), page
        assert re.findall(r".{0,20}(?:\btb\b|no finding|No Finding).{0,20}", text) == [], page
    assert "TB against No finding" in (run / "report.html").read_text()
    assert (
        "Cell squeezenet1_0 (random weights), baseline, trial 1, test films"
        in (run / "report.html").read_text()
    )
    assert {"confusion-matrix-1.csv", "confusion-matrix-2.csv"} < {p.name for p in run.glob("tables/*.csv")}
    assert "TB against No finding" in (tmp_path / "audit" / "audit.html").read_text()


STUDY_FILE = """
name = "rates"
[data]
classes = ["no finding", "tb"]
positive = "tb"
[split]
method = "fractions"
[grid]
backbones = ["squeezenet1_0"]
schedules = ["slow"]
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 64
[policy.slow]
kind = "constant"
learning_rate = 1e-9
"""


def test_find_rate_sees_what_the_study_would_and_trains_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen and fine-tuned cells; the curve of a frozen one is that which the run recorded with ``training.find_rate``."""
    workspace = run.parents[1]
    (tmp_path / "rates.toml").write_text(STUDY_FILE)
    args = ["find-rate", str(tmp_path / "rates.toml"), "--manifest", str(workspace.parent / "manifest.csv"),
            "--workspace", str(workspace), "--workers", "1", "--quiet"]  # fmt: skip
    before = sorted((workspace / "trials").iterdir())
    done = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "frozen")], catch_exceptions=False)
    assert done.exit_code == 0
    header, _, line, path = done.stdout.strip().splitlines()
    assert header.split() == ["cell", "steep", "valley", "minimum", "study"]
    assert line.split()[0] == "squeezenet1_0--baseline--slow"
    assert line.split()[-1] == "1.0e-09"
    assert Path(path).read_text().startswith("<?xml")
    (cell,) = json.loads((tmp_path / "frozen" / "finder.json").read_text())["cells"]
    of_run = json.loads(
        (run / "cells" / "squeezenet1_0--baseline--constant" / "trial-1" / "finder.json").read_text()
    )
    assert len(cell["rates"]) > 50
    assert {k: cell[k] for k in of_run if k != "seconds"} == {
        k: v for k, v in of_run.items() if k != "seconds"
    }
    monkeypatch.setattr("hilum.training.finder.STEPS", 6)
    tuned = CliRunner().invoke(app, [*args, "--set", "finetune.train='all'"], catch_exceptions=False)
    assert tuned.exit_code == 0
    (cell,) = json.loads((workspace / "find-rate" / "rates" / "finder.json").read_text())["cells"]
    assert len(cell["rates"]) == 6
    assert cell["valley"] is None  # so short a test tells nothing, and says nothing
    assert sorted((workspace / "trials").iterdir()) == before
    wrong = CliRunner().invoke(app, [*args, "--cell", "squeezenet1_0--baseline--slwo"])
    assert "did you mean 'squeezenet1_0--baseline--slow'" in str(wrong.exception)

"""A study of two classes with names of its own, from films to pages: what is written of it is about these two and no others."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.study import Study
from hilum.core.seeding import generator
from hilum.report.audit_page import audit_page
from hilum.stages.audit import audit
from hilum.stages.compare import compare_runs
from hilum.stages.ingest import ingest
from hilum.workflow.run import run_study

CLASSES = ("No finding", "TB")
STUDY = {
    "name": "chest-clinic",
    "title": "Tuberculosis on chest films",
    "data": {"classes": list(CLASSES), "positive": "TB"},
    "split": {"method": "fractions"},
    "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline", "own"], "trials": 2},
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
    "training": {"epochs": 2},
    "statistics": {"resamples": 100},
    "compare": [{"name": "pipelines", "factor": "pipeline", "reference": "baseline"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on 60 films."""
    root = tmp_path_factory.mktemp("clinic")
    rows = ["path,label,patient_id"]
    for k in range(60):
        film = generator(8, "film", k).integers(0, 256, (72, 64)).astype(np.uint8)
        Image.fromarray(film).save(root / f"{k}.png")
        rows.append(f"{k}.png,{CLASSES[k % 2]},p{k}")
    (root / "films.csv").write_text("\n".join(rows) + "\n")
    ingest([f"clinic={root / 'films.csv'}"], root / "manifest.csv", workers=1)
    page, _ = run_study(
        Study.model_validate(STUDY), root / "manifest.csv", root / "workspace", 1, "hilum run clinic.toml"
    )
    return page.parent


def test_no_page_table_or_card_speaks_of_other_classes(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "again")
    compare_runs([run, tmp_path / "again"], tmp_path / "compared", ["sensitivity"], 1, 100, "")
    manifest = Manifest.read(run / "manifest.csv")
    findings = audit(manifest, Duplicates.read(run / "duplicates.json"), positive="tb")
    (tmp_path / "audit.html").write_text(audit_page(findings, "Audit"))
    pages = [
        run / "report.html",
        run / "model_card.md",
        tmp_path / "audit.html",
        tmp_path / "compared" / "compare.html",
    ]
    pages += [*run.glob("tables/*"), *(tmp_path / "compared" / "tables").iterdir()]
    assert len(pages) > 20
    for page in pages:
        text = re.sub(r"data:[a-z+/;0-9-]+,[A-Za-z0-9+/=%._~-]*", "", page.read_text())
        assert re.findall(r"(?i).{0,40}(?:covid|the rest).{0,40}", text) == [], page
        assert re.findall(r".{0,20}(?:\btb\b|no finding|No Finding).{0,20}", text) == [], page
    assert "TB against No finding" in (run / "report.html").read_text()
    assert "TB against No finding" in (tmp_path / "audit.html").read_text()

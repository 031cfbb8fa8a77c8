"""A whole study of phantoms at 96 px, from files to its report, step by step; for `growth.py`."""

from __future__ import annotations

from pathlib import Path

from growth_meter import Meter

from hilum.core.engine import Local
from hilum.sources.layout import IngestOptions
from hilum.stages.ingest import ingest
from hilum.study.file import read_study
from hilum.synthetic.phantom import make_films
from hilum.workflow.state import Run
from hilum.workflow.steps import STEPS
from hilum.workflow.workspace import Workspace

SIDE_PX = 96
STUDY = """
name = "growth"
[data]
classes = ["bacterial", "covid", "normal", "viral"]
positive = "covid"
[split]
method = "fractions"
fractions = { train = 0.7, valid = 0.1, test = 0.2 }
[grid]
backbones = ["tf_efficientnet_lite0"]
pipelines = ["crop"]
trials = 1
[weights]
tf_efficientnet_lite0 = "none"
[augment]
size_px = 96
[training]
epochs = 1
batch = 256
[statistics]
resamples = 200
"""


def measure(n: int, folder: Path) -> Meter:
    """Every stage at n films, with as many workers as there are cores."""
    meter, path = Meter(n, folder), folder / "manifest.csv"
    with meter.stage("draw phantoms"):
        table = make_films(folder / "films", n, 1, SIDE_PX)
    with meter.stage("ingest"):
        manifest = ingest([f"phantoms={table}"], path, IngestOptions()).manifest
    (folder / "growth.toml").write_text(STUDY)
    run = Run(read_study(folder / "growth.toml"), manifest, Workspace(folder / "workspace"), Local(), path)
    run.set_machine()
    for step in STEPS:
        if step.wanted(run.study):
            with meter.stage(step.name):
                step.run(run)
    return meter

"""What examples of the Python interface stand on: films, a manifest, a finished run that nobody trained, and a model that scores."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

from hilum.api.command import toml
from hilum.artifacts.bundle import Bundle
from hilum.artifacts.run_files import StageLine
from hilum.study.file import read_study
from hilum.workflow.finished import note_finished
from scoring_model import write_scoring
from small_workspace import make_workspace, study_table

CELL = "squeezenet1_0--baseline--low"


def make_tiny_study(root: Path) -> None:
    """Write ``films/``, ``manifest.csv``, ``tiny.toml``, its run ``tiny/``, one of other films ``again/``, ``model/``, ``split.json`` and
    ``scores.csv`` into a folder. It takes two seconds."""
    tables = study_table("tiny")
    (root / "tiny.toml").write_text("".join(f"{key} = {toml(value)}\n" for key, value in tables.items()))
    for name, folder, seed in (("tiny", root, 0), ("again", root / "other", 1)):
        run = make_workspace(folder, "tiny", seed)
        (root / name).symlink_to(run.relative_to(root))
    trial = root / "tiny" / "cells" / CELL / "trial-1"
    shutil.copy(trial / "predictions.csv", root / "scores.csv")
    shutil.copy(root / "tiny" / "splits" / "trial-1.json", root / "split.json")
    shutil.copytree(trial / "bundle", root / "model")
    bundle, header, _ = Bundle.described(root / "model")
    write_scoring(root / "model", bundle, header)


def copy_tiny_study(made: Path, root: Path) -> None:
    """A copy to work in, whose run counts as finished."""
    shutil.copytree(made, root, symlinks=True)
    run = (root / "tiny").resolve()
    note_finished(
        SimpleNamespace(
            as_read=read_study(root / "tiny.toml"), manifest_path=root / "manifest.csv", workspace=SimpleNamespace(root=root),
            folder=run, weights={}, lines=[StageLine("split", 1, 0), StageLine("report", 1, 0)],
        )
    )  # fmt: skip

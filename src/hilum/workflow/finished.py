"""A finished run found again in a second: nothing that computed it is loaded, nothing that it was made from is read.

When a run ends, a note in the workspace (``finished/<key>.json``) says what it was asked (study, manifest's place, versions, machine) and
stamps of every file that went in or came out: manifest, weights, the run's folder, hilum's own sources. The same request with the same
stamps is the same run, so its lines and its report are given again. Anything else, whatever it is, goes the whole way, which looks
every stage up by digest; the note is then written anew.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hilum
from hilum.artifacts.bundle import REFERENCE
from hilum.artifacts.header import Header, header_path, read_json, write_json
from hilum.artifacts.looks import looks
from hilum.artifacts.manifest import excluded_path
from hilum.artifacts.run_files import MLFLOW_NOTE, StageLine
from hilum.artifacts.run_folder import RunFolder
from hilum.core.digests import SHORT, digest
from hilum.core.errors import HilumError
from hilum.core.processor import accelerator_signs, cpu_name
from hilum.core.stamps import Stamp, stamp, stamps_below
from hilum.study.file import Study
from hilum.study.tables import WeightsTable

if TYPE_CHECKING:
    from hilum.workflow.state import Run

RESULTS = ("numpy", "scipy", "scikit-learn", "pillow", "torch", "torchvision", "timm", "lightning-fabric")
"""Libraries that a result may depend on the version of."""
LIBRARIES = (*RESULTS, "matplotlib", "transformers", "torchxrayvision", "onnxruntime")
_ENVIRONMENT = ("HILUM_WEIGHTS", "CUDA_VISIBLE_DEVICES", "TORCH_HOME", "XDG_CACHE_HOME")
_KIND = "finished"


def find_finished(study: Study, manifest: Path, root: Path) -> tuple[Path, list[StageLine]] | None:
    """The report and a line a stage of the run of a study as read, if it was finished and nothing has changed since; else None."""
    root, manifest = root.resolve(), manifest.resolve()
    path = _note_path(study, manifest, root)
    try:
        note = read_json(path)
        run = root / "runs" / str(note["run"])
        if note["seen"] != _seen(study, manifest, root, run, list(note["weights"])):
            return None
        lines = [StageLine(str(stage), 0, int(n)) for stage, n in note["lines"]]
    except (HilumError, OSError, KeyError, TypeError, ValueError):
        return None  # a note that cannot be read is none
    return run / "report.html", lines


def note_finished(run: Run) -> None:
    """Note a run that has just ended."""
    study, manifest, root = run.as_read, run.manifest_path.resolve(), run.workspace.root
    weights = sorted({str(w.path.resolve()) for w in run.weights.values() if w.path is not None})
    note = {
        "header": Header(_KIND).to_dict(),
        "run": run.folder.name,
        "weights": weights,
        "seen": _seen(study, manifest, root, run.folder, weights),
        "lines": [[line.stage, line.done + line.found] for line in run.lines],
    }
    write_json(_note_path(study, manifest, root), note)


def _note_path(study: Study, manifest: Path, root: Path) -> Path:
    # what is only reported too: the page follows from it
    key = digest([study.model_dump(mode="json", exclude_defaults=True), str(manifest)])
    return root / "finished" / f"{key[:SHORT]}.json"


def _seen(study: Study, manifest: Path, root: Path, run: Path, weights: Sequence[str]) -> dict[str, Any]:
    """Everything that the run follows from, and everything that it wrote, as it is now."""
    named = [w.file for w in study.weights.values() if isinstance(w, WeightsTable)]
    places = [os.environ.get("HILUM_WEIGHTS", "")]
    inputs = [manifest, header_path(manifest), excluded_path(manifest), root / "workspace.json"]
    files: dict[str, Stamp] = {str(p): stamp(p) for p in inputs}
    files |= {p: stamp(Path(p)) for p in sorted({*weights, *named, *places}) if p}
    package = Path(hilum.__file__).parent
    return {
        "versions": [hilum.__version__, platform.python_version(), *map(_version, LIBRARIES)],
        "machine": [platform.node(), cpu_name(), accelerator_signs()],
        "environment": [os.environ.get(name, "") for name in _ENVIRONMENT],
        "inputs": files,
        "code": digest(stamps_below(package, leave_out=["__pycache__"])),
        "outputs": digest(stamps_below(run, leave_out=[MLFLOW_NOTE, REFERENCE])),
        "looks": list(looks(RunFolder(run)) or ()),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

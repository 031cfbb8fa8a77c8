"""A workspace: the folder that holds everything computed, each piece found by digest; and what is settled once for it.

workspace.json   device, precision and threads, measured at the first run on this kind of machine and then kept; so the engine of features
                 that is the faster one for a backbone
duplicates/ audits/ prepared/ features/ searches/ trials/ masks/   shared by all studies
runs/<study>-<digest>/                    one study's results; another study, or the same with other options, has its own
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hilum.artifacts.duplicates import RULES
from hilum.artifacts.header import read_json, write_json
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.search import SEARCHES
from hilum.core.digests import SHORT, digest
from hilum.core.engine import available_cores
from hilum.core.errors import InputError
from hilum.core.files import lock
from hilum.core.mirror import at_hand
from hilum.core.processor import cpu_name
from hilum.models.backbone import Precision
from hilum.models.feature_engine import faster, measure, settle_key
from hilum.models.machine import choose_device, measure_precision
from hilum.models.registry import Backbone


@dataclass(frozen=True)
class Settled:
    """What a workspace has settled for a kind of machine.

    Attributes:
        device: ``cpu`` or ``cuda``.
        name: Of the device.
        precision: What ``precision = "auto"`` stands for.
        threads: Of the backbone on a CPU.
    """

    device: str
    name: str
    precision: Precision
    threads: int


class Workspace:
    """Paths of a workspace."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.prepared = self.root / "prepared"
        self.features = self.root / "features"
        self.trials = self.root / "trials"
        self.searches = self.root / SEARCHES
        self.duplicates = self.root / "duplicates"
        self.masks = self.root / "masks"
        self.audits = self.root / "audits"
        self.runs = self.root / "runs"

    def duplicates_of(self, manifest: Manifest) -> Path:
        """Where the copies among these films are kept once they were looked for; films and rules of the search name the file."""
        return self.duplicates / f"{digest([manifest.digest, 'copies', RULES])[:SHORT]}.json"

    def settled(self, device: str) -> Settled:
        """What is settled for an engine's device; measured and written the first time."""
        device = choose_device(device)
        name = cpu_name()
        if device == "cuda":
            import torch

            name = torch.cuda.get_device_name(0)
        path = self.root / "workspace.json"
        with lock(self.root / ".workspace.lock"):
            key, known = f"{device}: {name}", _known(path)
            if key not in known:
                precision, seconds = measure_precision(device)
                found = {
                    "precision": precision,
                    "threads": available_cores(),
                    "measured_s": {k: round(v, 5) for k, v in seconds.items()},
                }
                while key not in known:  # again, where another machine wrote its own meanwhile, at an address
                    write_json(path, {"settled": {**known, key: found}})
                    known = _known(path)
            found = known[key]
        return Settled(device, name, cast(Precision, found["precision"]), int(found["threads"]))

    def settled_engine(
        self, settled: Settled, b: Backbone, precision: Precision, size_px: tuple[int, int]
    ) -> tuple[str, str]:
        """What is settled for a backbone's features on a CPU, ``torch`` or ``onnx``, and why; measured and written the first time.

        Args:
            settled: What is settled for the machine.
            b: The backbone.
            precision: That torch would have.
            size_px: (height, width) of the films; those of the first study count for all.
        """
        path = self.root / "workspace.json"
        with lock(self.root / ".workspace.lock"):
            machine, key, known = f"{settled.device}: {settled.name}", settle_key(b, precision), _known(path)
            measured = None
            while key not in (engines := known[machine].get("engines", {})):
                measured = measured or _measured_engine(b, precision, size_px)
                of_machine = {**known[machine], "engines": {**engines, key: measured}}
                write_json(path, {"settled": {**known, machine: of_machine}})
                known = _known(path)
            found = engines[key]
        if "why" in found:
            return "torch", str(found["why"])
        s = found["measured_s"]
        if "onnx" not in s:
            return "torch", f"torch in {precision} is as fast as matrix products in fp32 are at most here"
        return str(
            found["engine"]
        ), f"ONNX Runtime took {s['onnx'] / s['torch']:.2f} of torch's {precision} time on this processor"


def _known(path: Path) -> dict[str, Any]:
    """What workspace.json has for each kind of machine."""
    found: dict[str, Any] = read_json(path)["settled"] if at_hand(path, fresh=True).exists() else {}
    return found


def _measured_engine(b: Backbone, precision: Precision, size_px: tuple[int, int]) -> dict[str, Any]:
    """What workspace.json has of a backbone's engine."""
    try:
        seconds = measure(b, precision, size_px)
    except InputError as e:
        return {"engine": "torch", "why": str(e)}
    return {"engine": faster(seconds), "measured_s": {k: round(v, 5) for k, v in seconds.items()}}

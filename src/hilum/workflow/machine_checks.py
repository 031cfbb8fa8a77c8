"""Checks of this machine: devices, weights, a server for records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

import torch

from hilum.core.engine import available_cores
from hilum.core.errors import MissingExtraError
from hilum.models.backbone import check_weights
from hilum.models.machine import choose_device
from hilum.models.registry import backbone
from hilum.stages.finetune import check_machine
from hilum.tracking.background import SERVER, SWITCH
from hilum.workflow.concern import Concern, refused
from hilum.workflow.plan import FeaturesOf
from hilum.workflow.state import Run


def weights_are_there(run: Run) -> Iterator[Concern]:
    """Every backbone's weights are here, are the declared ones and fit their network."""
    for which in dict.fromkeys(r.features_of for r in run.planned):
        yield from refused(partial(_check_weights, run, which))


def _check_weights(run: Run, which: FeaturesOf) -> None:
    check_weights(backbone(which[0]), run.weights_of(which))


def devices_and_precision(run: Run) -> Iterator[Concern]:
    """Processes, GPUs and precisions that the study asks for."""
    device = choose_device(run.engine.device)
    trained = [r.finetune for r in run.planned if r.finetune is not None]
    for options in {o.model_dump_json(): o for o in trained}.values():
        for text in check_machine(options, device):
            yield Concern(text)
        if device == "cpu" and options.devices > available_cores():
            yield Concern(
                f"finetune.devices asks for {options.devices} devices; this machine has no GPU, and {available_cores()} cores to stand "
                "in for them"
            )
    if run.as_read.features.precision == "bf16":
        if device == "cuda" and not torch.cuda.is_bf16_supported():
            yield Concern("features.precision 'bf16' is not what this GPU can do; use 'fp32' or 'auto'")
        elif device == "cpu" and run.workspace.settled(run.engine.device).precision != "bf16":
            yield Concern(
                "features.precision 'bf16' is slower than 'fp32' on this processor; 'auto' takes the faster",
                0,
            )
    if run.engine.cores > 4 * available_cores():
        yield Concern(f"{run.engine.cores} workers on {available_cores()} cores will wait for each other", 0)


def tracking_server(_: Run) -> Iterator[Concern]:
    """A server named for records needs MLflow."""
    if os.environ.get(SERVER) and os.environ.get(SWITCH) != "0" and find_spec("mlflow") is None:
        reason = MissingExtraError("mlflow", "mlflow")
        yield Concern(f"{SERVER} is set, but the run will not be recorded: {reason}", 0)


CHECKS = (devices_and_precision, weights_are_there, tracking_server)

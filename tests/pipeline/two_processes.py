"""Train one network with the given number of processes and write its losses and probabilities: run by test_finetune.py.

In double precision, so that what is left between one process and two is not rounding, which training can blow up to anything.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.nn.functional import cross_entropy

from hilum.artifacts.features import FeatureRows
from hilum.models.networks import build_whole
from hilum.models.registry import backbone
from hilum.models.weights import find
from hilum.study.policies.constant import ConstantPolicy
from hilum.study.tables import FinetuneTable, TrainingTable
from hilum.training.checkpoints import Checkpoints
from hilum.training.finetune import fit_network, logits_of
from hilum.training.regimen import LabelledRows, Regimen

N, SIZE_PX = 22, 64


def train(fabric: Fabric, folder: Path, optimizer: Any, options: dict[str, Any]) -> None:
    """In each process."""
    torch.set_num_threads(1)
    labels = np.arange(N) % 4
    films = LabelledRows(FeatureRows([(str(folder / "films.npy"), k) for k in range(N)]), labels)
    b = backbone("tf_efficientnet_lite0")
    network = build_whole(b, find(b), 4, (SIZE_PX, SIZE_PX), seed=5).double()
    policy = ConstantPolicy(optimizer=optimizer, learning_rate=1e-3)
    finetune = FinetuneTable(batchnorm="eval", **options)
    regimen = Regimen(policy, cross_entropy, TrainingTable(epochs=2, batch=4), 5, finetune)
    checkpoints = Checkpoints(folder / f"checkpoint-{fabric.world_size}", fabric.is_global_zero)
    records = list(fit_network(fabric, network, films, films, regimen, checkpoints))
    logits = logits_of(fabric, network, films)
    if fabric.is_global_zero:
        losses = [[r.train_loss, r.valid_loss] for r in records]
        value = {"losses": losses, "probabilities": torch.softmax(logits.double(), 1).tolist()}
        (folder / f"{fabric.world_size}.json").write_text(json.dumps(value))


if __name__ == "__main__":
    where, optimizer_name, options_json = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    pixels = np.random.default_rng(1).integers(0, 120, (N, SIZE_PX, SIZE_PX))
    np.save(where / "films.npy", (pixels + 30 * (np.arange(N) % 4)[:, None, None]).astype(np.uint8))
    for processes in (1, 2):
        fabric = Fabric(
            accelerator="cpu", devices=processes, strategy="ddp_spawn" if processes > 1 else "auto", precision="64-true"
        )  # fmt: skip
        fabric.launch(partial(train, folder=where, optimizer=optimizer_name, options=options_json))

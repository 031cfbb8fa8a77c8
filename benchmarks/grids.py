"""Heads on stored features, the trials of a grid side by side, against the plain loop that trains one after another; both in turn, epoch by
epoch, on one thread.

    python benchmarks/grids.py --json grids.json

The plain loop is the one that hilum had: autograd, torch's optimisers, each trial for itself, maps read and made float32 a batch at a time.
Features are noise (their values make no difference to the time), as many as a trial of the paper's films has; policies are those of the
studies that ship. Processor seconds are what counts on a machine that does other work beside.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import name_machine
from torch.nn.functional import cross_entropy

import hilum
from hilum.artifacts.features import FeatureRows
from hilum.core.seeding import generator
from hilum.models.heads import build_head
from hilum.models.machine import keep_memory
from hilum.models.registry import backbone
from hilum.study.file import read_study
from hilum.study.policies import Policy
from hilum.study.tables import TrainingTable
from hilum.training.loop import Learner, epochs
from hilum.training.optimizers import apply, build_optimizer, clip
from hilum.training.regimen import LabelledRows, Regimen, draw_batches, dropout_factors

SEED, N_CLASSES, EPOCHS = 20210427, 4, 20
SHAPES: dict[str, tuple[tuple[int, ...], str]] = {
    "resnet50": ((2048,), "float32"), "densenet121": ((1024,), "float32"), "squeezenet1_0": ((512, 14, 14), "float16")
}  # fmt: skip
CASES = (
    ("experiment-3", "resnet50"),
    ("experiment-4", "resnet50"),
    ("experiment-2", "densenet121"),
    ("experiment-2", "squeezenet1_0"),
    ("experiment-3", "squeezenet1_0"),
    ("experiment-4", "squeezenet1_0"),
)
"""Whose policies on whose features. The paper's experiments 3 and 4 are of resnet50."""
_SHARD = 512


def write_features(folder: Path, name: str, n: int) -> LabelledRows:
    """Noise as a store keeps features, in shards; films come from them in any order."""
    shape, dtype = SHAPES[name]
    rng = generator(SEED, name, n)
    places = []
    for start in range(0, n, _SHARD):
        rows = min(_SHARD, n - start)
        path = folder / f"{name}-{n}-{start}.npy"
        np.save(path, np.maximum(rng.standard_normal((rows, *shape), np.float32), 0).astype(dtype))
        places += [(str(path), k) for k in range(rows)]
    order = rng.permutation(n)
    return LabelledRows(FeatureRows([places[k] for k in order]), np.arange(n, dtype=np.int64) % N_CLASSES)


def policies(study: str) -> list[Policy]:
    """Of the schedules of a study that ships."""
    read = read_study(Path(hilum.__file__).parent / "studies" / f"{study}.toml")
    return [read.policy_of(name) for name in read.grid.schedules]


def plain(name: str, policy: Policy, train: LabelledRows, valid: LabelledRows) -> Iterator[float]:
    """Epochs of one head; yields the validation loss."""
    b = backbone(name)
    head = build_head(b, N_CLASSES, SEED, train.shape[0])
    regimen = Regimen(policy, cross_entropy, TrainingTable(epochs=EPOCHS), SEED)
    rates = policy.schedule(EPOCHS, regimen.steps(len(train)))
    optimizer = build_optimizer(policy, [head.parameters()])
    for epoch in range(1, policy.n_epochs(EPOCHS) + 1):
        for which, kept in draw_batches(regimen, train.labels, epoch, train.shape if b.spatial else None):
            x = train.take(which).float()
            if kept is not None:
                x.mul_(dropout_factors(kept, regimen.dropout))
            now = rates.settings()
            if now.fresh:
                optimizer = build_optimizer(policy, [head.parameters()])
            apply(now, optimizer, [1.0])
            optimizer.zero_grad()
            cross_entropy(head(x), train.labels[torch.from_numpy(which)]).backward()
            clip(policy, head.parameters())
            optimizer.step()
            rates.stepped()
        with torch.inference_mode():
            every, size = np.arange(len(valid)), 32 if b.spatial else 256
            z = torch.cat([head(valid.take(every[k : k + size]).float()) for k in range(0, len(valid), size)])
        loss = float(cross_entropy(z.double(), valid.labels))
        rates.epoch_ended(loss)
        yield loss


def spent(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of the wall and of the processor, this process's own, of one call."""
    wall, own = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - own


def measure(
    name: str, of: Sequence[Policy], train: LabelledRows, valid: LabelledRows, n_epochs: int
) -> dict[str, Any]:
    """An epoch of all trainings on each side, in turn; the first, in which memory is taken, apart. The least of the others counts."""
    b, table = backbone(name), TrainingTable(epochs=EPOCHS)
    learners = [
        Learner(
            build_head(b, N_CLASSES, SEED, train.shape[0]), Regimen(p, cross_entropy, table, SEED), len(train)
        )
        for p in of
    ]
    together = epochs(learners, train, valid)
    one_by_one = [plain(name, p, train, valid) for p in of]
    sides: dict[str, Callable[[], Any]] = {
        "plain": lambda: [next(p) for p in one_by_one], "hilum": lambda: next(together)
    }  # fmt: skip
    rounds = [{side: spent(once) for side, once in sides.items()} for _ in range(n_epochs + 1)][1:]
    found: dict[str, Any] = {"trainings": len(of), "rounds": rounds}
    for k, what in enumerate(("wall_s", "cpu_s")):
        for side in sides:
            found[f"{side}_{what}"] = min(r[side][k] for r in rounds)
        found[f"ratio_{what}"] = found[f"plain_{what}"] / found[f"hilum_{what}"]
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=8200, help="training films, copies counted")
    parser.add_argument("--valid", type=int, default=1660)
    parser.add_argument("--epochs", type=int, default=2, help="that are timed")
    parser.add_argument("--backbones", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    keep_memory()
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        films = {
            name: [write_features(Path(folder), name, n) for n in (a.train, a.valid)] for name in a.backbones
        }
        for study, name in CASES:
            if name in films:
                found = measure(name, policies(study), *films[name], a.epochs)
                rows.append({"study": study, "backbone": name, **found})
                print(
                    f"{study} on {name}, {found['trainings']} trainings, an epoch of each: plain {found['plain_cpu_s']:.2f} s of processor "
                    f"({found['plain_wall_s']:.2f} wall), hilum {found['hilum_cpu_s']:.2f} ({found['hilum_wall_s']:.2f}), "
                    f"{found['ratio_cpu_s']:.2f} times"
                )
    result = {"machine": name_machine(), "train": a.train, "valid": a.valid, "rows": rows}
    if a.json:
        a.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

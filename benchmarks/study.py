"""Whole studies against the plain procedure: one cold cell, and all of Experiment 2, on the same films of one manifest.

    HILUM_YARDSTICK=seed_procedure.py python benchmarks/study.py MANIFEST --films 2000 --json study.json

The yardstick (its path in HILUM_YARDSTICK) passes every film through the backbone in every epoch; it times one epoch and multiplies.
hilum is timed as a user would see it: the whole command in a fresh workspace, from reading the manifest to the written report. The
yardstick's twelve cells times three trials are added up from one measured cell a backbone (its pipelines differ by seconds).
Both have random weights: the time is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import name_machine

from hilum.artifacts.manifest import Manifest
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.study.file import read_study
from hilum.workflow.state import Run
from hilum.workflow.workspace import Workspace

BACKBONES = ("resnet50", "squeezenet1_0", "densenet121")
PIPELINES, TRIALS, EPOCHS = 4, 3, 20


def choose_films(manifest: Path, n: int, out: Path) -> Manifest:
    """About `n` films of Experiment 2, every class in proportion, and their manifest."""
    study = read_study(Path(__file__).parents[1] / "src/hilum/studies/experiment-2.toml")
    films = Run(study, Manifest.read(manifest), Workspace(out.parent), Local()).films
    by_class: dict[str, list[str]] = defaultdict(list)
    for f in films.films:
        by_class[f.label].append(f.image_id)
    chosen = []
    for label, ids in sorted(by_class.items()):
        chosen += (
            generator(1, "benchmark", label).permutation(ids)[: round(n * len(ids) / len(films))].tolist()
        )
    few = films.only(chosen)
    few.write(out)
    return few


def class_folders(films: Manifest, root: Path) -> None:
    """The same films as the yardstick wants them: a folder a class."""
    for k, f in enumerate(films.films):
        folder = root / f.label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{k:05d}{Path(f.path).suffix}").symlink_to(f.path)


def yardstick(script: Path, images: Path, backbone: str) -> dict[str, Any]:
    """Time one cell of the plain procedure."""
    command = [
        sys.executable,
        str(script),
        "--images",
        str(images),
        "--backbone",
        backbone,
        "--pipeline",
        "crop",
    ]
    command += ["--epochs", str(EPOCHS), "--seconds-per-epoch-only"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def hilum(
    manifest: Path,
    workspace: Path,
    backbones: tuple[str, ...],
    pipelines: list[str],
    trials: int,
    precision: str,
    more: Sequence[str] = (),
) -> dict[str, Any]:
    """Time `hilum run` in a fresh workspace."""
    sets = [
        f"grid.backbones={json.dumps(backbones)}",
        f"grid.pipelines={json.dumps(pipelines)}",
        f"grid.trials={trials}",
    ]
    # as many draws a covid training film as the yardstick takes
    sets += [f'weights.{b}="none"' for b in backbones] + [
        "sampling.covid=2.09",
        f"training.epochs={EPOCHS}",
        "probes.kinds=[]",  # the yardstick has none
        f"features.precision={precision}",
    ]
    command = [
        sys.executable,
        "-m",
        "hilum.cli.main",
        "run",
        "experiment-2",
        "--quiet",
        "--manifest",
        str(manifest),
    ]
    command += ["--workspace", str(workspace)]
    for s in [*sets, *more]:
        command += ["--set", s]
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    run = next((workspace / "runs").iterdir())
    return {
        "seconds": seconds,
        "stages": json.loads((run / "stages.json").read_text()),
        **json.loads((run / "run_facts.json").read_text()),
    }


def main() -> None:
    """Run what is asked and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--films", type=int, default=2000)
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES), help="of the whole experiment")
    parser.add_argument("--precision", default="auto", help="fp32 shows what a processor without bf16 gains")
    parser.add_argument(
        "--yardstick", type=Path, help="take its seconds from an earlier --json of this machine"
    )
    parser.add_argument(
        "--set", action="append", default=[], help="handed to `hilum run`, for a trial at a small size"
    )
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    script = os.environ.get("HILUM_YARDSTICK")
    if not script and not a.yardstick:
        raise InputError("set HILUM_YARDSTICK to the plain procedure's script")
    backbones = tuple(a.backbones)
    result: dict[str, Any] = {"machine": name_machine(), "films": a.films, "yardstick": {}, "hilum": {}}

    def save() -> None:
        if a.json:
            a.json.write_text(json.dumps(result, indent=1))

    with tempfile.TemporaryDirectory() as tmp:
        root = Path(tmp)
        films = choose_films(a.manifest, a.films, root / "films.csv")
        class_folders(films, root / "classes")
        print(f"{len(films)} films: {films.count_by('label')}; {result['machine']}", flush=True)
        if a.yardstick:
            result["yardstick"] = json.loads(a.yardstick.read_text())["yardstick"]
        for b in backbones:
            if not a.yardstick:
                result["yardstick"][b] = yardstick(Path(str(script)), root / "classes", b)
            print(f"yardstick, one cell, {b}: {result['yardstick'][b]['seconds']['total']:.0f} s", flush=True)
            save()
        first = backbones[0]
        result["hilum"]["cell"] = hilum(
            root / "films.csv", root / "cell", (first,), ["crop"], 1, a.precision, a.set
        )
        cell = result["hilum"]["cell"]["seconds"]
        one = result["yardstick"][first]["seconds"]["total"]
        print(
            f"hilum, one cold cell, {first}: {cell:.0f} s; yardstick / hilum = {one / cell:.1f}", flush=True
        )
        save()
        every = ["baseline", "crop", "crop-distortion", "crop-zoom"]
        result["hilum"]["experiment"] = hilum(
            root / "films.csv", root / "all", backbones, every, TRIALS, a.precision, a.set
        )
        whole = result["hilum"]["experiment"]["seconds"]
        total = sum(result["yardstick"][b]["seconds"]["total"] for b in backbones) * PIPELINES * TRIALS
        result["ratios"] = {"cell": one / cell, "experiment": total / whole}
        print(
            f"hilum, {len(backbones) * PIPELINES} cells x {TRIALS} trials: {whole:.0f} s; "
            f"yardstick {total:.0f} s; ratio {total / whole:.0f}"
        )
        save()


if __name__ == "__main__":
    main()

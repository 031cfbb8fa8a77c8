"""Does `hilum run --dry-run` say what a run then takes? Five studies, each planned and then run in a fresh workspace.

    python benchmarks/predicted.py MANIFEST [--only NAME ...] [--json FILE]

MANIFEST has bacterial, covid, normal and viral films. The demo draws its own. Seconds of the plan stand beside those of the whole command,
disk beside what lies in the workspace afterwards, memory beside the most that the run recorded; of each stage the same. Weights are
random: the time is the same. On a machine that others use, ``--processor`` takes processor seconds for both, with one worker: they hardly
depend on what else goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import name_machine

GIB = 2**30
PROCESSOR = """
import resource, time
def processor_seconds():
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
time.perf_counter = processor_seconds
from hilum.cli.main import main
main()
"""
"""`hilum` with a clock that goes only while its processes compute."""
ONE_CLASS = {
    "data": {"classes": ["bacterial", "covid", "normal", "viral"], "positive": "covid"},
    "sampling": {"covid": 2.09},
}
STUDIES: dict[str, dict[str, Any]] = {
    "demo": {},
    "one backbone, 400 films": {
        "grid": {"backbones": ["resnet50"], "pipelines": ["crop"], "trials": 3},
        "films": 400,
    },
    "two backbones, twelve cells": {
        "grid": {
            "backbones": ["squeezenet1_0", "tf_efficientnet_lite0"],
            "pipelines": ["baseline", "crop", "crop-zoom"],
            "schedules": ["constant", "low"],
            "trials": 3,
        },
        "policy": {"low": {"kind": "constant", "learning_rate": 1e-4}},
        "films": 600,
    },
    "squeezenet1_0 fine-tuned, 300 films": {
        "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["crop"], "trials": 2},
        "finetune": {"unfreeze": "fine_tune"},
        "training": {"epochs": 5},
        "augment": {"size_px": 160},
        "films": 300,
    },
    "probes, 400 films": {
        "grid": {"backbones": ["tf_efficientnet_lite0"], "pipelines": ["crop"], "trials": 3},
        "probes": {"kinds": ["lungs-erased", "border-only", "thumbnail", "labels-shuffled", "source-rule"]},
        "films": 400,
    },
}
"""Name -> the study's tables, and how many films it is of."""
IN_RUN = {"train": ("train heads", "train networks"), "predict": ("predict", "score networks")}
"""Stage of a run -> the plan's; every other has one name."""


def toml(tables: dict[str, Any]) -> str:
    """Tables of one or two levels."""
    lines = []
    for name, table in tables.items():
        nested = {k: v for k, v in table.items() if isinstance(v, dict)}
        lines += [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in table.items() if k not in nested)]
        for key, inner in nested.items():
            lines += [f"[{name}.{key}]", *(f"{k} = {json.dumps(v)}" for k, v in inner.items())]
    return "\n".join(lines) + "\n"


def study_file(name: str, folder: Path) -> str:
    """What `hilum run` is given: a file, or a name of one that ships."""
    tables = dict(STUDIES[name])
    if not tables:
        return name
    films = tables.pop("films")
    tables = {**ONE_CLASS, **tables, "weights": dict.fromkeys(tables["grid"]["backbones"], "none")}
    tables["data"] = {**tables["data"], "subset": {"name": "few", "films": films}}
    path = folder / "study.toml"
    path.write_text(f'name = "predicted"\n{toml(tables)}')
    return str(path)


ROW = re.compile(
    r"^ {10}(?P<stage>\S.*?)\s{2,}(?P<s>[\d.]+)\s{2,}(?:(?P<disk>[\d.]+)\s{2,})?(?P<memory>[\d.]+)(?:\s{2,}|$)"
)


def planned(text: str) -> dict[str, dict[str, float]]:
    """Stage -> seconds, disk and memory (GiB) of a printed plan."""
    rows = [m for m in map(ROW.match, text.splitlines()) if m]
    return {
        m["stage"]: {"s": float(m["s"]), "disk": float(m["disk"] or 0), "memory": float(m["memory"])}
        for m in rows
    }


def timed(command: list[str]) -> tuple[str, float, float]:
    """What a command prints, its seconds and its processor seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, time.perf_counter() - start, processor


def folder_bytes(root: Path) -> int:
    """Bytes of a workspace's files, a film that the demo drew not counted."""
    return sum(
        p.stat().st_size
        for p in root.rglob("*")
        if p.is_file() and not p.is_symlink() and "synthetic-films" not in p.parts
    )


def measured(name: str, manifest: Path, processor: bool = False) -> dict[str, Any]:
    """A study's plan beside its run; in processor seconds where that is asked for."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        called = ["-c", PROCESSOR] if processor else ["-m", "hilum.cli.main"]
        hilum = [sys.executable, *called, "run", study_file(name, root), "--quiet"]
        hilum += ["--workspace", str(root / "w"), *(["--workers", "1"] if processor else [])]
        if name == "demo":  # its films are drawn by the plan
            (root / "w").mkdir()
        else:
            hilum += ["--manifest", str(manifest)]
        text, planning_s, planning_processor_s = timed([*hilum, "--dry-run"])
        plan, before = planned(text), folder_bytes(root / "w")
        _, seconds, processor_s = timed(hilum)
        seconds = processor_s if processor else seconds
        (run,) = (root / "w" / "runs").iterdir()
        stages = json.loads((run / "stages.json").read_text())
        facts = json.loads((run / "run_facts.json").read_text())
        disk = (folder_bytes(root / "w") - before) / GIB
    rows = {
        s["stage"]: {
            "planned_s": sum(plan.get(p, {"s": 0.0})["s"] for p in IN_RUN.get(s["stage"], (s["stage"],))),
            "s": s["seconds"],
            "planned_memory": max(
                plan.get(p, {"memory": 0.0})["memory"] for p in IN_RUN.get(s["stage"], (s["stage"],))
            ),
            "memory": s["peak_anonymous_bytes"] / GIB,
        }
        for s in stages
    }
    peak = max(facts["peak_anonymous_bytes"], *(s["peak_anonymous_bytes"] for s in stages)) / GIB
    return {
        "study": name, "planned_s": sum(p["s"] for p in plan.values()), "s": seconds, "processor_s": processor_s,
        "planned_disk": sum(p["disk"] for p in plan.values()), "disk": disk,
        "planned_memory": max(p["memory"] for p in plan.values()), "memory": peak,
        "start_planned_s": plan["start"]["s"], "between_stages_s": seconds - sum(s["seconds"] for s in stages),
        "planning_s": planning_s, "planning_processor_s": planning_processor_s, "stages": rows,
    }  # fmt: skip


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--only", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--processor", action="store_true", help="processor seconds, with one worker")
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    os.environ.setdefault("HILUM_MLFLOW", "0")
    rows = []
    print(f"{name_machine()}; load before {os.getloadavg()[0]:.1f}")
    print(
        "| study | planned, s | run, s | off | planned GiB of disk | written | planned GiB of memory | most |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name in a.only:
        rows.append(r := measured(name, a.manifest, a.processor))
        off = f"{r['planned_s'] / r['s'] - 1:+.0%}"
        disk = f"{r['planned_disk']:.3f} | {r['disk']:.3f}"
        memory = f"{r['planned_memory']:.2f} | {r['memory']:.2f}"
        print(f"| {name} | {r['planned_s']:.0f} | {r['s']:.0f} | {off} | {disk} | {memory} |", flush=True)
        for stage, s in r["stages"].items():
            print(
                f"    {stage:<34} planned {s['planned_s']:7.1f} s, took {s['s']:7.1f}; memory {s['planned_memory']:.2f}, {s['memory']:.2f}",
                file=sys.stderr,
            )
        print(
            f"    {'other':<34} planned {r['start_planned_s']:7.1f} s, took {r['between_stages_s']:7.1f}",
            file=sys.stderr,
        )
        if a.json:
            clock = "processor seconds, one worker" if a.processor else "seconds"
            a.json.write_text(
                json.dumps({"machine": name_machine(), "clock": clock, "rows": rows}, indent=1) + "\n"
            )


if __name__ == "__main__":
    main()

"""How do time, memory and disk of each stage grow with the number of films?

    python benchmarks/growth.py --films 1000 10000 --rows 10000 100000 1000000 --json growth.json

Each number is a process of its own. "films" are whole studies of phantoms at 96 px, their near copies looked for and their features
those of EfficientNet-Lite0 with drawn weights (`growth_films.py`); "rows" are whole studies of films without pixels (`growth_rows.py`). The
slope of a stage is that of the log of its processor seconds over the log of films, between the two largest numbers: 1 is in proportion.
Memory is what no file backs, of the process and its workers: at most during a stage, and what is held after it beyond what was held before.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import name_machine

MEASURED_S = 0.5
"""Processor seconds from which on a slope is taken: less is start-up and chance."""


def measure_here(kind: str, n: int, folder: Path) -> list[dict[str, Any]]:
    """What the measured process does."""
    from hilum.core.progress import set_quiet

    set_quiet(True)
    if kind == "rows":
        from growth_rows import measure
    else:
        from growth_films import measure
    return measure(n, folder).rows


def measure_apart(kind: str, n: int) -> list[dict[str, Any]]:
    """The same in a new process, its folder removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="hilum-growth-") as tmp:
        command = [sys.executable, __file__, "--child", kind, str(n), tmp]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def slopes(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Stage -> slope between its two largest numbers of films, where both took long enough to say."""
    found = {}
    for stage in dict.fromkeys(r["stage"] for r in rows):
        own = sorted((r["films"], r["processor_s"]) for r in rows if r["stage"] == stage)[-2:]
        if len(own) == 2 and own[0][1] >= MEASURED_S:
            (n, s), (more, longer) = own
            found[stage] = round(math.log(longer / s) / math.log(more / n), 2)
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """A line a stage and number of films."""
    head = f"{'films':>9} {'stage':24}{'seconds':>9}{'processor s':>13}{'peak MiB':>10}{'held KiB a film':>17}{'disk MiB':>10}"
    lines = [
        f"{r['films']:>9} {r['stage']:24}{r['seconds']:>9.2f}{r['processor_s']:>13.2f}{r['peak_mib']:>10.0f}"
        f"{1024 * r['held_mib'] / r['films']:>17.2f}{r['disk_mib']:>10.1f}"
        for r in rows
    ]
    return "\n".join([head, *lines])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child:
        print(json.dumps(measure_here(a.child[0], int(a.child[1]), Path(a.child[2]))))
        return
    print(name_machine())
    found: dict[str, Any] = {"machine": name_machine()}
    for kind, numbers in (("films", a.films), ("rows", a.rows)):
        rows: list[dict[str, Any]] = []
        for n in sorted(numbers):
            rows += (new := measure_apart(kind, n))
            print(f"{kind}\n{table(new)}", flush=True)
        found[kind] = {"rows": rows, "slopes": slopes(rows)}
        print(f"slopes of {kind}: {found[kind]['slopes']}", flush=True)
        if a.json:
            a.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""How long commands take that have nothing to compute: what they import is all of it.

    python benchmarks/startup.py [--rounds 5] [--sources BEFORE/src AFTER/src] [--run STUDY --manifest M --workspace W] [--json FILE]

Every command is a process of its own; all of them are asked in turn, and of each the least of the rounds is taken, as seconds and as
processor seconds, because seconds grow when others use the machine and processor time hardly does. With --sources the same commands are
asked of each of these, in turn too. With --run also `hilum run` of a study that is finished in that workspace.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from machine import name_machine

COMMANDS = ("--version", "--help", "run --help", "ingest --help", "audit --help", "run no-such-study.toml")


def once(words: list[str], sources: Path | None) -> tuple[float, float]:
    """Seconds and processor seconds of a command; what it prints is dropped."""
    environment = os.environ | ({"PYTHONPATH": str(sources)} if sources else {})
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command, nowhere = [sys.executable, "-m", "hilum.cli.main", *words], subprocess.DEVNULL
    subprocess.call(command, stdout=nowhere, stderr=nowhere, env=environment)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(commands: list[list[str]], sources: list[Path | None], rounds: int) -> list[dict[str, Any]]:
    """A row a command and source."""
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for words in commands:
            for s in sources:
                taken.setdefault((" ".join(words), str(s or "")), []).append(once(words, s))
    return [
        {
            "command": command,
            "sources": s,
            "seconds": round(min(t for t, _ in times), 3),
            "cpu_seconds": round(min(c for _, c in times), 3),
        }
        for (command, s), times in taken.items()
    ]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sources", type=Path, nargs="+", default=[None])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    commands = [c.split() for c in COMMANDS]
    if a.run:
        more = ["--manifest", str(a.manifest)] if a.manifest else []
        commands.append(["run", str(a.run), "--workspace", str(a.workspace), "--quiet", *more])
    rows = measure(commands, a.sources, a.rounds)
    for row in rows:
        print(json.dumps(row))
    if a.json:
        a.json.write_text(json.dumps({"machine": name_machine(), "rounds": a.rounds, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()

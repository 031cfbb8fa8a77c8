"""Does a study's memory grow with the number of films, and its time more than in proportion?

    python benchmarks/scaling.py --films 1000 5000 20000 --json scaling.json

Each number of films is a study of its own in a fresh process: ingest of grey 299 px PNG, then prepare, featurize (SqueezeNet's maps,
the largest features there are, at 96 px so that it takes minutes), train, predict, statistics and report. Anonymous memory is that of
the process and its workers together; mapped feature shards are not in it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ingest import make_films
from machine import name_machine

STUDY = """
name = "scaling"
[data]
classes = ["covid", "normal"]
near_duplicates = false
[grid]
backbones = ["squeezenet1_0"]
pipelines = ["crop"]
trials = 1
[weights]
squeezenet1_0 = "none"
[augment]
size_px = 96
[training]
epochs = 2
[statistics]
resamples = 200
"""


def study(root: Path, n: int) -> dict[str, Any]:
    """Ingest `n` films and run the study on them; its stages and memory."""
    make_films(root / "films", 0, n)
    (root / "scaling.toml").write_text(STUDY)
    manifest = root / "manifest.csv"
    hilum = [sys.executable, "-m", "hilum.cli.main"]
    ingest = [
        *hilum,
        "ingest",
        str(root / "films"),
        "--no-patient-ids",
        "films",
        "--out",
        str(manifest),
        "--quiet",
    ]
    run = [*hilum, "run", str(root / "scaling.toml"), "--manifest", str(manifest), "--quiet"]
    subprocess.run(ingest, check=True, capture_output=True)
    subprocess.run([*run, "--workspace", str(root / "w")], check=True, capture_output=True)
    folder = next((root / "w" / "runs").iterdir())
    stages = {s["stage"]: round(s["seconds"], 1) for s in json.loads((folder / "stages.json").read_text())}
    return {"films": n, "stages": stages, **json.loads((folder / "run_facts.json").read_text())}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    print(name_machine())
    print(f"{'films':>7}{'seconds':>9}{'ms a film':>11}{'anonymous MiB':>15}   stages")
    rows = []
    for n in a.films:
        with tempfile.TemporaryDirectory() as tmp:
            row = study(Path(tmp), n)
        rows.append(row)
        memory = row["peak_anonymous_bytes"] / 2**20
        per_film = 1000 * row["seconds"] / n
        print(f"{n:>7}{row['seconds']:>9.1f}{per_film:>11.1f}{memory:>15.0f}   {row['stages']}", flush=True)
        if a.json:
            a.json.write_text(json.dumps({"machine": name_machine(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()

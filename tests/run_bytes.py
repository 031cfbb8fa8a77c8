"""All that a run's folder holds, to hold one run against another."""

from __future__ import annotations

from pathlib import Path

TIMED = {
    "train.json",
    "predict.json",
    "seconds.json",
    "run_facts.json",
    "stages.json",
    "run.json",
    "report.html",
    "report.header.json",
}
"""Files of a run that hold seconds, or the command, which names the workspace."""
TIMED_TABLES = {"claim", "seconds", "trials", "tripod-ai"}


def results(run: Path) -> dict[str, bytes]:
    """Every file of a run but those with seconds."""
    return {
        p.relative_to(run).as_posix(): p.read_bytes()
        for p in sorted(run.rglob("*"))
        if p.is_file() and p.name not in TIMED and not (p.parent.name == "tables" and p.stem in TIMED_TABLES)
    }

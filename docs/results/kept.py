"""What finished runs gave and the pages may quote: `docs/results/<name>`, a folder a page or suite.

Kept are statistics, comparisons and some tables; no film, path or id of a patient. The seconds and machines are those of the run.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
STORED = {
    "paper": RESULTS / "paper-frozen",
    "as-run": RESULTS / "paper-stand-ins",
    "trust": RESULTS / "trust",
    "backbones": RESULTS / "backbones",
    "deep-covid": RESULTS / "deep-covid",
    "covid-net": RESULTS / "covid-net",
    "enhancement": RESULTS / "enhancement",
    "ensembles": RESULTS / "ensembles",
    "systems": RESULTS / "systems",
}
TABLES = {
    "trust": ("calibration", "selective", "sets", "outside-beside", "outside-drift", "outside-left-out"),
    "backbones": ("weights", "seconds"),
    "deep-covid": ("threshold-sweep", "checks-by-method--*"),
    "covid-net": ("weights", "seconds"),
    "enhancement": ("weights", "seconds"),
    "ensembles": ("weights", "seconds", "ensembles", "calibration"),
}
"""Runs of a page -> the tables of their reports that are kept; a star stands for what is the run's own."""
SUITE_TABLES = {
    "paper": ("claims", "table-3", "table-4", "table-5", "table-8", "table-9"),
    "as-run": (),
}
FACTS = ("machine", "versions", "precision", "manifest_digest", "study_digest")


def store_suite(of: str, suite: Path) -> None:
    """Copy what the page may quote from a suite's folder and those of its members."""
    paper = json.loads((suite / "paper.json").read_text())
    facts = [_store_run(of, m["study"], suite.parent / m["run"]) for m in paper["members"]]
    _write_facts(of, {"name": paper["name"], "members": facts})
    for name in SUITE_TABLES[of]:
        (STORED[of] / f"{name}.csv").write_bytes((suite / "tables" / f"{name}.csv").read_bytes())


def store_runs(of: str, runs: Mapping[str, Path]) -> None:
    """Copy what the page may quote from runs: of statistics the cells' rows, of the report some tables."""
    facts = []
    for name, run in runs.items():
        facts.append(_store_run(of, name, run, cells_only=True))
        for table in TABLES[of]:
            for found in sorted((run / "tables").glob(f"{table}.csv")):
                kept = STORED[of] / f"{name}.{table.removesuffix('--*')}.csv"
                kept.write_bytes(found.read_bytes())
    _write_facts(of, {"name": of, "members": facts})


def store_systems(folder: Path, runs: Mapping[str, Path]) -> None:
    """Copy what `hilum compare --systems` wrote into a folder, or a suite with ``[systems]``, and the facts of its runs."""
    _store_rows("systems", "systems", folder)
    table = (folder / "tables" / "systems.csv").read_bytes()
    (STORED["systems"] / "systems.systems.csv").write_bytes(table)
    _write_facts("systems", {"name": "systems", "members": [_facts(*r) for r in runs.items()]})


def _store_run(of: str, name: str, run: Path, cells_only: bool = False) -> dict[str, Any]:
    """Keep a run's statistics and comparisons; gives its facts."""
    _store_rows(of, name, run, cells_only)
    return _facts(name, run)


def _store_rows(of: str, name: str, run: Path, cells_only: bool = False) -> None:
    STORED[of].mkdir(parents=True, exist_ok=True)
    for kind in ("statistics", "comparisons"):
        if not (run / f"{kind}.json").is_file():
            continue
        data = (run / f"{kind}.json").read_bytes()
        if cells_only and kind == "statistics":
            of_cells = [r for r in json.loads(data) if r["trial"] is None]
            data = json.dumps(of_cells, ensure_ascii=False).encode()
        (STORED[of] / f"{name}.{kind}.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))


def _facts(name: str, run: Path) -> dict[str, Any]:
    record = json.loads((run / "run.json").read_text())
    return {"study": name, "run": run.name, **{k: record[k] for k in FACTS}}


def _write_facts(of: str, facts: dict[str, Any]) -> None:
    (STORED[of] / "suite.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def rows(member: str, name: str) -> list[dict[str, Any]]:
    """The rows of a stored list, JSON or csv."""
    (path,) = (p for folder in STORED.values() for p in folder.glob(f"{member}.{name}*"))
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))
    found: list[dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))
    return found

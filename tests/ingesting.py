"""Ingest as the tests of layouts call it: small csv tables, and a manifest that lies apart from its films."""

import csv
from collections.abc import Sequence
from pathlib import Path

from hilum.core.engine import Local
from hilum.sources.layout import IngestOptions
from hilum.stages.ingest import Ingested, ingest


def write_csv(path: Path, *rows: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows(rows)
    return path


def run(tmp_path: Path, *sources: object, **options: object) -> Ingested:
    """Ingest in this process; the options are those of `IngestOptions`."""
    return ingest([str(s) for s in sources], tmp_path / "out" / "m.csv", IngestOptions(**options), Local(0))  # type: ignore[arg-type]

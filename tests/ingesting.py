"""Ingest as the tests of layouts call it: small films and csv tables, a manifest that lies apart from its films, and what it says."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from hilum.core.engine import Local
from hilum.sources.layout import IngestOptions
from hilum.stages.ingest import Ingested, ingest


def films(root: Path, *names: str) -> Path:
    """Write small films of these names; no two alike."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = sum(map(ord, str(path)))
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20), np.uint8)).save(path)
    return root


def facts(done: Ingested, *columns: str) -> dict[str, tuple[str, ...]]:
    """image_id -> values of columns, attributes too."""
    return {f.image_id: tuple(f.value(c) for c in columns) for f in done.manifest.films}


def left_out(done: Ingested) -> dict[str, str]:
    """Path -> reason."""
    return {e.path: e.reason for e in done.exclusions}


def write_csv(path: Path, *rows: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows(rows)
    return path


def run(tmp_path: Path, *sources: object, **options: object) -> Ingested:
    """Ingest in this process; the options are those of `IngestOptions`."""
    return ingest([str(s) for s in sources], tmp_path / "out" / "m.csv", IngestOptions(**options), Local(0))  # type: ignore[arg-type]

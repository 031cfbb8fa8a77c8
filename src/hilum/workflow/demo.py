"""The demo's films: drawn by hilum, from a seed, and ingested like any others. Every page made from them says "synthetic"."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hilum.artifacts.manifest import Manifest
from hilum.core.progress import say

N_FILMS = 800
SIZE_PX = 256
SEED = 1


def make_demo_manifest(workspace: Path) -> Path:
    """Draw the films and make their manifest, unless they are there; returns the manifest's path."""
    folder = workspace / "synthetic-films"
    path = workspace / "manifest.csv"
    if path.exists():
        return path
    from hilum.stages.ingest import ingest
    from hilum.synthetic.phantom import make_films

    say(f"drawing {N_FILMS} synthetic films in {folder}")
    table = make_films(folder, N_FILMS, SEED, SIZE_PX)
    made = ingest([f"synthetic={table}"], path)
    header = replace(made.manifest.header, options={**made.manifest.header.options, "synthetic": True})
    Manifest(made.manifest.films, header).write(path)
    return path

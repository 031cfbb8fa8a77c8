"""Films that hilum draws, as a manifest like any other; every page made from them says that they are synthetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hilum.artifacts.manifest import Manifest
from hilum.core.errors import InputError
from hilum.core.mirror import mirror_of
from hilum.core.progress import say
from hilum.stages.ingest import ingest
from hilum.synthetic.phantom import make_films


def phantom_manifest(folder: Path, n_films: int, size_px: int) -> Path:
    """Draw films from a seed into a folder beneath, and ingest them, unless that is done; returns the manifest.

    Args:
        folder: That gets ``synthetic-films`` and ``manifest.csv``.
        n_films: Number of films.
        size_px: Side of a film.

    Raises:
        InputError: The folder is the mirror of an address.
    """
    mirror = mirror_of(folder)
    if mirror is not None:
        raise InputError(
            f"the demo draws its films into the workspace, and {mirror[0].url} is an address; run it in a folder, or give --manifest"
        )
    films, path = folder / "synthetic-films", folder / "manifest.csv"
    if path.exists():
        return path
    say(f"drawing {n_films} synthetic films in {films}")
    made = ingest([f"synthetic={make_films(films, n_films, seed=1, size_px=size_px)}"], path).manifest
    header = replace(made.header, options={**made.header.options, "synthetic": True})
    Manifest(made.films, header).write(path)
    return path

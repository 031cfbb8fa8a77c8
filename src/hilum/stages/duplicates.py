"""Manifest -> duplicates: exact copies by digest, near copies by pixels (`hilum.imaging.duplicates` says what counts as one).

Of films with equal pixels only the first by image_id is decoded. The answer depends on the films only, not on the number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.duplicates import Copy, Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import SHORT
from hilum.core.engine import Engine
from hilum.core.errors import FilmError
from hilum.core.progress import progress
from hilum.imaging.as_ingested import film_as_ingested, refuse
from hilum.imaging.duplicates import CORRELATION, DETAIL, SKETCH_PX, Proposals, align, propose, sketch

_CHUNK_FILMS = 64
_CHUNK_PAIRS = 1024
_ALONE_BELOW = 256  # films; a process takes longer to begin than so few take to read


def find_duplicates(manifest: Manifest, engine: Engine) -> Duplicates:
    """Look for copies among all films of a manifest, read and compared on an engine.

    Raises:
        InputError: Films that cannot be read, all of them named.
    """
    pairs, kept = _exact(manifest)
    sketches = _sketches(kept, engine)
    proposals = propose(sketches)
    pairs += _near(kept, sketches, proposals, engine)
    return _found(manifest, pairs, least_correlation=CORRELATION, least_detail=DETAIL, sketch_px=SKETCH_PX)


def known_duplicates(manifest: Manifest, engine: Engine, path: Path | None) -> Duplicates:
    """The copies that a file names; where it is not there they are looked for and, where it has a path, written."""
    if path is not None and path.is_file():
        return Duplicates.read(path)
    found = find_duplicates(manifest, engine)
    if path is not None:
        found.write(path)
    return found


def exact_duplicates(manifest: Manifest) -> Duplicates:
    """Only the copies that digests show; no film is read."""
    return _found(manifest, _exact(manifest)[0], near=False)


def _found(manifest: Manifest, pairs: list[Copy], **options: Any) -> Duplicates:
    header = Header("duplicates", inputs={"manifest": manifest.digest}, options=options)
    return Duplicates(pairs, {f.image_id: f.pixels_sha256[:SHORT] for f in manifest.films}, header)


def _exact(manifest: Manifest) -> tuple[list[Copy], list[FilmRow]]:
    """Exact pairs, and the films that are left when copies are taken out."""
    first: dict[str, FilmRow] = {}
    pairs = []
    for film in manifest.films:
        known = first.setdefault(film.pixels_sha256, film)
        if known is not film:
            same_bytes = known.sha256 == film.sha256
            pairs.append(Copy(known.image_id, film.image_id, "exact-bytes" if same_bytes else "exact-pixels"))
    return pairs, list(first.values())


def _sketches(films: Sequence[FilmRow], engine: Engine) -> NDArray[np.uint8]:
    chunks = [
        [(f.image_id, f.path, f.sha256) for f in films[k : k + _CHUNK_FILMS]]
        for k in range(0, len(films), _CHUNK_FILMS)
    ]
    out = np.zeros((len(films), SKETCH_PX, SKETCH_PX), np.uint8)
    bad: list[str] = []
    with progress("duplicates: read", len(films)) as step:
        answers = engine.map(_sketch_chunk, chunks, alone=len(films) < _ALONE_BELOW)
        for k, answer in enumerate(chain.from_iterable(answers)):
            if isinstance(answer, str):
                bad.append(f"{films[k].image_id}: {answer}")
            else:
                out[k] = answer
            step()
    refuse(bad)
    return out


def _sketch_chunk(films: Sequence[tuple[str, str, str]]) -> list[NDArray[np.uint8] | str]:
    out: list[NDArray[np.uint8] | str] = []
    for film in films:
        try:
            out.append(sketch(film_as_ingested(*film).pixels))
        except FilmError as e:
            out.append(f"{e.reason}: {e}")
    return out


_Pairs = tuple[Path, Proposals]
"""The file of all sketches, and pairs of its rows."""


def _near(
    films: Sequence[FilmRow], sketches: NDArray[np.uint8], proposals: Proposals, engine: Engine
) -> list[Copy]:
    m = len(proposals.first)
    pairs = []
    with progress("duplicates: compare", m, "pairs") as step, TemporaryDirectory() as scratch:
        path = Path(scratch) / "sketches.npy"
        np.save(path, sketches)
        parts = [slice(k, k + _CHUNK_PAIRS) for k in range(0, m, _CHUNK_PAIRS)]
        tasks = [
            (path, Proposals(proposals.first[s], proposals.second[s], proposals.start[s])) for s in parts
        ]
        answers = engine.map(_align_chunk, tasks, alone=m <= 4 * _CHUNK_PAIRS)
        for (_, asked), copies in zip(tasks, answers, strict=True):
            for row, correlation, detail in copies:
                a, b = films[asked.first[row]].image_id, films[asked.second[row]].image_id
                pairs.append(Copy(a, b, "near", round(correlation, 4), round(detail, 4)))
            step(len(asked.first))
    return pairs


def _align_chunk(task: _Pairs) -> list[tuple[int, float, float]]:
    """The pairs that are copies: which of them, and the two correlations."""
    path, asked = task
    used, where = np.unique(np.concatenate([asked.first, asked.second]), return_inverse=True)
    m = len(asked.first)
    sketches = np.load(path, mmap_mode="r")[used]  # only those that the pairs need
    found = align(sketches, Proposals(where[:m], where[m:], asked.start))
    rows = np.flatnonzero((found.correlation >= CORRELATION) & (found.detail >= DETAIL))
    return list(
        zip(rows.tolist(), found.correlation[rows].tolist(), found.detail[rows].tolist(), strict=True)
    )

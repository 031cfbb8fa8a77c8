"""Manifest -> duplicates: exact copies by digest, near copies by pixels (`hilum.imaging.duplicates` says what counts as one).

Of films with equal pixels only the first by image_id is decoded. The answer depends on the films only, not on the number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.duplicates import RULES, Copy, Duplicates
from hilum.artifacts.film_rows import Films
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import SHORT
from hilum.core.engine import Engine
from hilum.core.errors import FilmError
from hilum.core.files import scratch_folder, writing
from hilum.core.kept_processes import kept_processes
from hilum.core.mirror import at_hand
from hilum.core.progress import progress
from hilum.imaging.as_ingested import film_as_ingested, refuse
from hilum.imaging.copy_views import (
    VIEWS,
    WINDOWS,
    Projection,
    Proposals,
    best_of_each,
    learn,
    nearest,
    read_index,
    windows_index,
    write_index,
)  # fmt: skip
from hilum.imaging.duplicates import CORRELATION, DETAIL, SKETCH_PX, align, sketch

_CHUNK_FILMS = 64
_CHUNK_PAIRS = 512
_KEPT = 8  # films that each is compared with
_HERE_BELOW = 256  # films; a process takes longer to begin than so few take to read


@kept_processes()
def find_duplicates(manifest: Manifest, engine: Engine, shared: Path | None = None) -> Duplicates:
    """Look for copies among all films of a manifest, read and compared on an engine.

    Args:
        manifest: The films.
        engine: Where they are read and compared.
        shared: A folder that is there where tasks run, for files that they share; None for tasks on this machine.

    Raises:
        InputError: Films that cannot be read, all of them named.
    """
    pairs, kept = _exact(manifest)
    sketches = _sketches(kept, engine)
    pairs += near_copies([f.image_id for f in kept], sketches, engine, shared)
    rules = {"least_correlation": CORRELATION, "least_detail": DETAIL, "sketch_px": SKETCH_PX, "rules": RULES}
    return _found(manifest, pairs, **rules)


def near_copies(
    names: Sequence[str], sketches: NDArray[np.uint8], engine: Engine, shared: Path | None = None
) -> list[Copy]:
    """Near copies among sketches (n, 64, 64) of films with these names in order: what each may be a copy of, then what it is."""
    n = len(sketches)
    if n < 2:
        return []
    with ExitStack() as held:
        here = Path(held.enter_context(TemporaryDirectory()))
        folder = held.enter_context(scratch_folder(shared, "copies")) if shared else here
        projection = learn(sketches)
        projection.write(folder / _PROJECTION)
        with writing(folder / _SKETCHES) as part, part.open("wb") as file:
            np.save(file, sketches)
        shape = (n, len(WINDOWS), projection.axes.shape[1])
        windows = np.lib.format.open_memmap(here / _WINDOWS, "w+", np.float16, shape)
        parts = [(folder, k, min(k + _CHUNK_FILMS, n)) for k in range(0, n, _CHUNK_FILMS)]
        with progress("duplicates: describe", n) as step:
            answers = engine.map(_describe_chunk, parts, here=n < _HERE_BELOW)
            for (_, top, end), of_part in zip(parts, answers, strict=True):
                windows[top:end] = of_part
                step(end - top)
        write_index(windows_index(windows), folder / _INDEX)
        found = []
        with progress("duplicates: propose", n) as step:
            proposals = engine.map(_propose_chunk, parts, here=n < _HERE_BELOW)
            for (_, top, end), proposed in zip(parts, proposals, strict=True):
                found.append(proposed)
                step(end - top)
        return _near(names, folder, best_of_each(found), engine)


def known_duplicates(
    manifest: Manifest, engine: Engine, path: Path | None, shared: Path | None = None
) -> Duplicates:
    """The copies that a file names; where it is not there they are looked for (`find_duplicates`) and, where it has a path, written."""
    if path is not None and path.is_file():
        return Duplicates.read(path)
    found = find_duplicates(manifest, engine, shared)
    if path is not None:
        found.write(path)
    return found


def exact_duplicates(manifest: Manifest) -> Duplicates:
    """Only the copies that digests show; no film is read."""
    return _found(manifest, _exact(manifest)[0], near=False)


def _found(manifest: Manifest, pairs: list[Copy], **options: Any) -> Duplicates:
    header = Header("duplicates", inputs={"manifest": manifest.digest}, options=options)
    pixels = zip(manifest.films.ids, manifest.texts("pixels_sha256"), strict=True)
    return Duplicates(pairs, {i: sha[:SHORT] for i, sha in pixels}, header)


def _exact(manifest: Manifest) -> tuple[list[Copy], Films]:
    """Exact pairs, and the films that are left when copies are taken out."""
    ids, bytes_of, first = manifest.films.ids, manifest.texts("sha256"), dict[str, int]()
    pairs = []
    for k, pixels in enumerate(manifest.texts("pixels_sha256")):
        known = first.setdefault(pixels, k)
        if known != k:
            same_bytes = bytes_of[known] == bytes_of[k]
            pairs.append(Copy(ids[known], ids[k], "exact-bytes" if same_bytes else "exact-pixels"))
    return pairs, manifest.films.take(list(first.values()))


def _sketches(films: Sequence[FilmRow], engine: Engine) -> NDArray[np.uint8]:
    chunks = [
        [(f.image_id, f.path, f.sha256) for f in films[k : k + _CHUNK_FILMS]]
        for k in range(0, len(films), _CHUNK_FILMS)
    ]
    out = np.zeros((len(films), SKETCH_PX, SKETCH_PX), np.uint8)
    bad: list[str] = []
    with progress("duplicates: read", len(films)) as step:
        answers = engine.map(_sketch_chunk, chunks, here=len(films) < _HERE_BELOW)
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


# a search's scratch folder: what its tasks share, and descriptions of windows until their index is made
_SKETCHES, _PROJECTION, _WINDOWS, _INDEX = "sketches.npy", "projection.npz", "windows.npy", "windows.index"

_Rows = tuple[Path, int, int]
"""A search's folder, and films from one row to another."""


def _some(folder: Path, rows: Any) -> NDArray[np.uint8]:
    sketches: NDArray[np.uint8] = np.load(at_hand(folder / _SKETCHES), mmap_mode="r")[rows]
    return sketches


def _describe_chunk(task: _Rows) -> NDArray[np.float16]:
    folder, top, end = task
    described = Projection.read(at_hand(folder / _PROJECTION))(_some(folder, slice(top, end)), WINDOWS)
    return described.astype(np.float16)


def _propose_chunk(task: _Rows) -> Proposals:
    folder, top, end = task
    views = Projection.read(at_hand(folder / _PROJECTION))(_some(folder, slice(top, end)), VIEWS)
    return nearest(read_index(at_hand(folder / _INDEX)), views, top, _KEPT)


def _near(names: Sequence[str], folder: Path, proposals: Proposals, engine: Engine) -> list[Copy]:
    m = len(proposals.first)
    pairs = []
    with progress("duplicates: compare", m, "pairs") as step:
        tasks = [(folder, proposals.part(slice(k, k + _CHUNK_PAIRS))) for k in range(0, m, _CHUNK_PAIRS)]
        answers = engine.map(_align_chunk, tasks, here=m <= 4 * _CHUNK_PAIRS)
        for (_, asked), copies in zip(tasks, answers, strict=True):
            pairs += [Copy(names[a], names[b], "near", *rest) for a, b, *rest in copies]
            step(len(asked.first))
    return pairs


def _align_chunk(task: tuple[Path, Proposals]) -> list[tuple[Any, ...]]:
    """The pairs that are copies: their rows, and what `Copy` says of them."""
    folder, asked = task
    used, where = np.unique(np.concatenate([asked.first, asked.second]), return_inverse=True)
    m = len(asked.first)
    found = align(_some(folder, used), replace(asked, first=where[:m], second=where[m:]))
    return [
        (
            int(asked.first[k]), int(asked.second[k]),
            round(float(abs(found.correlation[k])), 4), round(float(found.detail[k]), 4),
            bool(found.mirrored[k]), bool(found.correlation[k] < 0),
            round(float(found.turned_deg[k]), 1), round(float(found.scale[k]), 3), round(float(found.painted[k]), 3),
        )
        for k in np.flatnonzero(found.copies)
    ]  # fmt: skip

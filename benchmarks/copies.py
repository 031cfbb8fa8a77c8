"""How long the search for copies takes, and how it grows with the number of films.

    python benchmarks/copies.py --films 1000 15000 100000 [--workers 2] [--json FILE]

Films are sketches that look alike as chest films do (two of 200 synthetic films, each moved a little, laid over one another), so reading is
not in it; one in fifty is a turned, cropped, mirrored copy of the one before. Processor time of the processes is given too, because
seconds grow when others use the machine and processor time hardly does. Each number runs in the same process, the smallest first.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import name_machine
from numpy.typing import NDArray
from turns import Pair, rival_module

from hilum.artifacts.manifest import Manifest
from hilum.core.engine import Local
from hilum.core.seeding import generator
from hilum.imaging.copy_kernel import sample
from hilum.imaging.copy_views import affine
from hilum.imaging.duplicates import SKETCH_PX
from hilum.stages.duplicates import find_duplicates, near_copies
from hilum.synthetic.phantom import LABELS, draw
from hilum.workflow.phantoms import phantom_manifest

N_DRAWN = 200
COPIED = 50  # one film in so many is a copy


def make_sketches(n: int) -> NDArray[np.uint8]:
    """Sketches of `n` films."""
    chance = generator(5, "copies benchmark")
    drawn = [
        draw(LABELS[k % len(LABELS)], generator(5, "film", k), SKETCH_PX).pixels.astype(np.float32)
        for k in range(min(n, N_DRAWN))
    ]
    one, other, inside = (np.empty((SKETCH_PX, SKETCH_PX), np.float32) for _ in range(3))
    out = np.empty((n, SKETCH_PX, SKETCH_PX), np.uint8)
    for k in range(n):
        if k % COPIED == COPIED - 1:
            place = affine(
                chance.uniform(-10, 10), chance.uniform(0.75, 1), mirrored=bool(chance.integers(2))
            )
            sample(out[k - 1].astype(np.float32), place, one, inside)
            out[k] = one * inside
            continue
        for film in (one, other):
            moves = chance.uniform(-5, 5), chance.uniform(0.85, 1.1), *chance.uniform(-0.1, 0.1, 2)
            sample(drawn[chance.integers(len(drawn))], affine(*moves), film, inside)
        share = chance.uniform(0.3, 0.7)
        out[k] = one * share + other * (1 - share)
    return out


def cpu_seconds() -> float:
    """Processor time of this process and of those that it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def measure(n: int, workers: int) -> dict[str, Any]:
    """Search among `n` films."""
    sketches = make_sketches(n)
    names = [f"{k:06d}" for k in range(n)]
    began, cpu = time.perf_counter(), cpu_seconds()
    pairs = {(p.first, p.second) for p in near_copies(names, sketches, Local(workers))}
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    planted = {(names[k - 1], names[k]) for k in range(COPIED - 1, n, COPIED)}
    return {
        "films": n, "workers": workers, "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1),
        "cpu_ms_a_film": round(cpu / n * 1e3, 2), "planted": len(planted), "found": len(planted & pairs),
        "other_pairs": len(pairs - planted),
        "peak_mib": round(max(resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024),
    }  # fmt: skip


def pairs(films: int) -> Iterator[Pair]:
    """Copies among phantoms, from their files: hilum beside imagededup's perceptual hash. https://idealo.github.io/imagededup/methods/hashing"""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        manifest = Manifest.read(phantom_manifest(root, films, 256))
        every = root / "every"
        every.mkdir()
        for k, film in enumerate(manifest.films):
            (every / f"{k}.png").symlink_to(Path(film.path).resolve())
        module, why = rival_module("imagededup.methods")

        def theirs() -> None:
            assert module is not None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module.PHash(verbose=False).find_duplicates(image_dir=str(every), max_distance_threshold=10)

        def ours() -> None:
            find_duplicates(manifest, Local())

        words = "hilum: copies mirrored, turned and cropped too, confirmed on aligned pixels; imagededup: one hash a film, none of these"
        name, rival = f"copies among {films} films", "imagededup, PHash"
        yield Pair(name, rival, ours, theirs if module else None, words, 3, why=why)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, nargs="+", default=[1000, 15000, 100000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    print(name_machine())
    rows = []
    for n in a.films:
        rows.append(measure(n, a.workers))
        print(json.dumps(rows[-1]), flush=True)
    if a.json:
        a.json.write_text(json.dumps({"machine": name_machine(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()

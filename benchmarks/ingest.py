"""How fast `hilum ingest` is, and whether its memory grows with the number of films.

    python benchmarks/ingest.py [--films 2000 15000] [--workers N] [--json FILE]

Makes N grey PNG films of 299 x 299 px (noise over a smooth field, so that they compress as films do) and
ingests them, each number in a process of its own. Memory of it and its workers is read five times a second:
"anonymous" is what belongs to these processes alone, so that shared libraries do not count once a worker.
Processor time is given too, because films/s fall when others use the machine (see load_before) and processor
time does not.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from hilum.core.seeding import generator

SIDE_PX = 299
CLASSES = ("covid", "normal")


def make_film(path: str, number: int) -> None:
    """A film of its own: a smooth field with some noise, as grey PNG."""
    rng = generator(1, "benchmark", number)
    field = np.asarray(
        Image.fromarray(rng.integers(0, 256, (9, 9), np.uint8)).resize((SIDE_PX, SIDE_PX)), float
    )
    film = np.clip(field + rng.normal(0, 2, field.shape), 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(film).save(out, "png")
    Path(path).write_bytes(out.getvalue())


def make_films(folder: Path, first: int, last: int) -> int:
    """Films number `first` to `last`, classes in turn; returns their bytes."""
    for label in CLASSES:
        (folder / label).mkdir(parents=True, exist_ok=True)
    paths = [str(folder / CLASSES[k % len(CLASSES)] / f"{k}.png") for k in range(first, last)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(make_film, paths, range(first, last), chunksize=64))
    return sum(Path(p).stat().st_size for p in paths)


def ingest_here(folder: Path, out: Path, workers: int | None) -> None:
    """What the measured process does."""
    from hilum.core.engine import Local
    from hilum.core.progress import set_quiet
    from hilum.sources.layout import IngestOptions
    from hilum.stages.ingest import ingest

    set_quiet(True)
    start = time.perf_counter()
    done = ingest(
        [f"bench={folder}"], out, IngestOptions(["bench"]), engine=None if workers is None else Local(workers)
    )
    print(json.dumps({"films": len(done.manifest), "seconds": time.perf_counter() - start}))


def measure(folder: Path, out: Path, workers: int | None) -> dict[str, float]:
    """Ingest in a new process; seconds, films and peak memory."""
    command = [sys.executable, __file__, "--child", str(folder), str(out)]
    if workers is not None:
        command += ["--workers", str(workers)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peaks = {"rss": 0, "anonymous": 0}
    stop = threading.Event()

    def watch() -> None:
        root = psutil.Process(child.pid)
        while not stop.wait(0.2):
            rss = anonymous = 0
            try:
                for p in (root, *root.children(recursive=True)):
                    memory = p.memory_full_info()
                    rss += memory.rss
                    anonymous += memory.uss
            except psutil.Error:
                continue
            peaks["rss"], peaks["anonymous"] = max(peaks["rss"], rss), max(peaks["anonymous"], anonymous)

    watcher = threading.Thread(target=watch)
    watcher.start()
    printed, _ = child.communicate()
    stop.set()
    watcher.join()
    if child.returncode:
        raise SystemExit(f"ingest ended with {child.returncode}")
    result = json.loads(printed)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "films": result["films"],
        "seconds": round(result["seconds"], 2),
        "films_per_s": round(result["films"] / result["seconds"], 1),
        "processor_ms_per_film": round(1000 * processor_s / result["films"], 2),
        "peak_rss_mib": round(peaks["rss"] / 2**20, 1),
        "peak_anonymous_mib": round(peaks["anonymous"] / 2**20, 1),
    }


def machine() -> dict[str, object]:
    """What the numbers were taken on."""
    models = [
        x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x
    ]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def main() -> None:
    """Measure each size, print a table, write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, nargs="+", default=[2_000, 15_000])
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--child", type=Path, nargs=2, default=None, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        ingest_here(args.child[0], args.child[1], args.workers)
        return
    report: dict[str, object] = {"machine": machine(), "film": f"grey PNG {SIDE_PX} x {SIDE_PX}", "runs": []}
    print(json.dumps(report["machine"]))
    head = ("films", "seconds", "films/s", "processor ms/film", "peak RSS MiB", "anonymous MiB", "KiB a film")
    print("  ".join(head))
    runs = []
    with tempfile.TemporaryDirectory() as temporary:
        folder, have, size = Path(temporary) / "films", 0, 0
        for n in sorted(args.films):
            size += make_films(folder, have, n)
            have = n
            run = measure(folder, Path(temporary) / "manifest.csv", args.workers)
            runs.append(run)
            cells = [*run.values(), round(size / n / 1024, 1)]
            print("  ".join(str(x).rjust(len(h)) for x, h in zip(cells, head, strict=True)), flush=True)
    report["runs"] = runs
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

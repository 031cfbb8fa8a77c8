"""Preparation on one core: from a film's file to the prepared pixels, hilum beside Augmentor.

    python benchmarks/preparation.py [--pipeline crop] [--films 40] [--rounds 5] [--json FILE]

Three kinds of files, written to a temporary folder: 299 px grey PNG (the Radiography Database's own form),
224 px grey JPEG and 224 px RGB JPEG. The films are those under HILUM_FILMS if it is set (JPEG of that size
and mode as they are, the rest resized), else synthetic ones.

hilum decodes, draws and applies. Augmentor runs its own `_execute`, which opens the file, draws, applies
and, in the column "saved", writes the result as the published procedure does. hilum takes the published
gate here, so that both crop as many films. A film's digest, on which hilum's draws hang, is in the manifest
by then and not part of the time. The three take turns, round by round: films/s are those of each one's best
round, a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from turns import Pair, rival_module

from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import PRESETS, preset
from hilum.core.digests import pixels_sha256
from hilum.imaging.decode import decode_file

KINDS = {
    "png-299-grey": ("PNG", 299, "L"),
    "jpeg-224-grey": ("JPEG", 224, "L"),
    "jpeg-224-rgb": ("JPEG", 224, "RGB"),
}
TARGETS = {"png-299-grey": (1.5, 4.0), "jpeg-224-grey": (2.0, 2.0), "jpeg-224-rgb": (2.0, 2.0)}
"""Kind -> how many times Augmentor's speed is asked for: without its save, with it."""


def synthetic(index: int) -> NDArray[np.uint8]:
    """A chest-like film with ribs and sensor grain, 512 px, that compresses about as a real one does."""
    rng = np.random.default_rng(index)
    y, x = np.mgrid[0:1:512j, 0:1:512j]
    tilt = rng.normal(0, 0.05)
    lungs = np.zeros_like(x)
    for centre in (0.3, 0.7):
        lungs += np.exp(-(((x + tilt * y - centre) / 0.14) ** 2) - ((y - rng.normal(0.5, 0.02)) / 0.3) ** 2)
    film = 190 - 140 * lungs + 12 * np.sin(45 * (y + 0.3 * np.abs(x - 0.5))) + rng.normal(0, 4, x.shape)
    return np.clip(film, 0, 255).astype(np.uint8)


def write_films(folder: Path, kind: str, n_films: int) -> list[Path]:
    """Write films of one kind and return their paths."""
    format_, size_px, mode = KINDS[kind]
    folder.mkdir(parents=True)
    root = os.environ.get("HILUM_FILMS")
    sources: list[Path] = []
    if root:
        found = sorted(p for p in Path(root).rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
        for path in found[:: max(len(found) // (20 * n_films), 1)]:
            with Image.open(path) as image:
                as_is = (image.format, image.size, image.mode) == ("JPEG", (size_px, size_px), mode)
                if as_is or (format_ == "PNG" and image.mode == "L" and image.width >= 224):
                    sources.append(path)
            if len(sources) == n_films:
                break
        if len(sources) < n_films:
            sys.exit(f"HILUM_FILMS={root}: only {len(sources)} films serve as {kind}; {n_films} are needed")
    paths = []
    for i in range(n_films):
        path = folder / f"film-{i}.{format_.lower()}"
        if sources and format_ == "JPEG":
            path.write_bytes(sources[i].read_bytes())
        else:
            image = Image.open(sources[i]) if sources else Image.fromarray(synthetic(i))
            image.resize((size_px, size_px), Image.Resampling.LANCZOS).convert(mode).save(path, quality=90)
        paths.append(path)
    return paths


def augmentor(pipeline: Pipeline, folder: Path, saved: bool) -> Callable[[], None]:
    """Augmentor's pipeline over a folder, one film after another on this thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import Augmentor
    theirs = Augmentor.Pipeline()
    with contextlib.redirect_stdout(io.StringIO()):
        theirs.add_further_directory(str(folder), str(folder.parent / f"{folder.name}-out"))
    for step in pipeline.to_dict()["steps"]:
        options = {k: v for k, v in step.items() if k not in ("op", "parts", "resample_filter")}
        if step["op"] == "resize":
            options = {"probability": 1, "width": step["width_px"], "height": step["height_px"]}
        getattr(theirs, step["op"])(**options)

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for image in theirs.augmentor_images:
                theirs._execute(image, save_to_disk=saved)

    return run


def hilum(pipeline: Pipeline, paths: list[Path]) -> Callable[[], None]:
    """hilum's pipeline over the same files."""
    digests = {path: pixels_sha256(decode_file(path).pixels) for path in paths}
    copy = 0

    def run() -> None:
        nonlocal copy
        copy += 1  # so that each round draws anew, as Augmentor does
        for path in paths:
            film = decode_file(path).pixels
            pipeline.apply(film, pipeline.draw(1, digests[path], copy, "train", *film.shape))

    return run


def pairs(n_films: int, kinds: Sequence[str] = ("png-299-grey", "jpeg-224-grey")) -> Iterator[Pair]:
    """The pipeline ``crop`` on one core, from file to pixels, beside Augmentor with its save."""
    pipeline = preset("crop", gate="augmentor")
    module, why = rival_module("Augmentor")
    with tempfile.TemporaryDirectory() as temporary:
        for kind in kinds:
            paths = write_films(Path(temporary) / kind, kind, n_films)
            for saved in (False, True):
                theirs = augmentor(pipeline, paths[0].parent, saved) if module else None
                name = f"preparation of {n_films} films, {kind}{', saved' if saved else ''}"
                rival = f"Augmentor{' with its save' if saved else ''}"
                written = "Augmentor writes the film, hilum keeps the pixels" if saved else "neither writes"
                differs = f"both decode, draw and crop, in one thread; {written}"
                yield Pair(name, rival, hilum(pipeline, paths), theirs, differs, 5, why=why)


def seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pipeline", choices=PRESETS, default="crop")
    parser.add_argument("--films", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    pipeline = preset(args.pipeline, gate="augmentor")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    machine = f"{processor()}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    films = "real films" if os.environ.get("HILUM_FILMS") else "synthetic films"
    print(
        f"preparation, one core, pipeline {args.pipeline}, {args.films} {films} a kind, {args.rounds} rounds"
    )
    print(machine)
    print("films/s".ljust(14) + "     hilum  Augmentor   saved |  ratio  asked   saved  asked")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for kind in KINDS:
            paths = write_films(Path(temporary) / kind, kind, args.films)
            runs = {
                "hilum": hilum(pipeline, paths),
                "augmentor": augmentor(pipeline, paths[0].parent, saved=False),
                "augmentor_saved": augmentor(pipeline, paths[0].parent, saved=True),
            }
            for run in runs.values():  # compile, open, warm up
                run()
            rounds = [{name: seconds(run) for name, run in runs.items()} for _ in range(args.rounds)]
            rate = {name: args.films / min(r[name] for r in rounds) for name in runs}
            ratio = statistics.median(r["augmentor"] / r["hilum"] for r in rounds)
            ratio_saved = statistics.median(r["augmentor_saved"] / r["hilum"] for r in rounds)
            asked, asked_saved = TARGETS[kind]
            rows.append(
                {
                    "kind": kind,
                    "films_per_s": {name: round(value, 1) for name, value in rate.items()},
                    "ratio": round(ratio, 2),
                    "ratio_saved": round(ratio_saved, 2),
                    "asked": asked,
                    "asked_saved": asked_saved,
                    "seconds": rounds,
                }
            )
            speeds = f"{rate['hilum']:10.0f}{rate['augmentor']:11.0f}{rate['augmentor_saved']:8.0f}"
            ratios = f"{ratio:7.2f}{asked:7.1f}{ratio_saved:8.2f}{asked_saved:7.1f}"
            print(f"{kind:14}{speeds} |{ratios}", flush=True)
    if args.json:
        result = {
            "benchmark": "preparation",
            "machine": machine,
            "pipeline": args.pipeline,
            "films": films,
            "n_films": args.films,
            "rounds": args.rounds,
            "kinds": rows,
        }
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

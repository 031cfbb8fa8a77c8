"""How many films pass until a bundle's watch raises an alarm, by what changed, and how often it does where nothing changed.

    python benchmarks/watching.py BUNDLE [--own FOLDER... --child FOLDER... --hospital FOLDER...] [--films N] [--streams N] [--json FILE]

Without --own films are synthetic. With it they are those that are named, none of which the bundle or its reference may know; --child
names films of children, --hospital films of another hospital. The reference is the bundle's own (``hilum drift BUNDLE
--make-reference``). Films are read by the bundle as a service reads them, once each. A stream begins with a window of films like the
reference's; then all of them, or three in ten, are changed ones, drawn with replacement: inverted, with the grain of another device, of
children, of another hospital (synthetic: darker, harder, with a grey frame; once more at the size of the films before).

A row a change: films after the change until the first alarm, in the middle and at worst of the streams (a look every 25 films), streams
without an alarm within 400 films, and what was furthest above its threshold then, most often. The row ``none`` is of 50 windows a stream,
each stream all films like the reference's in an order of its own, none twice: a pool that is drawn from again and again would be a drift of
its own.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import name_machine
from numpy.typing import NDArray
from PIL import Image

from hilum.augment.pipeline import Pipeline
from hilum.core.errors import FilmError
from hilum.core.seeding import generator
from hilum.imaging.decode import decode
from hilum.inference.opened import Opened, prepare
from hilum.inference.reader import Reader
from hilum.monitor.drift import STEP, WINDOW, Checker, Window
from hilum.monitor.reference import Reference
from hilum.monitor.seen import Seen, seen_of
from hilum.sources.named_films import named_films
from hilum.stats.windows import WINDOWS
from hilum.synthetic.confounders import Confounder
from hilum.synthetic.phantom import SHARES, draw

SEED, MOST_AFTER = 20_261_127, 400
FILMS = WINDOW + STEP * (WINDOWS - 1)
"""Of a stream of `WINDOWS` windows."""
Film = NDArray[np.uint8]


def synthetic(n: int, side_px: int, child: bool | None = None) -> list[Film]:
    """Films of new patients, in the shares of the demo; of children alone where asked."""
    rng, films, k = generator(SEED, "labels", str(child)), list[Film](), 0
    labels, shares = zip(*SHARES.items(), strict=True)
    while len(films) < n:
        k += 1
        made = draw(str(rng.choice(labels, p=shares)), generator(SEED, "film", k), side_px)
        if child is None or (made.facts["age_group"] == "child") == child:
            films.append(made.pixels)
    return films


def decoded(folders: Sequence[Path], most: int) -> list[Film]:
    """Films of folders, evenly chosen."""
    rows = named_films(folders).rows
    found = []
    for k in range(min(most, len(rows))):
        path = Path(rows[k * len(rows) // min(most, len(rows))].path)
        try:
            found.append(decode(path.read_bytes()).pixels)
        except FilmError:
            continue
    return found


def elsewhere(film: Film, rng: np.random.Generator) -> Film:
    """A film as another hospital exposes and stores it."""
    harder = 255 * (film / 255.0) ** 1.5
    return Confounder("border", 1).planted(harder.astype(np.uint8), rng)


def _as_large(film: Film, shape: tuple[int, ...]) -> Film:
    """A film at another film's size, so that its size does not tell where it comes from."""
    return np.asarray(Image.fromarray(film).resize(shape[::-1], Image.Resampling.LANCZOS))


def read(reader: Reader, films: Sequence[Film]) -> list[Seen]:
    """Films as the watch sees them."""
    seen, batch, pipeline = [], reader.bundle.batch, reader.predictor.pipeline
    for start in range(0, len(films), batch):
        opened = [
            Opened("", prepared=_prepared(f, pipeline), size_px=f.shape) for f in films[start : start + batch]
        ]
        seen += [s for r in reader.answers(opened) if (s := seen_of(r)) is not None]
    return seen


def _prepared(film: Film, pipeline: Pipeline) -> Film:
    made = prepare(film, pipeline)
    if isinstance(made, str):
        raise SystemExit(made)
    return made


def until_alarm(
    checker: Checker, own: Sequence[Seen], changed: Sequence[Seen], share: float, rng: np.random.Generator
) -> tuple[int | None, str]:
    """Films after the change until the first alarm, None for none; and the statistic that was furthest above its threshold."""
    stream = [own[k] for k in rng.integers(0, len(own), WINDOW)]
    for after in range(STEP, MOST_AFTER + 1, STEP):
        for _ in range(STEP):
            pool = changed if rng.random() < share else own
            stream.append(pool[int(rng.integers(0, len(pool)))])
        alarms = [c for c in checker.checks(Window.of(stream[-WINDOW:])) if c.alarm]
        if alarms:
            first = max(alarms, key=lambda c: c.value / c.threshold)
            return after, f"{first.statistic} ({first.method})"
    return None, ""


def false_alarms(checker: Checker, own: Sequence[Seen], rng: np.random.Generator) -> list[list[str]]:
    """Statistics above their thresholds in each of `WINDOWS` windows of a stream in which nothing changes, a look every `STEP` films."""
    stream = [own[k] for k in rng.permutation(len(own))[:FILMS]]
    starts = range(0, len(stream) - WINDOW + 1, STEP)
    windows = (checker.checks(Window.of(stream[s : s + WINDOW])) for s in starts)
    return [[f"{c.statistic} ({c.method})" for c in checks if c.alarm] for checks in windows]


def rows_of(
    checker: Checker, own: Sequence[Seen], changes: dict[str, list[Seen]], streams: int
) -> list[dict[str, Any]]:
    """A row for none, and two a change."""
    of_none = [false_alarms(checker, own, generator(SEED, "none", s)) for s in range(streams)]
    names = Counter(word for stream in of_none for window in stream for word in window)
    rows: list[dict[str, Any]] = [
        {"change": "none", "share": 0, "films_read": len(own), "streams": streams, "windows": sum(map(len, of_none)),
         "windows_with_alarm": sum(bool(w) for stream in of_none for w in stream),
         "streams_with_alarm": sum(any(stream) for stream in of_none), "alarmed": dict(names)}
    ]  # fmt: skip
    print(rows[0], flush=True)
    for name, seen in changes.items():
        for share in (1.0, 0.3):
            found = [until_alarm(checker, own, seen, share, generator(SEED, name, s)) for s in range(streams)]
            films = sorted(n for n, _ in found if n is not None)
            first = Counter(word for n, word in found if n is not None).most_common(1)
            rows.append(
                {"change": name, "share": share, "films_read": len(seen), "streams": streams, "missed": streams - len(films),
                 "median": float(np.median(films)) if films else None, "worst": films[-1] if films else None,
                 "first": first[0][0] if first else ""}
            )  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    for name in ("--own", "--child", "--hospital"):
        parser.add_argument(name, type=Path, nargs="*", default=[])
    parser.add_argument("--films", type=int, default=FILMS, help="like the reference's")
    parser.add_argument("--changed", type=int, default=120, help="of each change")
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--side-px", type=int, default=256)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    reference = Reference.of_bundle(args.bundle)
    if reference is None:
        raise SystemExit(
            f"{args.bundle} has no reference; make one: hilum drift {args.bundle} --make-reference"
        )
    reader, checker = Reader(args.bundle, "torch"), Checker(reference)
    own = decoded(args.own, args.films) if args.own else synthetic(args.films, args.side_px)
    some = [own[k * len(own) // args.changed] for k in range(args.changed)]
    grain: Callable[[Film, np.random.Generator], Film] = Confounder("grain", 1).planted
    hospital = (
        decoded(args.hospital, args.changed)
        if args.own
        else [elsewhere(f, generator(SEED, "elsewhere", k)) for k, f in enumerate(some)]
    )
    changed = {
        "inverted": [255 - f for f in some],
        "children": decoded(args.child, args.changed)
        if args.own
        else synthetic(args.changed, args.side_px, child=True),
        "another hospital": hospital,
        "a new device's grain": [grain(f, generator(SEED, "grain", k)) for k, f in enumerate(some)],
    }
    if args.own:
        changed["another hospital, stored as large"] = [_as_large(f, some[0].shape) for f in hospital]
    seen = {name: read(reader, films) for name, films in changed.items() if films}
    rows = rows_of(checker, read(reader, own), seen, args.streams)
    if args.json:
        facts = {
            "machine": name_machine(), "backbone": reader.bundle.backbone, "reference_films": len(reference),
            "reference_scored": int(reference.held_out.sum()), "window": WINDOW, "step": STEP,
            "films": "real" if args.own else "synthetic", "statistics": checker.n_statistics,
        }  # fmt: skip
        args.json.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""All of it in one run: each job of hilum beside its rivals, in turns, as one table of ratios; and whether any fell behind stored ones.

    python benchmarks/bench.py [--only TEXT ...] [--json FILE] [--markdown FILE]      # make bench
    python benchmarks/bench.py --compare                                              # make bench-compare

Sizes are for ten minutes on two cores. A ratio is the rival's seconds over hilum's, the median of turns; above 1 hilum is faster. Films are
phantoms. A rival that is not installed is named with the reason (`rivals.py` installs them). With ``--compare`` a row that falls more than
a tenth behind the stored ratio of this machine is measured again, in twice the turns, before it is said; then the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cells
import comparison
import copies
import eager
import explain
import heads
import preparation
import torch
from machine import name_machine
from regressions import regressed, uncompared
from turns import Pair, measured, summary

from hilum.core.progress import set_quiet
from hilum.models.machine import describe

LIBRARIES = (
    "torch", "torchvision", "timm", "numpy", "scikit-learn", "captum", "Augmentor", "lightning", "fastai", "imagededup",
)  # fmt: skip
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Size:
    """How much each job is.

    Attributes:
        cell: Phantoms of a cold cell.
        side_px: Of its prepared films.
        features: Films of a backbone.
        head: Films of a head's training.
        epochs: Of it.
        prepared: Films that are prepared.
        copies: Films that copies are looked for among.
        map_px: Side of an explained film.
        scored: Films with figures.
        resamples: Of their intervals.
        more: Overrides of the cell's study.
    """

    cell: int = 240
    side_px: int = 244
    features: int = 32
    head: int = 2000
    epochs: int = 20
    prepared: int = 40
    copies: int = 400
    map_px: int = 244
    scored: int = 2000
    resamples: int = 300
    more: tuple[str, ...] = ()


USUAL = Size()
SMALL = Size(24, 64, 2, 16, 1, 2, 8, 64, 40, 100, ("training.epochs=1", "statistics.resamples=100"))
"""Says nothing of speed: that all of it runs."""
METHODS = ("grad-cam", "integrated-gradients", "occlusion", "lime")


def jobs(size: Size) -> Iterator[Callable[[], Iterator[Pair]]]:
    """What makes the pairs of each kind; nothing is made before it is asked for."""
    yield lambda: preparation.pairs(size.prepared)
    yield lambda: eager.pairs(size.side_px, size.features)
    yield lambda: heads.pairs(size.head, size.epochs)
    yield lambda: copies.pairs(size.copies)
    yield lambda: comparison.pairs(size.scored, size.resamples)
    yield lambda: explain.pairs("squeezenet1_0", size.map_px, METHODS)
    yield lambda: cells.pairs(size.cell, "squeezenet1_0", size.side_px, size.more)


def chosen(size: Size, only: Iterable[str]) -> Iterator[Pair]:
    """The pairs whose name has one of the texts; all where there are none."""
    wanted = list(only)
    for job in jobs(size):
        for pair in job():
            if not wanted or any(text in pair.name for text in wanted):
                yield pair


def rows(size: Size, only: Iterable[str], turns: int | None) -> list[dict[str, Any]]:
    """Measure, and say each row as it comes."""
    found = []
    for pair in chosen(size, only):
        found.append(measured(pair, turns))
        print(line(found[-1]), file=sys.stderr, flush=True)
    return found


def line(row: dict[str, Any]) -> str:
    """A row in words."""
    if "missing" in row:
        return f"{row['name']}: {row['rival']} is not here: {row['missing']}"
    return f"{row['name']}: hilum {row['hilum_s']:.3g} s, {row['rival']} {row['rival_s']:.3g} s, ratio {row['ratio']:.2f}"


def table(found: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    out = [
        "| what | hilum, s | rival | rival, s | ratio | turns from to | what differs |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in found:
        if "missing" in r:
            out.append(f"| {r['name']} | – | {r['rival']} | – | – | – | not to be had: {r['missing']} |")
            continue
        each = [theirs / ours for ours, theirs in r["turns"]]
        out.append(
            f"| {r['name']} | {r['hilum_s']:.3g} | {r['rival']} | {r['rival_s']:.3g} | {r['ratio']:.2f} | "
            f"{min(each):.2f} to {max(each):.2f} | {r['differs']} |"
        )
    return "\n".join(out)


def stored_path() -> Path:
    """Where this machine's ratios are stored: by processor and cores."""
    m = describe()
    return RESULTS / f"bench-{re.sub(r'[^a-z0-9]+', '-', str(m['cpu']).lower()).strip('-')}-{m['cores']}.json"


def again(found: list[dict[str, Any]], names: set[str], size: Size) -> list[dict[str, Any]]:
    """The rows with those of some names measured once more, in twice the turns; all turns count."""
    by_name = {r["name"]: r for r in found}
    for pair in chosen(size, names):
        if pair.name in names:
            more = measured(pair, 2 * len(by_name[pair.name]["turns"]))
            by_name[pair.name] |= summary([(a, b) for a, b in (*by_name[pair.name]["turns"], *more["turns"])])
            print("again:", line(by_name[pair.name]), file=sys.stderr, flush=True)
    return list(by_name.values())


def compare(found: list[dict[str, Any]], path: Path, size: Size) -> tuple[list[dict[str, Any]], int]:
    """The rows, those that fell behind measured again; and how many fell behind the stored ones even so."""
    if not path.is_file():
        print(f"no ratios of this machine are stored: {path}; `make bench` stores them", file=sys.stderr)
        return found, 1
    stored = json.loads(path.read_text())["rows"]
    suspected = {r.name for r in regressed(stored, found)}
    found = again(found, suspected, size) if suspected else found
    behind = regressed(stored, found)
    for r in uncompared(stored, found):
        print(f"not compared: {r.name}: {r.words}")
    for r in behind:
        print(f"BEHIND: {r.name}: {r.words}")
    print(f"{len(behind)} of {len(found)} rows fell behind the ratios of {path.name}")
    return found, len(behind)


def main() -> None:
    """Measure, print the table, store or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], help="rows whose name has one of these texts")
    parser.add_argument("--turns", type=int, help="of every pair, instead of its own number")
    parser.add_argument("--small", action="store_true", help="sizes that say nothing of speed")
    parser.add_argument("--compare", nargs="?", type=Path, const=stored_path(), help="stored ratios")
    parser.add_argument("--json", type=Path, nargs="?", const=stored_path())
    parser.add_argument("--markdown", type=Path)
    a = parser.parse_args()
    set_quiet(True)
    logging.disable(logging.WARNING)  # rivals say a line for everything that they do
    size, start, load = SMALL if a.small else USUAL, time.perf_counter(), os.getloadavg()[0]
    found, behind = rows(size, a.only, a.turns), 0
    if a.compare:
        found, behind = compare(found, a.compare, size)
    text = table(found)
    print(f"{name_machine()}; load before {load:.1f}; {time.perf_counter() - start:.0f} s\n\n{text}")
    if a.markdown:
        a.markdown.write_text(text + "\n")
    if a.json:
        value = {
            "machine": name_machine(), "load_before": round(load, 1), "threads": torch.get_num_threads(),
            "versions": {n: v for n in LIBRARIES if (v := _version(n))}, "seconds": round(time.perf_counter() - start), "rows": found,
        }  # fmt: skip
        a.json.write_text(json.dumps(value, indent=1) + "\n")
    if behind:
        sys.exit(1)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()

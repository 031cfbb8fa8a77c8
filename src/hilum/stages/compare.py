"""Compare: the cells of runs with those of the first -> ``comparisons.json``.

Convention: all comparisons of one call are one family, named ``runs against <first>``; nothing is chosen here. Films with one id are
one film, whichever run saw it, and units that share a film are one unit, so differences are paired wherever films are shared. The runs'
own files are only read. What was compared before, with the same predictions and options, is not computed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hilum.artifacts.comparisons import ComparedRuns, ComparisonRow, Pair, read_comparisons
from hilum.artifacts.header import Header, is_written_of, write_rows
from hilum.artifacts.looks import count_look
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import COMPARISONS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import RULES
from hilum.core.errors import InputError
from hilum.stats.comparison import Cells
from hilum.stats.families import run_pairs
from hilum.stats.tested_films import PART, tested_together
from hilum.study.metrics import shown_in
from hilum.study.several_findings import require_one_class


def compare_runs(
    runs: Sequence[Path],
    out: Path,
    metrics: Sequence[str] = shown_in("headline"),
    seed: int = 0,
    n_resamples: int = 2000,
) -> ComparedRuns:
    """Compare runs with the first of them.

    Args:
        runs: Folders of runs; one only where its cells differ in their faults.
        out: Folder to write into.
        metrics: Adjusted for many comparisons within each.
        seed: Of the resamples.
        n_resamples: Number of resamples.

    Raises:
        InputError: Runs of other classes; no cell has a counterpart; something is missing or malformed.
        DigestError: A folder mixes artefacts of different runs.
    """
    folders = [RunFolder(p) for p in runs]
    names = _names(folders)
    _check_classes(folders, names)
    pairs, lonely = run_pairs(folders[0], folders[1:], names)
    if not pairs:
        raise InputError(
            f"{folders[0].path}: there is nothing to compare in one run unless its cells differ in their faults; give a second run"
        )
    cells = {f"{n}/{c.name}": (f, c) for f, n in zip(folders, names, strict=True) for c in f.cells}
    used = {name: cells[name] for name in cells if any(name in (p.cell, p.reference) for p in pairs)}
    family = f"runs against {names[0]}" if len(folders) > 1 else f"faults of {names[0]}"
    header = Header(
        "comparisons",
        {n: f.results_digest() for f, n in zip(folders, names, strict=True)},
        {
            "metrics": list(metrics), "n_resamples": n_resamples, "part": PART, "family": family, "pairs": [list(p) for p in pairs],
            "rules": RULES,
        },
        seed=seed,
    )  # fmt: skip
    path = out / COMPARISONS
    if not is_written_of(path, header):
        for folder in folders:
            count_look(folder, "compare")
        write_rows(path, _rows(used, pairs, family, metrics, seed, n_resamples), header)
    return ComparedRuns(
        folders, names, {n: c for n, (_, c) in used.items()}, read_comparisons(path), lonely, header
    )


def _names(folders: Sequence[RunFolder]) -> list[str]:
    names = [f.path.resolve().name for f in folders]
    if len(set(names)) == len(names):
        return names
    return [f"{f.path.resolve().parent.parent.name}:{n}" for f, n in zip(folders, names, strict=True)]


def _check_classes(folders: Sequence[RunFolder], names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise InputError(f"expected different runs, got {', '.join(map(repr, names))}")
    first = folders[0]
    for folder, name in zip(folders, names, strict=True):
        require_one_class(folder.task, name)
        if (folder.classes, folder.positive) != (first.classes, first.positive):
            raise InputError(
                f"{name} has classes {', '.join(folder.classes)} (positive {folder.positive}), {names[0]} has {', '.join(first.classes)} "
                f"(positive {first.positive}); only runs of the same classes can be compared"
            )


def _rows(
    used: Mapping[str, tuple[RunFolder, RunCell]],
    pairs: Sequence[Pair],
    family: str,
    metrics: Sequence[str],
    seed: int,
    n_resamples: int,
) -> list[ComparisonRow]:
    scored, unit = tested_together(used)
    first = next(iter(used.values()))[0]
    cells = Cells(scored, first.classes, first.positive, metrics, unit, seed, n_resamples)
    return cells.compare(family, pairs, metrics)

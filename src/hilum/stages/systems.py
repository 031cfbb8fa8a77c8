"""Systems: all models of several runs in one table and one family of tests -> ``statistics.json`` and ``comparisons.json``.

Convention: the runs may be of different studies, with classes of their own, as long as the positive class is the same and every model had
the same films, by their pixels, in the same parts of every trial. Where that does not hold the comparison is refused: a difference would
say in part that the films differ. The reference is named, not chosen. The runs' own files are only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.header import Header, is_written_of, write_rows
from hilum.artifacts.looks import count_look
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import COMPARISONS, STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import PARTS
from hilum.artifacts.statistics import RULES, StudyRows
from hilum.artifacts.systems import ComparedSystems
from hilum.core.errors import InputError, require_known
from hilum.core.text import counted
from hilum.stats.systems import against_the_rest, system_figures, systems_compared
from hilum.stats.tested_films import PART, tested_together

Systems = Mapping[str, tuple[RunFolder, RunCell]]
SAME_FILMS = (
    "systems stand in one table only where all had the same films in the same parts: give the studies one manifest, seed, [data.subset], "
    '[split] and grid.trials, "split" in redraw_with_trial of all or of none, and where one merges labels data.strata = "label"'
)


def compare_systems(
    runs: Mapping[str, Path], reference: str, out: Path, seed: int = 0, n_resamples: int = 2000
) -> ComparedSystems:
    """Compare every model of the runs with one of them.

    Args:
        runs: What each run is called -> its folder.
        reference: The model that the others are compared with, ``run/cell``.
        out: Folder to write into.
        seed: Of the resamples.
        n_resamples: Number of resamples.

    Raises:
        InputError: There is no such model, or no other; the runs have another positive class, other trials, films or parts; something is
            missing or malformed.
        DigestError: A folder mixes artefacts of different runs.
    """
    folders = {name: RunFolder(path) for name, path in runs.items()}
    systems = {f"{name}/{cell.name}": (f, cell) for name, f in folders.items() for cell in f.cells}
    require_known(reference, systems, "no system is called", " (RUN/CELL)")
    if len(systems) < 2:
        raise InputError(f"{reference} is the only model of the runs, so there is nothing to compare it with")
    _check_alike(systems, reference)
    inputs = {name: f.results_digest() for name, f in folders.items()}
    options = {
        "reference": reference, "systems": list(systems), "n_resamples": n_resamples, "part": PART, "rules": RULES
    }  # fmt: skip
    header = Header("comparisons", inputs, options, seed=seed)
    figures = Header("statistics", inputs, options, seed=seed)
    if not (is_written_of(out / COMPARISONS, header) and is_written_of(out / STATISTICS, figures)):
        for folder in folders.values():
            count_look(folder, "compare")
        _write(systems, reference, out, header, figures)
    return ComparedSystems(
        systems, reference, StudyRows.read(out / STATISTICS), read_comparisons(out / COMPARISONS), header
    )


def _write(systems: Systems, reference: str, out: Path, header: Header, of_figures: Header) -> None:
    tested, unit = tested_together(systems)
    positive = systems[reference][0].positive
    seed, n_resamples = header.seed or 0, int(header.options["n_resamples"])
    scored = {}
    for name, (folder, cell) in systems.items():
        points = [folder.operating_point(cell, t).get("threshold") for t in folder.trials]
        points = points if all(p is not None for p in points) else [None] * len(points)
        k = folder.classes.index(positive)
        scored[name] = [against_the_rest(t, k, p) for t, p in zip(tested[name], points, strict=True)]
    rows = [
        r
        for n, trials in scored.items()
        for r in system_figures(n, trials, positive, unit, seed, n_resamples)
    ]
    StudyRows(rows).write(out / STATISTICS, of_figures)
    write_rows(
        out / COMPARISONS, systems_compared(scored, reference, positive, unit, seed, n_resamples), header
    )


def _check_alike(systems: Systems, reference: str) -> None:
    first, of_first = systems[reference]
    pixels = {f.image_id: f.pixels_sha256 for f in first.manifest.films}
    for name, (folder, cell) in systems.items():
        if (folder.positive, folder.n_trials) != (first.positive, first.n_trials):
            raise InputError(
                f"{name}: positive class {folder.positive!r} and {counted(folder.n_trials, 'trial')}, but {reference} has "
                f"{first.positive!r} and {counted(first.n_trials, 'trial')}; {SAME_FILMS}"
            )
        by_id = folder.manifest.by_id
        for trial in first.trials:
            split, other = first.split_of(of_first, trial).parts, folder.split_of(cell, trial).parts
            for part in PARTS:
                apart = set(split[part]) ^ set(other[part])
                apart |= {i for i in set(split[part]) - apart if by_id[i].pixels_sha256 != pixels[i]}
                if apart:
                    raise InputError(
                        f"{name}: the {part} films of trial {trial} differ from those of {reference} in {counted(len(apart), 'film')}, the "
                        f"first is {min(apart)!r}; {SAME_FILMS}"
                    )

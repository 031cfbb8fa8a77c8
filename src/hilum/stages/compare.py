"""Compare: the cells of runs with those of the first -> ``comparisons.json``, a table, ``compare.html``.

Convention: all comparisons of one call are one family, named ``runs against <first>``; nothing is chosen here. Films with one id are
one film, whichever run saw it, and units that share a film are one unit, so differences are paired wherever films are shared. The runs'
own files are only read. What was compared before, with the same predictions and options, is not computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from hilum.artifacts.comparisons import (
    ONE_TRIAL,
    ComparisonRow,
    Pair,
    Verdict,
    read_comparisons,
    write_comparisons,
)
from hilum.artifacts.header import Header, header_path, read_csv_header
from hilum.artifacts.statistics import RULES
from hilum.core.digests import digest
from hilum.core.errors import InputError
from hilum.core.files import write_text
from hilum.core.progress import progress
from hilum.report import style
from hilum.report.caution import Caution
from hilum.report.class_words import against
from hilum.report.comparison_tables import comparison_tables, secondary_table
from hilum.report.difference_figure import differences
from hilum.report.evaluation import MIXED_UNIT
from hilum.report.families import run_pairs
from hilum.report.flow_tables import runs_flow_table
from hilum.report.looks import count_look
from hilum.report.page import Page, Picture, Section, render
from hilum.report.resampling_unit import joined_labels, resampling_unit
from hilum.report.run_differences import differences_table, run_differences
from hilum.report.run_folder import RunCell, RunFolder
from hilum.report.table import Table
from hilum.stats.comparison import Cells
from hilum.stats.scored_films import ScoredFilms
from hilum.study.faults import FAULTS, unsafe_among

COMPARISONS = "comparisons.json"
PAGE = "compare.html"
PART = "test"
METRICS = ("sensitivity", "specificity", "pr_auc")
_GLOSSARY = (
    ("difference", "cell minus reference, of the mean over trials; above 0 the cell has the higher figure"),
    ("alone", "the interval of one difference by itself, 95 %"),
    (
        "together",
        "intervals made so that all of the family and metric hold at once in 95 of 100 studies (Bonferroni)",
    ),
    (
        "Holm",
        "p adjusted over the family and metric (Holm 1979): the chance of any false “better” or “worse” stays below .05",
    ),
    (
        "not distinguishable",
        "the adjusted test does not tell the two apart; it does not say that they are equal",
    ),
    (
        ONE_TRIAL,
        "a cell was trained once: its p and intervals know of films only, and no verdict follows",
    ),
    ("needed", "test units for .8 power if the observed difference were the true one"),
    ("unsafe", "made with a fault of the published scripts that breaks the validity of its numbers"),
)


@dataclass(frozen=True)
class Compared:
    """What a comparison gave.

    Attributes:
        rows: Of ``comparisons.json``.
        remarks: What a reader must know first: what differs, what is unsafe, what was left out.
        unsafe: Those of them that are about unsafe cells.
        tables: As written.
        page: Path of ``compare.html``.
    """

    rows: list[ComparisonRow]
    remarks: list[Caution]
    unsafe: list[str]
    tables: list[Table]
    page: Path


def compare_runs(
    runs: Sequence[Path],
    out: Path,
    metrics: Sequence[str] = METRICS,
    seed: int = 0,
    n_resamples: int = 2000,
    command: str = "",
) -> Compared:
    """Compare runs with the first of them.

    Args:
        runs: Folders of runs; one only where its cells differ in their faults.
        out: Folder to write into.
        metrics: Adjusted for many comparisons within each.
        seed: Of the resamples.
        n_resamples: Number of resamples.
        command: How it was called, for the page.

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
        {n: digest([f.run["study_digest"], f.prediction_digests(), f.weight_digests()]) for f, n in zip(folders, names, strict=True)},
        {
            "metrics": list(metrics), "n_resamples": n_resamples, "part": PART, "family": family, "pairs": [list(p) for p in pairs],
            "rules": RULES,
        },
        seed,
    )  # fmt: skip
    path = out / COMPARISONS
    if not _is_of(path, header):
        for folder in folders:
            count_look(folder, "compare")
        write_comparisons(path, _rows(used, pairs, family, metrics, seed, n_resamples), header)
    rows = read_comparisons(path)
    unsafe = _unsafe({n: c for n, (_, c) in used.items()})
    remarks = _remarks(folders, names, rows, lonely)
    chosen = "every cell with its counterpart, all in one family"
    tables = [*comparison_tables(rows, folders[0].classes, chosen=chosen), secondary_table(rows)]
    if len(folders) > 1:
        tables.append(differences_table(run_differences(folders), names))
    tables.append(runs_flow_table(folders, names))
    kept = [t for t in tables if t is not None and t.rows]
    for table in kept:
        write_text(out / "tables" / f"{table.name}.csv", table.to_csv())
        write_text(out / "tables" / f"{table.name}.tex", table.to_latex())
    page = _page(folders, names, rows, kept, remarks, unsafe, out, command, header)
    write_text(out / PAGE, render(page))
    return Compared(rows, remarks, unsafe, kept, out / PAGE)


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
        if (folder.classes, folder.positive) != (first.classes, first.positive):
            raise InputError(
                f"{name} has classes {', '.join(folder.classes)} (positive {folder.positive}), {names[0]} has {', '.join(first.classes)} "
                f"(positive {first.positive}); only runs of the same classes can be compared"
            )


def _rows(
    used: dict[str, tuple[RunFolder, RunCell]],
    pairs: Sequence[Pair],
    family: str,
    metrics: Sequence[str],
    seed: int,
    n_resamples: int,
) -> list[ComparisonRow]:
    read: list[tuple[str, ScoredFilms]] = []
    labels_of: list[tuple[Sequence[str], Sequence[str]]] = []
    units: set[str] = set()
    with progress("read", sum(f.n_trials for f, _ in used.values()), "trials") as step:
        for name, (folder, cell) in used.items():
            for trial in folder.trials:
                films = folder.predictions(cell, trial).of_part(PART)
                if not len(films):
                    where = folder.predictions_path(cell, trial)
                    raise InputError(f"{where}: no film of part {PART!r} has probabilities")
                unit = resampling_unit(films)
                units.add(unit.name)
                labels_of.append((films.image_ids, unit.labels))
                weights = folder.trained_weights(cell, trial)
                scores = ScoredFilms(
                    films.image_ids, films.y_index(), films.probabilities, unit.labels, weights
                )
                read.append((name, scores))
                step()
        scored: dict[str, list[ScoredFilms]] = {}
    for (name, t), labels in zip(read, joined_labels(labels_of), strict=True):
        scored.setdefault(name, []).append(replace(t, clusters=labels))
    first = next(iter(used.values()))[0]
    unit_name = units.pop() if len(units) == 1 else MIXED_UNIT
    cells = Cells(scored, first.classes, first.positive, metrics, unit_name, seed, n_resamples)
    return cells.compare(family, pairs, metrics)


def _is_of(path: Path, header: Header) -> bool:
    if not path.is_file() or not header_path(path).is_file():
        return False
    found, provenance = read_csv_header(path, header.kind)
    return provenance == "hilum" and found == header


def _unsafe(cells: dict[str, RunCell]) -> list[str]:
    found = []
    for name, cell in cells.items():
        faults = unsafe_among(cell.switches)
        if faults:
            found.append(f"{name}: {'; '.join(FAULTS[f].what for f in faults)}.")
    return found


def _remarks(
    folders: Sequence[RunFolder], names: Sequence[str], rows: Sequence[ComparisonRow], lonely: Sequence[str]
) -> list[Caution]:
    found = []
    differ = [key for key, _ in run_differences(folders)]
    if len(folders) > 1 and len(differ) > 1:
        text = f"The runs differ in {len(differ)} things, so a difference in results has no single cause: {', '.join(differ)}."
        found.append(Caution("More than one thing differs", text))
    if not all(r.paired for r in rows):
        text = (
            "The test films of some cells are not those of their reference. Units of the union were resampled; a film that only one "
            "of the two saw is not paired."
        )
        found.append(Caution("Test films differ", text))
    if any(r.verdict == ONE_TRIAL for r in rows):
        text = (
            "A cell was trained once, so chance in training is not in the tests and intervals: they hold on these films for these trained "
            "models, and no difference has a verdict. Run two trials or more."
        )
        found.append(Caution("One trial", text))
    synthetic = [n for f, n in zip(folders, names, strict=True) if f.run.get("synthetic")]
    if synthetic and len(synthetic) < len(folders):
        found.append(
            Caution("Synthetic films", f"The films of {', '.join(synthetic)} were drawn by a program.")
        )
    return [*found, *(Caution("Left out", f"{text}.") for text in lonely)]


def _page(
    folders: Sequence[RunFolder],
    names: Sequence[str],
    rows: Sequence[ComparisonRow],
    tables: Sequence[Table],
    remarks: Sequence[Caution],
    unsafe: Sequence[str],
    out: Path,
    command: str,
    header: Header,
) -> Page:
    pictures = []
    if any(r.estimate is not None for r in rows):
        svg, _ = style.save(differences(rows), out / "figures", "differences")
        caption = (
            "Differences on the test films with their 95 % intervals: thick alone, thin together with the family’s others. Filled and "
            "coloured only where the adjusted test says better (blue) or worse (red)."
        )
        pictures.append(Picture("differences", caption, "Dot plot; its numbers are in the table.", svg))
    counts = {v: sum(r.verdict == v for r in rows) for v in get_args(Verdict)}
    sentence = ", ".join(f"{n} {v}" for v, n in counts.items() if n)
    title = f"{' and '.join(names[1:])} against {names[0]}" if len(names) > 1 else f"The faults of {names[0]}"
    closed = [t for t in tables if t.name == "secondary-tests"]
    facts = [(f"predictions of {n}", d) for n, d in header.inputs.items()]
    facts += [("seed", str(header.seed)), ("resamples", str(header.options["n_resamples"]))]
    return Page(
        title,
        f"{len(rows)} comparisons of {against(folders[0].positive, folders[0].classes)}: {sentence}.",
        all(bool(f.run.get("synthetic")) for f in folders),
        remarks,
        Section(
            "results", "Differences", (), [*pictures, *(t for t in tables if t not in closed)], closed=closed
        ),
        (),
        _GLOSSARY,
        command,
        facts,
        unsafe=unsafe,
    )
